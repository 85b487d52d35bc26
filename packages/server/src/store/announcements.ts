import type { EpochSeconds } from '@holdfast/protocol'
import type { Clock } from '../ports.ts'
import { ownerKey } from './owners.ts'
import type { Step } from './statements.ts'
import type { Write } from './writes.ts'

/** Kinds of what ends. A session stands for its grants that end with it. */
export type RevokedWhat = 'token' | 'grant' | 'session' | 'subject' | 'client' | 'key' | 'issuer'

/** One thing that ended. */
export interface Announced {
  readonly what: RevokedWhat
  /** What the store knows it by; for a user, a client and a key: issuer, line feed, name. For an issuer: itself. */
  readonly key: string
}

/**
 * How long after a revocation its announcement is kept. Longer than any access token lives, with a minute for
 * clocks: what was announced earlier concerns no token that is still good.
 */
export const announcementKeptSeconds = 3600 + 60

/**
 * What others must be told when `write` changed something. Here and not in rooms, so that no room can forget: every
 * way in which access ends is one of these writes.
 */
export function announcementOf(write: Write): Announced | undefined {
  switch (write.kind) {
    case 'revoke-access-token':
      return { what: 'token', key: write.hash }
    case 'revoke-grant':
    case 'end-grant':
      return { what: 'grant', key: write.id }
    case 'revoke-grants-of-session':
      return { what: 'session', key: write.sid }
    case 'revoke-grants-of-subject':
    case 'revoke-tokens-of-subject':
    case 'delete-user':
      return { what: 'subject', key: ownerKey(write.issuer, write.subject) }
    case 'put-user':
      return write.record.status === 'active'
        ? undefined
        : { what: 'subject', key: ownerKey(write.record.issuer, write.record.subject) }
    case 'revoke-grants-of-client':
    case 'revoke-tokens-of-client':
    case 'narrow-client':
      return { what: 'client', key: ownerKey(write.issuer, write.clientId) }
    case 'revoke-all-of-issuer':
      return { what: 'issuer', key: write.issuer }
    case 'put-document':
      return ofClientDocument(
        write.document.documentKind,
        write.document.issuer,
        write.document.name,
        write.document.body,
      )
    case 'delete-document':
      return ofClientDocument(write.documentKind, write.issuer, write.name, undefined)
    case 'revoke-key':
      return { what: 'key', key: ownerKey(write.issuer, write.id) }
    default:
      return undefined
  }
}

function ofClientDocument(
  kind: string,
  issuer: string,
  name: string,
  body: string | undefined,
): Announced | undefined {
  if (kind !== 'Client' && kind !== 'RegisteredClient') return undefined
  const isActive = body !== undefined && statusOf(body) === 'active'
  return isActive ? undefined : { what: 'client', key: ownerKey(issuer, name) }
}

// A status nobody knows yet counts as an end: telling too often costs one question, telling too seldom an access.
function statusOf(body: string): string {
  const { spec } = JSON.parse(body) as { readonly spec?: { readonly status?: string } }
  return spec?.status ?? 'active'
}

/** The statements of one commit, after everything else: the head is the last row a transaction waits for. */
export function announcingSteps(announced: readonly Announced[], clock: Clock): readonly Step[] {
  if (announced.length === 0) return []
  const at = clock.now()
  const ms = Math.round(clock.epochMs?.() ?? at * 1000)
  return [
    { name: 'raise-revocation-head', values: [announced.length] },
    ...announced.map(
      ({ what, key }, index): Step => ({
        name: 'insert-revocation',
        values: [what, key, at, ms, announced.length - 1 - index],
      }),
    ),
  ]
}

/** An announcement as it is read back, with what it is about when that is still known. */
export interface RevocationEvent extends Announced {
  readonly sequence: number
  readonly at: EpochSeconds
  /** When it was committed, in milliseconds since 1970, by the clock of the node that did. */
  readonly committedMs: number
  /** The record of a grant or of an access token; undefined when it is gone, and with it every use. */
  readonly body: string | undefined
}
