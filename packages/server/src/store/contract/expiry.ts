import assert from 'node:assert/strict'
import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { ContractCase } from '../contract.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { committed, fails } from './expectations.ts'
import {
  accessToken,
  approval,
  audit,
  backchannelRequest,
  code,
  deviceCode,
  grant,
  initialAccessToken,
  interaction,
  issuer,
  jti,
  later,
  newHash,
  pushedRequest,
  refreshToken,
  rememberedConsent,
  session,
  start,
  statusEntry,
} from './samples.ts'

interface Expiring {
  readonly name: string
  readonly make: () => { readonly write: Write; readonly isThere: (store: Store) => Promise<boolean> }
  /** The first instant at which the row may go. */
  readonly goesAt: EpochSeconds
}

/** Spells out one kind: what to insert and how to see whether it is still there. */
function expiring<T extends { readonly expiresAt: EpochSeconds }>(
  name: string,
  make: () => T,
  write: (record: T) => Write,
  find: (store: Store, record: T) => Promise<unknown>,
  keptSeconds = 0,
): Expiring {
  return {
    name,
    make: () => {
      const record = make()
      return { write: write(record), isThere: async store => (await find(store, record)) !== undefined }
    },
    goesAt: secondsAfter(make().expiresAt, keptSeconds),
  }
}

const expiringKinds: readonly Expiring[] = [
  expiring(
    'a pushed request',
    pushedRequest,
    record => ({ kind: 'insert-pushed-request', record }),
    (store, { hash }) => store.findPushedRequest(hash),
  ),
  expiring(
    'an initial access token',
    initialAccessToken,
    record => ({ kind: 'insert-initial-access-token', record }),
    (store, { hash }) => store.findInitialAccessToken(hash),
  ),
  expiring(
    'an interaction',
    interaction,
    record => ({ kind: 'insert-interaction', record }),
    (store, { hash }) => store.findInteraction(hash),
  ),
  expiring(
    'a session',
    session,
    record => ({ kind: 'insert-session', record }),
    (store, { hash }) => store.findSession(hash),
  ),
  expiring(
    'a grant',
    grant,
    record => ({ kind: 'insert-grant', record }),
    (store, { id }) => store.findGrant(id),
  ),
  expiring(
    'an entry of a status list, kept a minute for slow clocks,',
    statusEntry,
    record => ({ kind: 'insert-status-entry', record }),
    async (store, { list }) => (await store.listStatuses(issuer, list, start, undefined, 1))[0],
    60,
  ),
  expiring(
    'a code, kept an hour for replays,',
    code,
    record => ({ kind: 'insert-code', record }),
    (store, { hash }) => store.findCode(hash),
    3600,
  ),
  expiring(
    'a device code, kept ten minutes for its device,',
    deviceCode,
    record => ({ kind: 'insert-device-code', record }),
    (store, { hash }) => store.findDeviceCode(hash),
    600,
  ),
  expiring(
    'a backchannel request, kept ten minutes for its client,',
    backchannelRequest,
    record => ({ kind: 'insert-backchannel-request', record }),
    (store, { hash }) => store.findBackchannelRequest(hash),
    600,
  ),
  expiring(
    'an access token',
    accessToken,
    record => ({ kind: 'insert-access-token', record }),
    (store, { hash }) => store.findAccessToken(hash),
  ),
  expiring(
    'a refresh token',
    refreshToken,
    record => ({ kind: 'insert-refresh-token', record }),
    (store, { hash }) => store.findRefreshToken(hash),
  ),
  expiring(
    'a request for approval',
    approval,
    record => ({ kind: 'ask-approval', record, at: start, ofAskerMax: 20 }),
    (store, { key }) => store.findApproval(key),
  ),
  expiring(
    'a remembered consent',
    rememberedConsent,
    record => ({ kind: 'remember-consent', record }),
    (store, { key }) => store.findConsent(key),
  ),
]

export const expiryCases: readonly ContractCase[] = [
  ...expiringKinds.map(
    ({ name, make, goesAt }): ContractCase => ({
      title: `${name} is there a second before its end and gone from then on`,
      run: async ({ store }) => {
        for (const [seconds, remains] of [
          [-1, true],
          [0, false],
          [1, false],
        ] as const) {
          const { write, isThere } = make()
          await committed(store, [write])
          const removed = await store.expire(secondsAfter(goesAt, seconds), 100)
          assert.equal(removed >= (remains ? 0 : 1), true)
          assert.equal(await isThere(store), remains, `${seconds} s from its end`)
        }
      },
    }),
  ),
  {
    title:
      'a remembered jti is kept a minute for slow clocks, and refused also when it is gone and the clock goes back',
    run: async ({ store }) => {
      const key = newHash()
      await committed(store, [jti(key)])
      assert.equal(await store.expire(later(60 + 59), 100), 0)
      await fails(store, 'remember-jti', jti(key))
      assert.equal(await store.expire(later(60 + 60), 100), 1)
      await fails(store, 'remember-jti', jti(key))
      // Whatever else may have been swept is refused with it; what cannot have been is not.
      await fails(store, 'remember-jti', jti(newHash(), start, later(60)))
      await committed(store, [jti(newHash(), start, later(61))])
    },
  },
  {
    title: 'expiry takes at most the limit of each table, and audit never',
    run: async ({ store }) => {
      const records = Array.from({ length: 10 }, code)
      await committed(store, [
        ...records.map((record): Write => ({ kind: 'insert-code', record })),
        { kind: 'insert-access-token', record: accessToken() },
        audit('kept'),
      ])
      const end = later(10_000)
      assert.equal(await store.expire(end, 4), 5)
      assert.equal(await store.expire(end, 4), 4)
      assert.equal(await store.expire(end, 4), 2)
      assert.equal(await store.expire(end, 4), 0)
      assert.equal((await store.findAudit('kept', 9)).length, 1)
    },
  },
  {
    title: 'what dies behind rows that live long is found by the patrol',
    run: async ({ store }) => {
      const longLived = Array.from({ length: 600 }, () => ({
        ...refreshToken(),
        expiresAt: later(1_000_000),
      }))
      const dying = refreshToken()
      for (const record of [...longLived, dying])
        await store.commit([{ kind: 'insert-refresh-token', record }])
      let removed = 0
      for (let call = 0; call < 4; call++) removed += await store.expire(later(90_000), 10)
      assert.equal(removed, 1)
      assert.equal(await store.findRefreshToken(dying.hash), undefined)
    },
  },
]
