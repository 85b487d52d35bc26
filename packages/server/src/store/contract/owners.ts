import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import type { Write } from '../writes.ts'
import { committed, fails, same } from './expectations.ts'
import { accessToken, grant, issuer, later, newHash, session, start } from './samples.ts'

const other = 'https://other.example'

export const ownerCases: readonly ContractCase[] = [
  {
    title: 'all of a user ends at once, and nothing of another user, issuer or client of the same name',
    run: async ({ store }) => {
      const subject = `u_${newHash()}`
      const own = { subject, issuer }
      const grants = [
        { ...grant(), ...own },
        { ...grant(), ...own, clientId: 'client-2' },
      ]
      const foreign = [
        { ...grant(), subject, issuer: other },
        { ...grant(), subject: `${subject}0` },
        { ...grant(), clientId: subject },
      ]
      const [signedIn, elsewhere] = [
        { ...session(), ...own },
        { ...session(), subject, issuer: other },
      ]
      const exchanged = { ...accessToken(), ...own, act: { sub: 'client-2' } }
      const granted = { ...accessToken(), ...own, grantId: grants[0]?.id }
      await committed(store, [
        ...[...grants, ...foreign].map((record): Write => ({ kind: 'insert-grant', record })),
        { kind: 'insert-session', record: signedIn },
        { kind: 'insert-session', record: elsewhere },
        { kind: 'insert-access-token', record: exchanged },
        { kind: 'insert-access-token', record: granted },
      ])
      await committed(store, [
        { kind: 'revoke-grants-of-subject', issuer, subject, at: later(1) },
        { kind: 'revoke-sessions-of-subject', issuer, subject, at: later(1) },
        { kind: 'revoke-tokens-of-subject', issuer, subject, at: later(1) },
      ])
      for (const { id } of grants) assert.equal((await store.findGrant(id))?.revokedAt, later(1))
      for (const { id } of foreign) assert.equal((await store.findGrant(id))?.revokedAt, undefined)
      assert.equal((await store.findSession(signedIn.hash))?.revokedAt, later(1))
      assert.equal((await store.findSession(elsewhere.hash))?.revokedAt, undefined)
      assert.equal((await store.findAccessToken(exchanged.hash))?.revokedAt, later(1))
      // Its grant speaks for it: no write of its own.
      assert.equal((await store.findAccessToken(granted.hash))?.revokedAt, undefined)
      const [first] = grants
      assert.ok(first)
      await fails(store, 'require-live-grant', { kind: 'require-live-grant', id: first.id, at: later(2) })
    },
  },
  {
    title: 'all of a client ends at once: its grants, and tokens that it got for itself or for others',
    run: async ({ store }) => {
      const clientId = `c_${newHash()}`
      const own = { ...grant(), clientId }
      const foreign = [grant(), { ...grant(), clientId, issuer: other }]
      const { grantId: _grantId, ...detached } = accessToken()
      const tokens = [
        { ...detached, grantId: undefined, hash: newHash(), clientId, subject: clientId },
        { ...accessToken(), hash: newHash(), clientId, act: { sub: clientId } },
        { ...detached, grantId: undefined, hash: newHash(), subject: clientId, act: { sub: 'client-1' } },
      ]
      const kept = { ...detached, grantId: undefined, hash: newHash() }
      await committed(store, [
        ...[own, ...foreign].map((record): Write => ({ kind: 'insert-grant', record })),
        ...[...tokens, kept].map((record): Write => ({ kind: 'insert-access-token', record })),
      ])
      await committed(store, [
        { kind: 'revoke-grants-of-client', issuer, clientId, at: later(1) },
        { kind: 'revoke-tokens-of-client', issuer, clientId, at: later(1) },
      ])
      assert.equal((await store.findGrant(own.id))?.revokedAt, later(1))
      for (const { id } of foreign) assert.equal((await store.findGrant(id))?.revokedAt, undefined)
      for (const { hash } of tokens) assert.equal((await store.findAccessToken(hash))?.revokedAt, later(1))
      assert.equal((await store.findAccessToken(kept.hash))?.revokedAt, undefined)
    },
  },
  {
    title: 'live grants of a user are listed from the newest on, in pages, and nobody else’s',
    run: async ({ store }) => {
      const subject = newHash()
      const records = Array.from({ length: 5 }, () => ({ ...grant(), subject }))
      const [ended, expired] = [
        { ...grant(), subject },
        { ...grant(), subject, expiresAt: later(5) },
      ]
      const foreign = [
        { ...grant(), subject: newHash() },
        { ...grant(), subject, issuer: other },
      ]
      for (const record of [...records, ended, expired, ...foreign])
        await committed(store, [{ kind: 'insert-grant', record }])
      await committed(store, [{ kind: 'revoke-grant', id: ended.id, at: later(1) }])
      const newestFirst = records
        .map(({ id }) => id)
        .toSorted()
        .toReversed()
      const idsOf = async (
        at: number,
        before: string | undefined,
        limit: number,
      ): Promise<readonly string[]> =>
        (await store.listGrants(issuer, subject, later(at), before, limit)).map(({ id }) => id)
      same(await idsOf(5, undefined, 10), newestFirst)
      same((await idsOf(4, undefined, 10)).includes(expired.id), true)
      same(await idsOf(5, undefined, 2), newestFirst.slice(0, 2))
      same(await idsOf(5, newestFirst[1], 2), newestFirst.slice(2, 4))
      same(await idsOf(5, newestFirst[4], 2), [])
    },
  },
  {
    title:
      'a managed grant is found by the id its client knows, and it is the record that took the place of others',
    run: async ({ store }) => {
      const managed = { id: newHash(), createdAt: start }
      const first = { ...grant(), managed }
      const second = { ...grant(), managed, scopes: ['more'] }
      assert.equal(await store.findManagedGrant(managed.id), undefined)
      await committed(store, [{ kind: 'insert-grant', record: first }])
      same((await store.findManagedGrant(managed.id))?.id, first.id)
      const replace: readonly Write[] = [
        { kind: 'end-grant', id: first.id, at: later(1) },
        { kind: 'insert-grant', record: second },
      ]
      await committed(store, replace)
      const found = await store.findManagedGrant(managed.id)
      same([found?.id, found?.scopes, found?.managed], [second.id, ['more'], managed])
      const again = [
        { kind: 'end-grant', id: first.id, at: later(1) },
        { kind: 'insert-grant', record: { ...second, id: newHash() } },
      ] as const
      assert.deepEqual(await store.commit(again), { committed: false, guard: 'end-grant', index: 0 })
      await committed(store, [{ kind: 'revoke-grant', id: second.id, at: later(2) }])
      assert.equal(await store.findManagedGrant(managed.id), undefined)
    },
  },
]
