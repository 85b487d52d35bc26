import { isDeepStrictEqual } from 'node:util'
import { announcementOf } from '../../src/store/announcements.ts'
import { start } from '../../src/store/contract/samples.ts'

import type { SightingName } from '../../src/store/records.ts'
import type { Store } from '../../src/store/store.ts'
import type { KeyRecord, Write } from '../../src/store/writes.ts'
import { grantOfEnded, isPassing } from './flows.ts'

type Kind = Write['kind']
/** Whether what a write does has been done; undefined where a later flow covers the trace. */
type Trace<K extends Kind> = (
  store: Store,
  write: Write & { readonly kind: K },
) => Promise<boolean | undefined>

/** A guard that changes nothing, or a change that leaves no trace of its own. */
const none = async (): Promise<undefined> => undefined

/** Every kind of write, by what it leaves behind: one that is added gets its line here, and then its flow. */
export const traces: { readonly [K in Kind]: Trace<K> } = {
  'insert-pushed-request': async (store, { record }) =>
    (await store.findPushedRequest(record.hash)) !== undefined,
  'spend-pushed-request': async (store, { hash }) =>
    (await store.findPushedRequest(hash))?.spentAt !== undefined,
  'insert-interaction': async (store, { record }) => (await store.findInteraction(record.hash)) !== undefined,
  'advance-interaction': async (store, { record }) =>
    (await store.findInteraction(record.hash))?.version === 2,
  'finish-interaction': async (store, { hash }) => (await store.findInteraction(hash))?.spentAt !== undefined,
  'insert-session': async (store, { record }) => (await store.findSession(record.hash)) !== undefined,
  // A later flow may have touched it again, and never to an earlier time.
  'touch-session': async (store, { hash, idleExpiresAt }) =>
    ((await store.findSession(hash))?.idleExpiresAt ?? 0) >= idleExpiresAt,
  'revoke-session': async (store, { hash }) => (await store.findSession(hash))?.revokedAt !== undefined,
  'end-session': async (store, { hash }) => (await store.findSession(hash))?.revokedAt !== undefined,
  'join-session': async (store, { record }) =>
    (await store.listParticipants(record.sid)).includes(record.clientId),
  'revoke-grants-of-session': isAnnounced,
  'insert-logout-notice': none,
  'claim-logout-notice': none,
  'postpone-logout-notice': none,
  'finish-logout-notice': none,
  'insert-grant': async (store, { record }) => (await store.findGrant(record.id)) !== undefined,
  'require-live-grant': none,
  'revoke-grant': async (store, write) =>
    (await store.findGrant(write.id))?.revokedAt !== undefined && isAnnounced(store, write),
  'end-grant': async (store, write) =>
    (await store.findGrant(write.id))?.revokedAt !== undefined && isAnnounced(store, write),
  'revoke-grants-of-subject': isAnnounced,
  'revoke-tokens-of-subject': isAnnounced,
  'revoke-all-of-issuer': async (store, write) =>
    (await store.findGrant(grantOfEnded(write.issuer)))?.revokedAt !== undefined && isAnnounced(store, write),
  'revoke-sessions-of-subject': none,
  'revoke-grants-of-client': isAnnounced,
  'revoke-tokens-of-client': isAnnounced,
  'narrow-client': isAnnounced,
  'insert-code': async (store, { record }) => (await store.findCode(record.hash)) !== undefined,
  'spend-code': async (store, { hash }) => (await store.findCode(hash))?.spentAt !== undefined,
  'insert-device-code': async (store, { record }) => (await store.findDeviceCode(record.hash)) !== undefined,
  'poll-device-code': async (store, { hash }) => (await store.findDeviceCode(hash))?.polledAt !== undefined,
  'approve-device-code': async (store, { hash, grantId }) =>
    (await store.findDeviceCode(hash))?.grantId === grantId,
  'deny-device-code': async (store, { hash }) => (await store.findDeviceCode(hash))?.deniedAt !== undefined,
  'spend-device-code': async (store, { hash }) => (await store.findDeviceCode(hash))?.spentAt !== undefined,
  'insert-backchannel-request': async (store, { record }) =>
    (await store.findBackchannelRequest(record.hash)) !== undefined,
  'poll-backchannel-request': async (store, { hash }) =>
    (await store.findBackchannelRequest(hash))?.polledAt !== undefined,
  'approve-backchannel-request': async (store, { hash, grantId }) =>
    (await store.findBackchannelRequest(hash))?.grantId === grantId,
  'deny-backchannel-request': async (store, { hash }) =>
    (await store.findBackchannelRequest(hash))?.deniedAt !== undefined,
  'spend-backchannel-request': async (store, { hash }) =>
    (await store.findBackchannelRequest(hash))?.spentAt !== undefined,
  'take-prompt': async (store, { key, holder }) =>
    isPassing(key) ? undefined : (await store.findPrompt(key, start)) === holder,
  'free-prompt': none,
  'insert-ping': none,
  'claim-ping': none,
  'postpone-ping': none,
  'finish-ping': none,
  'insert-access-token': async (store, { record }) =>
    (await store.findAccessToken(record.hash)) !== undefined,
  'insert-status-entry': async (store, { record }) =>
    (await store.listStatuses(record.issuer, record.list, start, undefined, 99)).some(
      ({ index, said }) => index === record.index && isDeepStrictEqual(said, record.said),
    ),
  'revoke-access-token': async (store, write) =>
    (await store.findAccessToken(write.hash))?.revokedAt !== undefined && isAnnounced(store, write),
  'insert-refresh-token': async (store, { record }) =>
    (await store.findRefreshToken(record.hash)) !== undefined,
  'spend-refresh-token': async (store, { hash }) =>
    (await store.findRefreshToken(hash))?.spentAt !== undefined,
  'retire-refresh-token': async (store, { hash }) =>
    (await store.findRefreshToken(hash))?.retiredAt !== undefined,
  'use-refresh-token': async (store, { hash, idleExpiresAt }) =>
    (await store.findRefreshToken(hash))?.idleExpiresAt === idleExpiresAt,
  'revoke-refresh-token': async (store, { hash }) =>
    (await store.findRefreshToken(hash))?.revokedAt !== undefined,
  'remember-jti': isRemembered,
  'count-failure': async (store, { key, at }) =>
    isPassing(key) ? undefined : (await store.findFailures(key, at))?.count === 1,
  'clear-failures': none,
  'put-user': async (store, { record }) => {
    if (isPassing(record.subject)) return undefined
    const found = await store.findUserBySubject(record.issuer, record.subject)
    return found?.status === record.status
  },
  'delete-user': isAnnounced,
  'insert-user': async (store, { record }) =>
    (await store.findUserBySubject(record.issuer, record.subject)) !== undefined,
  'require-user': none,
  'insert-authenticator': none,
  'use-authenticator': none,
  'delete-authenticator': none,
  'delete-authenticators-of-user': none,
  'put-document': async (store, write) => {
    const { documentKind, name } = write.document
    if (announcementOf(write) !== undefined) return isAnnounced(store, write)
    if (isPassing(name) || documentKind === 'RegisteredClient') return undefined
    return (await store.listDocuments()).some(one => one.name === name)
  },
  'require-document': none,
  // Only the end of a client is told; of any other document nothing is left to be seen.
  'delete-document': async (store, write) =>
    announcementOf(write) === undefined ? undefined : isAnnounced(store, write),
  'insert-initial-access-token': async (store, { record }) =>
    (await store.findInitialAccessToken(record.hash)) !== undefined,
  'use-initial-access-token': async (store, { hash }) =>
    (await store.findInitialAccessToken(hash))?.usesLeft === 0,
  'revoke-initial-access-token': async (store, { hash }) =>
    (await store.findInitialAccessToken(hash))?.revokedAt !== undefined,
  'put-registration': none,
  'rotate-registration': none,
  'end-registration': none,
  'raise-revision': async (store, { from }) => (await store.revision()) === from + 1,
  'insert-key': async (store, { record }) =>
    isPassing(record.id) ? undefined : (await keyOf(store, record)) !== undefined,
  'end-key': async (store, write) =>
    isPassing(write.id) ? undefined : (await keyOf(store, write))?.removedAt === write.removedAt,
  'revoke-key': async (store, write) =>
    (await keyOf(store, write))?.revokedAt !== undefined && isAnnounced(store, write),
  // The flow after it moves the same times again.
  'retime-key': none,
  'withdraw-key': async (store, write) => (await keyOf(store, write))?.withdrawnAt === write.at,
  'remember-sighting': async (store, { record }) =>
    isPassing(record.owner + record.item) ? undefined : await isSeen(store, record),
  // What is not there was forgotten, or not seen yet.
  'forget-sighting': async (store, { sighting }) => ((await isSeen(store, sighting)) ? false : undefined),
  'forget-sightings': async (store, { issuer, owner }) =>
    (await store.listSightings(issuer, owner, start, 9)).length === 0 ? undefined : false,
  'put-verifier': async (store, { record }) =>
    (await store.listVerifiers(record, start, 1000)).some(({ instance }) => instance === record.instance),
  'delete-key': none,
  'ask-approval': async (store, { record }) => (await store.findApproval(record.key)) !== undefined,
  'give-approval': async (store, { record }) =>
    (await store.findApproval(record.key))?.approvedAt !== undefined,
  'deny-approval': async (store, { key }) => (await store.findApproval(key))?.deniedAt !== undefined,
  'spend-approval': async (store, { key }) => (await store.findApproval(key))?.spentAt !== undefined,
  'require-approval': none,
  'forget-approvals-of-subject': none,
  'forget-approvals-of-client': none,
  'remember-consent': async (store, { record }) =>
    isPassing(record.key) ? undefined : (await store.findConsent(record.key)) !== undefined,
  'require-consent': none,
  'forget-consent': none,
  'forget-consents-of-subject': none,
  'forget-consents-of-client': none,
  'append-audit': async (store, { record }) => (await store.findAudit(record.requestId, 2)).length === 1,
}

