import assert from 'node:assert/strict'
import type { ApprovalRecord } from '../approval-records.ts'
import type { ContractCase } from '../contract.ts'
import type { Write } from '../writes.ts'
import { committed, fails, same } from './expectations.ts'
import { approval, issuer, later, newHash, rememberedConsent, start } from './samples.ts'

const ask = (record: ApprovalRecord, seconds = 0, ofAskerMax = 20): Write => ({
  kind: 'ask-approval',
  record,
  at: later(seconds),
  ofAskerMax,
})

const unanswered = { version: 0, approvedAt: undefined, deniedAt: undefined, spentAt: undefined }

export const approvalCases: readonly ContractCase[] = [
  {
    title: 'a request for approval comes back with what became of it',
    run: async ({ store }) => {
      const record = approval()
      const { key } = record
      await committed(store, [ask(record)])
      same(await store.findApproval(key), { ...record, ...unanswered })
      assert.equal(await store.findApproval(newHash()), undefined)
      const one = { ...record, given: [{ group: 'treasury', by: 'user:2', at: later(1) }] }
      const step = { kind: 'give-approval', at: later(1) } as const
      await committed(store, [{ ...step, record: one, version: 0, approvedAt: undefined }])
      same(await store.findApproval(key), { ...one, ...unanswered, version: 1 })
      const both = { ...one, given: [...one.given, { group: 'legal', by: 'user:3', at: later(1) }] }
      const until = { ...both, expiresAt: later(901) }
      await committed(store, [{ ...step, record: until, version: 1, approvedAt: later(1) }])
      await committed(store, [{ kind: 'spend-approval', key, at: later(2) }])
      const spent = { version: 2, approvedAt: later(1), deniedAt: undefined, spentAt: later(2) }
      same(await store.findApproval(key), { ...until, ...spent })
    },
  },
  {
    title: 'what was spent, or whose time is over, can be asked again; what was denied, only after its time',
    run: async ({ store }) => {
      const [spent, over, denied] = [approval(), approval(), approval()]
      const again = (record: ApprovalRecord) => ({ ...record, txn: 'again' })
      for (const record of [spent, over, denied]) await committed(store, [ask(record)])
      const give = { kind: 'give-approval', record: spent, version: 0, approvedAt: start, at: start } as const
      await committed(store, [give, { kind: 'spend-approval', key: spent.key, at: start }])
      await committed(store, [{ kind: 'deny-approval', key: denied.key, at: start, until: later(900) }])
      await committed(store, [ask(again(spent), 1)])
      same(await store.findApproval(spent.key), { ...again(spent), ...unanswered, version: 2 })
      await fails(store, 'ask-approval', ask(again(over), 86_399))
      await committed(store, [ask({ ...again(over), expiresAt: later(100_000) }, 86_400)])
      await fails(store, 'ask-approval', ask(again(denied), 899))
      await committed(store, [ask(again(denied), 900)])
    },
  },
  {
    title: 'requests wait for the groups they name, and for no other whose name is like it',
    run: async ({ store }) => {
      const url = `${issuer}/${newHash()}`
      const of = (groups: readonly string[], expiresAt = later(100)): ApprovalRecord => {
        const record = approval()
        return { ...record, issuer: url, content: { ...record.content, groups }, expiresAt }
      }
      const one = of(['a_b'], later(200))
      const two = of(['legal', 'a_b'])
      const others = [of(['axb']), of(['a_bc']), of(['100%']), { ...of(['a_b']), issuer }]
      for (const record of [one, two, ...others]) await committed(store, [ask(record)])
      const waiting = async (group: string | undefined, seconds: number, limit = 10) =>
        (await store.listWaitingApprovals(url, group, later(seconds), limit)).map(({ key }) => key)
      assert.deepEqual(await waiting('a_b', 0), [two.key, one.key])
      assert.deepEqual(await waiting('a_b', 0, 1), [two.key])
      assert.deepEqual(await waiting('a_b', 100), [one.key])
      assert.deepEqual(await waiting('a%', 0), [])
      assert.deepEqual(await waiting('100%', 0), [others[2]?.key])
      assert.equal((await waiting(undefined, 0)).length, 5)
      await committed(store, [{ kind: 'deny-approval', key: two.key, at: start, until: later(900) }])
      assert.deepEqual(await waiting('a_b', 0), [one.key])
    },
  },
  {
    title: 'who asks for much does not hide who asks for little',
    run: async ({ store }) => {
      const url = `${issuer}/${newHash()}`
      const of = (clientId: string, subject: string | undefined, seconds: number): ApprovalRecord => {
        const record = approval()
        const content = { ...record.content, clientId, subject, groups: ['legal'] }
        return { ...record, issuer: url, content, expiresAt: later(seconds) }
      }
      const many = Array.from({ length: 20 }, (_, index) => of('c_loud', undefined, 100 + index))
      const [quiet, quieter] = [of('c_quiet', 'user:1', 500), of('c_loud', 'user:1', 600)]
      for (const record of [...many, quiet, quieter]) await committed(store, [ask(record)])
      const listed = async (limit: number) =>
        (await store.listWaitingApprovals(url, 'legal', start, limit)).map(({ key }) => key)
      const [first, second, ...others] = many.map(({ key }) => key)
      same(await listed(4), [first, quiet.key, quieter.key, second])
      same(await listed(30), [first, quiet.key, quieter.key, second, ...others])
    },
  },
  {
    title: 'a consent is remembered once for a user and a client, and forgotten with either',
    run: async ({ store }) => {
      const [subject, clientId] = [newHash(), newHash()]
      const mine = { ...rememberedConsent(), subject, clientId }
      const mineElsewhere = { ...rememberedConsent(), subject }
      const others = { ...rememberedConsent(), clientId }
      for (const record of [mine, mineElsewhere, others])
        await committed(store, [{ kind: 'remember-consent', record }])
      const newer = { ...mine, grantId: 'newer', expiresAt: later(50) }
      await committed(store, [{ kind: 'remember-consent', record: newer }])
      same(await store.findConsent(mine.key), newer)
      const keys = async (seconds: number) =>
        (await store.listConsents(issuer, subject, later(seconds), 10)).map(({ key }) => key).toSorted()
      assert.deepEqual(await keys(49), [mine.key, mineElsewhere.key].toSorted())
      assert.deepEqual(await keys(50), [mineElsewhere.key])
      await committed(store, [{ kind: 'forget-consents-of-client', issuer, clientId }])
      assert.equal(await store.findConsent(mine.key), undefined)
      assert.equal(await store.findConsent(others.key), undefined)
      await committed(store, [{ kind: 'forget-consents-of-subject', issuer, subject }])
      assert.equal(await store.findConsent(mineElsewhere.key), undefined)
    },
  },
  {
    title: 'what others approve ends with its user or its client, whole names only; what they denied stands',
    run: async ({ store }) => {
      const url = `${issuer}/${newHash()}`
      const of = (clientId: string, subject: string | undefined, at = url): ApprovalRecord => {
        const record = approval()
        return { ...record, issuer: at, content: { ...record.content, clientId, subject } }
      }
      const kept = [of('c_11', 'u_1'), of('C_1', undefined), of('c_2', 'u_11'), of('c_1', 'u_1', issuer)]
      const ofClient = [of('c_1', undefined), of('c_1', 'u_3')]
      const ofSubject = [of('c_3', 'u_2'), of('u_2', 'u_2')]
      const others = [of('c_3', 'U_2'), of('c_3', 'x_u_2'), of('u_2', undefined), of('c_3', '%')]
      const [deniedOne, deniedTwo] = [of('c_1', 'u_2'), of('c_1', undefined)]
      const all = [...kept, ...ofClient, ...ofSubject, ...others, deniedOne, deniedTwo]
      for (const record of all) await committed(store, [ask(record)])
      for (const { key } of [deniedOne, deniedTwo])
        await committed(store, [{ kind: 'deny-approval', key, at: start, until: later(900) }])
      const left = async () => {
        const found = await Promise.all(all.map(({ key }) => store.findApproval(key)))
        return all.filter((_, index) => found[index] !== undefined)
      }
      await committed(store, [{ kind: 'forget-approvals-of-client', issuer: url, clientId: 'c_1' }])
      same(
        await left(),
        all.filter(one => !ofClient.includes(one)),
      )
      await committed(store, [{ kind: 'forget-approvals-of-subject', issuer: url, subject: 'u_2' }])
      same(await left(), [...kept, ...others, deniedOne, deniedTwo])
    },
  },
  {
    title:
      'when all access of an issuer ends, what was asked, approved and remembered before counts for nothing',
    run: async ({ store }) => {
      const url = `${issuer}/${newHash()}`
      const [one, two] = [approval(), approval()].map(record => ({ ...record, issuer: url }))
      assert(one && two)
      const consent = { ...rememberedConsent(), issuer: url }
      const elsewhere = rememberedConsent()
      for (const record of [one, two]) await committed(store, [ask(record)])
      await committed(store, [
        { kind: 'give-approval', record: one, version: 0, approvedAt: start, at: start },
        { kind: 'remember-consent', record: consent },
        { kind: 'remember-consent', record: elsewhere },
        { kind: 'revoke-all-of-issuer', issuer: url, at: later(1) },
      ])
      const { key, grantId } = consent
      await fails(store, 'spend-approval', { kind: 'spend-approval', key: one.key, at: later(1) })
      await fails(store, 'require-consent', { kind: 'require-consent', key, grantId, at: later(1) })
      assert.equal(await store.findApproval(one.key), undefined)
      assert.equal(await store.findConsent(key), undefined)
      assert.deepEqual(await store.listConsents(url, consent.subject, later(1), 10), [])
      assert.deepEqual(await store.listWaitingApprovals(url, undefined, later(1), 10), [])
      assert.notEqual(await store.findConsent(elsewhere.key), undefined)
      await committed(store, [ask(two, 1, 1), { kind: 'remember-consent', record: consent }])
      same(await store.findApproval(two.key), { ...two, ...unanswered, version: 1 })
      await committed(store, [{ kind: 'require-consent', key, grantId, at: later(2) }])
    },
  },
]
