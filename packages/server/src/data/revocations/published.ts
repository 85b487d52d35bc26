import type { EpochSeconds } from '@holdfast/protocol'
import { type RevocationTopic, revocationDigest } from '@holdfast/protocol/revocation-event.ts'
import type { RevocationEvent } from '../../store/announcements.ts'
import type { AccessTokenRecord, GrantRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'

/** What a reader is told: a digest, never a name and never a credential. */
export interface PublishedRevocation {
  readonly topic: RevocationTopic
  readonly digest: string
  readonly at: EpochSeconds
  readonly committed_ms: number
}

export interface Audience {
  readonly issuer: string
  readonly introspects: readonly string[]
  readonly store: Store
  /** What tokens call a user: the subject, and another name for each sector of clients. */
  readonly namesOf: (subject: string) => readonly string[]
}

/** A session that a user was sent back to all day long may end thousands of grants. */
const grantsPageRows = 500

/**
 * One announcement in the words of the feed, for one reader: nothing of another issuer, no token of another's API.
 * A grant may reach APIs it does not name (an exchange), so its digest goes to all: it is of a random `txn`.
 */
export async function publishedOf(
  event: RevocationEvent,
  { issuer, introspects, store, namesOf }: Audience,
): Promise<readonly PublishedRevocation[]> {
  const { what, key, at, committedMs, body } = event
  const say = (topic: RevocationTopic, name: string): PublishedRevocation => ({
    topic,
    digest: revocationDigest(topic, issuer, name),
    at,
    committed_ms: committedMs,
  })
  switch (what) {
    case 'token': {
      const token = body === undefined ? undefined : (JSON.parse(body) as AccessTokenRecord)
      if (token?.issuer !== issuer || !token.audience.some(one => introspects.includes(one))) return []
      return [say('token', token.jti)]
    }
    case 'grant': {
      const grant = body === undefined ? undefined : (JSON.parse(body) as GrantRecord)
      return grant?.issuer === issuer ? [say('grant', grant.txn)] : []
    }
    case 'session': {
      const said: PublishedRevocation[] = []
      let grants: readonly GrantRecord[] = []
      do {
        grants = await store.listGrantsEndedWithSession(key, grants.at(-1)?.id ?? '', grantsPageRows)
        for (const grant of grants) if (grant.issuer === issuer) said.push(say('grant', grant.txn))
      } while (grants.length === grantsPageRows)
      return said
    }
    case 'subject': {
      if (!key.startsWith(`${issuer}\n`)) return []
      const subject = key.slice(issuer.length + 1)
      return namesOf(subject).map(name => say('subject', name))
    }
    case 'issuer':
      return key === issuer ? [say('issuer', issuer)] : []
    case 'client':
    case 'key':
      return key.startsWith(`${issuer}\n`) ? [say(what, key.slice(issuer.length + 1))] : []
    default:
      return what satisfies never
  }
}