/** @returns whether what `write` does is there; undefined where nothing can be seen of it any more */
export function isDone<K extends Kind>(
  store: Store,
  write: Write & { readonly kind: K },
): Promise<boolean | undefined> {
  return traces[write.kind as K](store, write)
}

async function keyOf(
  store: Store,
  { issuer, id }: { readonly issuer: string; readonly id: string },
): Promise<KeyRecord | undefined> {
  return (await store.listKeys(issuer)).find(one => one.id === id)
}

/** Asked without leaving a trace: the list ends in a guard that always fails. */
async function isRemembered(store: Store, write: Write): Promise<boolean> {
  const never: Write = { kind: 'require-live-grant', id: 'no such grant', at: start }
  const result = await store.commit([write, never])
  return !result.committed && result.index === 0
}

/** What ended is told to everybody in the commit that ends it: read once, when nothing writes any more. */
const announced = new WeakMap<Store, Promise<ReadonlySet<string>>>()

async function isAnnounced(store: Store, write: Write): Promise<boolean> {
  const told = announcementOf(write)
  if (told === undefined) throw new TypeError(`${write.kind} is not announced`)
  const known = announced.get(store) ?? readAnnouncements(store)
  announced.set(store, known)
  return (await known).has(`${told.what} ${told.key}`)
}

async function readAnnouncements(store: Store): Promise<ReadonlySet<string>> {
  const all = new Set<string>()
  for (let after = 0; ; ) {
    const events = await store.listRevocations(after, 5000)
    for (const { what, key } of events) all.add(`${what} ${key}`)
    const last = events.at(-1)
    if (last === undefined) return all
    after = last.sequence
  }
}

async function isSeen(store: Store, { issuer, owner, item }: SightingName): Promise<boolean> {
  return (await store.listSightings(issuer, owner, start, 9)).some(found => found.item === item)
}
