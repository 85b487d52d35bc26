import {
  accept,
  type EpochSeconds,
  type Outcome,
  type Refusal,
  refuse,
  type SecurityProfile,
} from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest, InteractionRecord } from '../../store/records.ts'
import type { Found } from '../../store/store.ts'
import { judgeStill } from '../authorize/request.ts'
import { askedAgain, judgeDeviceRequest } from '../device/request.ts'
import { hashOfHandle } from '../handle.ts'
import { cookieHash } from './cookies.ts'
import { type LiveSession, loadSession } from './session.ts'

/** A request of the right browser to a live interaction, with the policy that applies at this moment. */
export interface Visit {
  readonly exchange: Exchange
  /** As it stands in the URL. */
  readonly id: string
  readonly interaction: InteractionRecord
  readonly client: Client
  readonly profile: SecurityProfile
  /** The session this interaction goes on with, when the browser still holds it. */
  readonly session: LiveSession | undefined
  /** Whatever session the browser holds, e.g. one that a fresh login replaces. */
  readonly browserSession: LiveSession | undefined
  readonly now: EpochSeconds
}

export async function loadVisit(exchange: Exchange, ports: Ports): Promise<Outcome<Visit>> {
  const now = ports.clock.now()
  const id = exchange.params.id ?? ''
  const found = await ports.store.findInteraction(hashOfHandle('interaction', exchange.issuer.url, id))
  const interaction = judgeInteraction(found, cookieHash(exchange, 'browser'), exchange.issuer.url, now)
  if (!interaction.ok) return interaction

  const { sessionHash } = interaction.value
  const still = judgeInteractionStill(interaction.value, exchange.issuer)
  if (!still.ok) return still
  const browserSession = await loadSession(exchange, ports, now)
  const session = browserSession?.record.hash === sessionHash ? browserSession : undefined
  return accept({
    exchange,
    id,
    interaction: interaction.value,
    ...still.value,
    session,
    browserSession,
    now,
  })
}

function judgeInteractionStill(
  { request, pushedHash, device, approvals }: InteractionRecord,
  issuer: Exchange['issuer'],
): Outcome<Pick<Visit, 'client' | 'profile'>> {
  if (approvals) return accept({ client: ourselves(issuer), profile: issuer.floor })
  return device === undefined
    ? judgeStill(request, issuer, pushedHash !== undefined)
    : judgeDeviceStill(request, issuer)
}

/**
 * Whom a user signs in to when no client sent them. No name of a client is a URL, so the audit tells the two apart. The
 * steps on that way read its id and name; the rest only says that it may nothing.
 */
function ourselves({ url, floor }: Exchange['issuer']): Client {
  const nothing = { redirectUris: [], grantTypes: [], scopes: [], resources: [] }
  const standing = { status: 'active' as const, isPublic: false, profile: floor }
  return { clientId: url, clientName: 'your waiting requests', ...standing, ...nothing } as unknown as Client
}

function judgeDeviceStill(
  request: AuthorizationRequest,
  issuer: Exchange['issuer'],
): Outcome<Pick<Visit, 'client' | 'profile'>> {
  const client = issuer.clients.get(request.clientId)
  if (client?.status !== 'active')
    return refuse(
      'device.client-gone',
      ['RFC8628-3.4'],
      'unauthorized_client',
      'the client is gone or suspended',
    )
  const judged = judgeDeviceRequest(askedAgain(request), client, issuer)
  return judged.ok ? accept({ client, profile: judged.value.profile }) : judged
}

/** Only the browser that started it, only once, only in time (I12). The four refusals look alike to the user. */
function judgeInteraction(
  found: Found<InteractionRecord> | undefined,
  browserHash: string | undefined,
  issuer: string,
  now: EpochSeconds,
): Outcome<InteractionRecord> {
  const no = (ruleId: string, reason: string): Refusal => refuse(ruleId, [], 'invalid_request', reason)
  if (found === undefined || found.issuer !== issuer) return no('interaction.known', 'no such interaction')
  if (found.browserHash !== browserHash)
    return no('interaction.browser', 'the interaction was started in another browser')
  if (found.spentAt !== undefined) return no('interaction.finished', 'the interaction is already finished')
  if (now >= found.expiresAt) return no('interaction.expired', 'the interaction has expired')
  return accept(found)
}
