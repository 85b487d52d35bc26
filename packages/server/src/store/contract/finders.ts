import assert from 'node:assert/strict'
import type { HandleHash } from '@holdfast/protocol'
import type { ContractCase } from '../contract.ts'
import type { Write } from '../writes.ts'
import { committed, fails, same } from './expectations.ts'
import {
  accessToken,
  audit,
  code,
  deviceCode,
  grant,
  interaction,
  issuer,
  key,
  later,
  newHash,
  pushedRequest,
  refreshToken,
  session,
  start,
  user,
  verifier,
} from './samples.ts'

const untouched = { spentAt: undefined, revokedAt: undefined }

export const finderCases: readonly ContractCase[] = [
  {
    title: 'every record comes back as it went in, untouched',
    run: async ({ store }) => {
      const records = {
        pushed: pushedRequest(),
        interaction: interaction(),
        session: session(),
        grant: grant(),
        code: code(),
        accessToken: accessToken(),
        refreshToken: refreshToken(),
      }
      await committed(store, [
        { kind: 'insert-pushed-request', record: records.pushed },
        { kind: 'insert-interaction', record: records.interaction },
        { kind: 'insert-session', record: records.session },
        { kind: 'insert-grant', record: records.grant },
        { kind: 'insert-code', record: records.code },
        { kind: 'insert-access-token', record: records.accessToken },
        { kind: 'insert-refresh-token', record: records.refreshToken },
      ])
      same(await store.findPushedRequest(records.pushed.hash), { ...records.pushed, ...untouched })
      same(await store.findInteraction(records.interaction.hash), { ...records.interaction, ...untouched })
      same(await store.findSession(records.session.hash), { ...records.session, ...untouched })
      same(await store.findGrant(records.grant.id), { ...records.grant, ...untouched })
      same(await store.findCode(records.code.hash), { ...records.code, ...untouched })
      same(await store.findAccessToken(records.accessToken.hash), { ...records.accessToken, ...untouched })
      same(await store.findRefreshToken(records.refreshToken.hash), {
        ...records.refreshToken,
        ...untouched,
        retiredAt: undefined,
      })
    },
  },
  {
    title: 'what was never written is not found, under any finder',
    run: async ({ store }) => {
      const hash = newHash()
      const answers = await Promise.all([
        ...[store.findPushedRequest(hash), store.findInteraction(hash), store.findSession(hash)],
        ...[store.findGrant(hash), store.findCode(hash), store.findAccessToken(hash)],
        ...[store.findRefreshToken(hash), store.findFailures(hash, start)],
        ...[store.findDeviceCode(hash), store.findDeviceCodeByUserCode(hash)],
        ...[store.findUserByUsername(issuer, 'nobody'), store.findUserBySubject(issuer, 'nobody')],
      ])
      assert.deepEqual(new Set(answers), new Set([undefined]))
      assert.deepEqual(await store.findAudit('nothing', 10), [])
    },
  },
  {
    title: 'a device code is found by both of its codes, with its polls and what the user decided',
    run: async ({ store }) => {
      const [one, two] = [deviceCode(), deviceCode()]
      const at = later(7)
      const undecided = { ...untouched, polledAt: undefined, grantId: undefined, deniedAt: undefined }
      await committed(store, [
        { kind: 'insert-device-code', record: one },
        { kind: 'insert-device-code', record: two },
      ])
      same(await store.findDeviceCode(one.hash), { ...one, ...undecided })
      same(await store.findDeviceCodeByUserCode(two.userCodeHash), { ...two, ...undecided })
      assert.equal(await store.findDeviceCode(one.userCodeHash), undefined)
      assert.equal(await store.findDeviceCodeByUserCode(one.hash), undefined)
      const poll = { kind: 'poll-device-code', hash: one.hash, intervalSeconds: 10 } as const
      await committed(store, [
        { ...poll, at, binding: 'jkt:one' },
        { ...poll, at: later(9), binding: 'jkt:other' },
        { kind: 'approve-device-code', hash: one.hash, grantId: 'grant-1', at },
        { kind: 'spend-device-code', hash: one.hash, at, binding: 'jkt:one' },
        { kind: 'deny-device-code', hash: two.hash, at },
      ])
      const spent = await store.findDeviceCode(one.hash)
      assert.equal(spent?.polledAt, later(9))
      assert.equal(spent?.intervalSeconds, 10)
      assert.equal(spent?.binding, 'jkt:one')
      assert.equal(spent?.grantId, 'grant-1')
      assert.equal(spent?.spentAt, at)
      assert.equal((await store.findDeviceCode(two.hash))?.deniedAt, at)
    },
  },
  {
    title: 'a value of one kind is not found as another',
    run: async ({ store }) => {
      const record = code()
      await committed(store, [{ kind: 'insert-code', record }])
      assert.equal(await store.findAccessToken(record.hash), undefined)
      assert.equal(await store.findRefreshToken(record.hash), undefined)
      assert.equal(await store.findPushedRequest(record.hash), undefined)
    },
  },
  {
    title: 'finders show what has happened since: spent, revoked, retired, moved',
    run: async ({ store }) => {
      const [one, two, held, known] = [refreshToken(), refreshToken(), accessToken(), session()]
      const opened = interaction()
      const at = later(5)
      await committed(store, [
        { kind: 'insert-refresh-token', record: one },
        { kind: 'insert-refresh-token', record: two },
        { kind: 'insert-access-token', record: held },
        { kind: 'insert-session', record: known },
        { kind: 'insert-interaction', record: opened },
      ])
      await committed(store, [
        { kind: 'use-refresh-token', hash: one.hash, at, idleExpiresAt: later(9000) },
        { kind: 'spend-refresh-token', hash: one.hash, at },
        { kind: 'retire-refresh-token', hash: two.hash, at, graceSeconds: 60 },
        { kind: 'revoke-access-token', hash: held.hash, at },
        { kind: 'touch-session', hash: known.hash, idleExpiresAt: later(4000) },
        { kind: 'revoke-session', hash: known.hash, at },
        { kind: 'advance-interaction', record: { ...opened, proven: { pwd: at } }, at },
        { kind: 'finish-interaction', hash: opened.hash, version: 2, at },
      ])
      const rotated = await store.findRefreshToken(one.hash)
      assert.equal(rotated?.spentAt, at)
      assert.equal(rotated?.idleExpiresAt, later(9000))
      assert.equal((await store.findRefreshToken(two.hash))?.retiredAt, at)
      assert.equal((await store.findAccessToken(held.hash))?.revokedAt, at)
      const ended = await store.findSession(known.hash)
      assert.equal(ended?.idleExpiresAt, later(4000))
      assert.equal(ended?.revokedAt, at)
      const finished = await store.findInteraction(opened.hash)
      assert.equal(finished?.version, 2)
      assert.deepEqual(finished?.proven, { pwd: at })
      assert.equal(finished?.spentAt, at)
    },
  },
  {
    title: 'the first revocation is the one that counts',
    run: async ({ store }) => {
      const record = grant()
      await committed(store, [
        { kind: 'insert-grant', record },
        { kind: 'revoke-grant', id: record.id, at: later(1) },
        { kind: 'revoke-grant', id: record.id, at: later(2) },
        { kind: 'revoke-grant', id: newHash(), at: later(2) },
      ])
      assert.equal((await store.findGrant(record.id))?.revokedAt, later(1))
    },
  },
  {
    title: 'users are found by name and by subject inside their issuer, replaced and removed',
    run: async ({ store }) => {
      const [ann, bob] = [user('user:a', 'ann'), user('user:b', 'bob')]
      const elsewhere = { ...ann, issuer: 'https://other.example' }
      await committed(
        store,
        [bob, ann, elsewhere].map((record): Write => ({ kind: 'put-user', record })),
      )
      same(await store.findUserByUsername(issuer, 'ann'), ann)
      same(await store.findUserBySubject(issuer, 'user:b'), bob)
      same(await store.listUsers(issuer), [ann, bob])
      const renamed = { ...ann, username: 'anna', status: 'disabled' as const }
      await committed(store, [
        { kind: 'put-user', record: renamed },
        { kind: 'delete-user', issuer, subject: 'user:b' },
      ])
      assert.equal(await store.findUserByUsername(issuer, 'ann'), undefined)
      same(await store.findUserByUsername(issuer, 'anna'), renamed)
      same(await store.listUsers(issuer), [renamed])
      same(await store.findUserByUsername('https://other.example', 'ann'), elsewhere)
    },
  },
  {
    title: 'text no engine likes is answered like any other: not found, counted, stored',
    run: async ({ store }) => {
      for (const odd of ['\0', '\0\0\0\0\0\0', '\ud800', '\udfff\ud800', "'; --", '\u202e', '😀'.repeat(9)]) {
        const hash = `${odd.slice(0, 6)}${newHash()}` as HandleHash
        assert.equal(await store.findCode(hash), undefined)
        assert.equal(await store.findUserByUsername(issuer, odd), undefined)
        assert.deepEqual(await store.findAudit(odd, 9), [])
        const count: Write = { kind: 'count-failure', key: hash, at: start, windowSeconds: 9 }
        await committed(store, [count, audit(newHash(), odd + newHash())])
        assert.equal((await store.findFailures(hash, start))?.count, 1)
        const record = { ...code(), hash, nonce: odd }
        await committed(store, [{ kind: 'insert-code', record }])
        same((await store.findCode(hash))?.nonce, odd)
      }
    },
  },
  {
    title: 'a username belongs to one subject: the second is a conflict and changes nothing',
    run: async ({ store }) => {
      await committed(store, [{ kind: 'put-user', record: user('user:a', 'ann') }])
      const second: Write = { kind: 'put-user', record: user('user:b', 'ann') }
      await assert.rejects(store.commit([second]), { code: 'store.conflict' })
      assert.equal((await store.listUsers(issuer)).length, 1)
    },
  },
  {
    title: 'documents are put, replaced, listed in order and deleted',
    run: async ({ store }) => {
      const document = (documentKind: string, name: string, body: string) => ({
        documentKind,
        issuer,
        name,
        body,
      })
      const [client, scope] = [document('Client', 'c', '{"a":1}'), document('Scope', 's', '{}')]
      await committed(store, [
        { kind: 'put-document', document: scope },
        { kind: 'put-document', document: { ...client, body: '{}' } },
        { kind: 'put-document', document: client },
        { kind: 'put-document', document: document('Client', 'gone', '{}') },
      ])
      await committed(store, [{ kind: 'delete-document', documentKind: 'Client', name: 'gone', issuer }])
      same(await store.listDocuments(), [client, scope])
    },
  },
  {
    title: 'the revision starts at nought, rises by one and tells those who listen',
    run: async ({ store }) => {
      assert.equal(await store.revision(), 0)
      const told = new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('nobody was told')), 5000)
        store.onRevision(() => {
          clearTimeout(late)
          resolve()
        })
      })
      await committed(store, [{ kind: 'raise-revision', from: 0 }])
      assert.equal(await store.revision(), 1)
      await told
    },
  },
  {
    title: 'keys come back byte for byte, of their issuer only, and are never replaced',
    run: async ({ store }) => {
      const [one, two] = [key('a'), key('b')]
      await committed(store, [
        { kind: 'insert-key', record: two },
        { kind: 'insert-key', record: one },
        { kind: 'insert-key', record: { ...one, issuer: 'https://other.example' } },
      ])
      assert.deepEqual(await store.listKeys(issuer), [one, two])
      await assert.rejects(store.commit([{ kind: 'insert-key', record: one }]), { code: 'store.conflict' })
    },
  },
  {
    title: 'the times of a key move only from what they are, and a withdrawn key keeps its own',
    run: async ({ store }) => {
      await committed(store, [
        { kind: 'insert-key', record: key('a') },
        { kind: 'insert-key', record: key('b') },
        { kind: 'end-key', issuer, id: 'b', removedAt: later(900) },
      ])
      const [of, none] = [
        { issuer, id: 'a' },
        { activeAt: later(600), removedAt: undefined },
      ]
      const moved = { activeAt: later(700), removedAt: undefined }
      for (const from of [moved, { ...none, removedAt: later(1) }])
        await fails(store, 'retime-key', { kind: 'retime-key', ...of, from, to: moved })
      const ended = { activeAt: later(600), removedAt: later(900) }
      await committed(store, [
        { kind: 'retime-key', ...of, from: none, to: moved },
        { kind: 'retime-key', ...of, id: 'b', from: ended, to: none },
      ])
      await committed(store, [{ kind: 'withdraw-key', ...of, at: later(3), removedAt: later(50) }])
      assert.deepEqual(await store.listKeys(issuer), [
        { ...key('a'), activeAt: later(700), withdrawnAt: later(3), removedAt: later(50) },
        key('b'),
      ])
      const withdrawn = { activeAt: later(700), removedAt: later(50) }
      await fails(store, 'retime-key', { kind: 'retime-key', ...of, from: withdrawn, to: none })
    },
  },
  {
    title: 'verifiers come back as they last reported, of their issuer and client only, while they are live',
    run: async ({ store }) => {
      const [one, two] = [verifier('1'), verifier('2')]
      const other = { ...verifier('1'), clientId: 'client-10' }
      const foreign = { ...verifier('1'), issuer: `${issuer}0` }
      for (const record of [two, one, other, foreign])
        await committed(store, [{ kind: 'put-verifier', record }])
      const again = { ...one, keys: ['c'], expiresAt: later(300) }
      await committed(store, [{ kind: 'put-verifier', record: again }])
      assert.deepEqual(await store.listVerifiers({ issuer }, later(179), 9), [again, two, other])
      assert.deepEqual(await store.listVerifiers({ issuer }, later(180), 9), [again])
      assert.deepEqual(await store.listVerifiers({ issuer }, start, 2), [again, two])
      const { clientId } = one
      assert.deepEqual(await store.listVerifiers({ issuer, clientId }, start, 9), [again, two])
      await store.expire(later(180), 100)
      assert.deepEqual(await store.listVerifiers({ issuer }, start, 9), [again])
    },
  },
  {
    title: 'a key has an end, is deleted in its last second and not before, and one taken back is empty',
    run: async ({ store }) => {
      const [ending, taken] = [key('a'), key('b')]
      await committed(store, [
        { kind: 'insert-key', record: ending },
        { kind: 'insert-key', record: taken },
        { kind: 'end-key', issuer, id: 'a', removedAt: later(10) },
        { kind: 'revoke-key', issuer, id: 'b', at: later(5) },
      ])
      assert.deepEqual(await store.listKeys(issuer), [
        { ...ending, removedAt: later(10) },
        { ...taken, revokedAt: later(5), sealed: Buffer.alloc(0) },
      ])
      await fails(store, 'delete-key', { kind: 'delete-key', issuer, id: 'a', at: later(9) })
      await committed(store, [{ kind: 'delete-key', issuer, id: 'a', at: later(10) }])
      assert.deepEqual(
        (await store.listKeys(issuer)).map(({ id }) => id),
        ['b'],
      )
    },
  },
  {
    title: 'failures are counted inside their window, up to its last second, and cleared',
    run: async ({ store }) => {
      const failing = newHash()
      const count = (seconds: number): Write => ({
        kind: 'count-failure',
        key: failing,
        at: later(seconds),
        windowSeconds: 100,
      })
      await committed(store, [count(0), count(10)])
      await committed(store, [count(99)])
      assert.deepEqual(await store.findFailures(failing, later(99)), { count: 3, lastAt: later(99) })
      assert.equal(await store.findFailures(failing, later(100)), undefined)
      await committed(store, [count(100)])
      assert.deepEqual(await store.findFailures(failing, later(100)), { count: 1, lastAt: later(100) })
      await committed(store, [{ kind: 'clear-failures', key: failing }])
      assert.equal(await store.findFailures(failing, later(100)), undefined)
    },
  },
]
