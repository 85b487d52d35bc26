import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import type { Write } from '../writes.ts'
import { committed, fails, same } from './expectations.ts'
import { audit, code, initialAccessToken, issuer, later, newHash, start } from './samples.ts'

const racers = 16

const put = (name: string, body: string, documentKind = 'RegisteredClient'): Write => ({
  kind: 'put-document',
  document: { documentKind, issuer, name, body },
})

export const registrationCases: readonly ContractCase[] = [
  {
    title: 'an initial access token is found with the uses it has left, and listed with those of its issuer',
    run: async ({ store }) => {
      const [one, two] = [initialAccessToken(3), initialAccessToken(1)]
      const elsewhere = { ...initialAccessToken(1), issuer: 'https://other.example' }
      for (const record of [one, two, elsewhere])
        await committed(store, [{ kind: 'insert-initial-access-token', record }])
      const use = (hash = one.hash): Write => ({ kind: 'use-initial-access-token', hash, at: start })
      await committed(store, [use()])
      same(await store.findInitialAccessToken(one.hash), { ...one, usesLeft: 2 })
      await committed(store, [{ kind: 'revoke-initial-access-token', hash: two.hash, at: later(1) }])
      await committed(store, [{ kind: 'revoke-initial-access-token', hash: two.hash, at: later(2) }])
      same(await store.listInitialAccessTokens(issuer), [
        { ...one, usesLeft: 2 },
        { ...two, usesLeft: 1, revokedAt: later(1) },
      ])
      assert.equal(await store.findInitialAccessToken(newHash()), undefined)
      await committed(store, [use(), use()])
      await fails(store, 'use-initial-access-token', use())
      assert.equal((await store.findInitialAccessToken(one.hash))?.usesLeft, 0)
    },
  },
  {
    title: `of ${racers} parallel uses of an initial access token for five exactly five win`,
    run: async ({ store }) => {
      const record = initialAccessToken(5)
      await committed(store, [{ kind: 'insert-initial-access-token', record }])
      const bought = Array.from({ length: racers }, code)
      const results = await Promise.all(
        bought.map(record_ =>
          store.commit([
            { kind: 'insert-code', record: record_ },
            { kind: 'use-initial-access-token', hash: record.hash, at: start },
            audit('uses'),
          ]),
        ),
      )
      assert.equal(results.filter(({ committed }) => committed).length, 5)
      assert.equal((await store.findAudit('uses', 99)).length, 5)
      const there = await Promise.all(bought.map(({ hash }) => store.findCode(hash)))
      assert.equal(there.filter(found => found !== undefined).length, 5)
    },
  },
  {
    title: 'one token manages a client: the last one put, until it is rotated or ended',
    run: async ({ store }) => {
      const [first, second, third] = [newHash(), newHash(), newHash()]
      const clientId = 'c_1'
      const there = { issuer, clientId }
      assert.equal(await store.findRegistration(issuer, clientId), undefined)
      await committed(store, [{ kind: 'put-registration', ...there, tokenHash: first }])
      assert.equal(await store.findRegistration(issuer, clientId), first)
      assert.equal(await store.findRegistration('https://other.example', clientId), undefined)
      assert.equal(await store.findRegistration(issuer, 'c_2'), undefined)
      for (const odd of ['\0', '\ud800', "'; --", `c_1\n`, '😀'.repeat(9)])
        assert.equal(await store.findRegistration(issuer, odd), undefined)
      await committed(store, [{ kind: 'rotate-registration', ...there, from: first, to: second }])
      assert.equal(await store.findRegistration(issuer, clientId), second)
      await committed(store, [{ kind: 'put-registration', ...there, tokenHash: third }])
      await fails(store, 'end-registration', { kind: 'end-registration', ...there, tokenHash: second })
      await committed(store, [{ kind: 'end-registration', ...there, tokenHash: third }])
      assert.equal(await store.findRegistration(issuer, clientId), undefined)
    },
  },
  {
    title: 'documents written after a revision are told, with how many there are in all',
    run: async ({ store }) => {
      assert.equal(await store.listDocumentsSince(0), undefined)
      const raise = (from: number): Write => ({ kind: 'raise-revision', from })
      await committed(store, [raise(0), put('a', '{}'), put('b', '{}')])
      await committed(store, [raise(1), put('b', '{"changed":true}'), put('c', '{}', 'ClientSecret')])
      const all = await store.listDocumentsSince(0)
      assert.deepEqual([all?.revision, all?.total, all?.documents.length], [2, 3, 3])
      const newer = await store.listDocumentsSince(1)
      assert.deepEqual(
        newer?.documents.map(({ name, body }) => `${name} ${body}`),
        ['c {}', 'b {"changed":true}'],
      )
      assert.equal(newer?.total, 3)
      assert.equal(await store.listDocumentsSince(2), undefined)
      // A deletion shows in the count alone.
      await committed(store, [
        raise(2),
        { kind: 'delete-document', documentKind: 'RegisteredClient', name: 'a', issuer },
      ])
      assert.equal(await store.listDocumentsSince(2), undefined)
      await committed(store, [raise(3), put('d', '{}')])
      const last = await store.listDocumentsSince(2)
      assert.deepEqual([last?.revision, last?.total, last?.documents.length], [4, 3, 1])
    },
  },
]
