import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import type { Store } from '../store.ts'
import type { Write } from '../writes.ts'
import { committed, fails, same } from './expectations.ts'
import { issuer, later, newHash, passkey, session, start, totp } from './samples.ts'

const insert = (record: ReturnType<typeof passkey> | ReturnType<typeof totp>, counter = 0): Write => ({
  kind: 'insert-authenticator',
  record,
  counter,
  ofUserMax: 1000,
})
const revokedAt = async (store: Store, hash: ReturnType<typeof newHash>): Promise<number | undefined> =>
  (await store.findSession(hash))?.revokedAt

export const userCases: readonly ContractCase[] = [
  {
    title: 'authenticators are found by id and by user, with their counter and last use',
    run: async ({ store }) => {
      const subject = newHash()
      const [key, app, foreign] = [passkey(subject), totp(subject), passkey(newHash())]
      await committed(store, [insert(key), insert(app, 55), insert(foreign)])
      same(await store.findAuthenticator(app.id), { ...app, counter: 55 })
      await committed(store, [{ kind: 'use-authenticator', id: key.id, counter: 9, at: later(3) }])
      const found = await store.listAuthenticators(issuer, subject)
      same(
        found.toSorted((left, right) => (left.kind < right.kind ? -1 : 1)),
        [
          { ...key, counter: 9, usedAt: later(3) },
          { ...app, counter: 55 },
        ],
      )
      await committed(store, [{ kind: 'delete-authenticators-of-user', issuer, subject }])
      assert.deepEqual(await store.listAuthenticators(issuer, subject), [])
      assert.notEqual(await store.findAuthenticator(foreign.id), undefined)
      assert.deepEqual(await store.listAuthenticators('https://other.example', foreign.subject), [])
      assert.equal(await store.findAuthenticator(newHash()), undefined)
    },
  },
  {
    title: 'a counter that stays at nought may be used again, one that rose may not fall back to it',
    run: async ({ store }) => {
      const record = passkey(newHash())
      const use = (counter: number): Write => ({
        kind: 'use-authenticator',
        id: record.id,
        counter,
        at: start,
      })
      await committed(store, [insert(record)])
      await committed(store, [use(0)])
      await committed(store, [use(0)])
      await committed(store, [use(1)])
      await fails(store, 'use-authenticator', use(0))
      await fails(store, 'use-authenticator', use(1))
    },
  },
  {
    title: 'the sessions of a user end together but one, and nobody else’s',
    run: async ({ store }) => {
      const subject = newHash()
      const own = (): ReturnType<typeof session> => ({ ...session(), subject })
      const [one, two, three] = [own(), own(), own()]
      const foreign = { ...session(), subject: newHash() }
      const elsewhere = { ...session(), subject, issuer: 'https://other.example' }
      for (const record of [one, two, three, foreign, elsewhere])
        await committed(store, [{ kind: 'insert-session', record }])
      await committed(store, [{ kind: 'revoke-session', hash: three.hash, at: later(-9) }])
      const live = await store.listSessions(issuer, subject, start, 10)
      assert.deepEqual(
        live.map(({ hash }) => hash),
        [one.hash, two.hash].toSorted(),
      )
      assert.equal((await store.listSessions(issuer, subject, start, 1)).length, 1)
      assert.deepEqual(await store.listSessions(issuer, subject, one.expiresAt, 10), [])
      const kind = 'revoke-sessions-of-subject'
      await committed(store, [{ kind, issuer, subject, except: one.hash, at: start }])
      assert.equal(await revokedAt(store, one.hash), undefined)
      assert.equal(await revokedAt(store, two.hash), start)
      assert.equal(await revokedAt(store, three.hash), later(-9))
      await committed(store, [{ kind, issuer, subject, except: undefined, at: later(1) }])
      assert.equal(await revokedAt(store, one.hash), later(1))
      assert.equal(await revokedAt(store, foreign.hash), undefined)
      assert.equal(await revokedAt(store, elsewhere.hash), undefined)
    },
  },
]
