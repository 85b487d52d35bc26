import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminApi, Answer, DueItem, ListedApproval } from '@holdfast/server/control/admin-api.ts'
import { runWith } from './testing/run.ts'

const refused: Answer<never> = { ok: false, problem: { type: 'about:blank', title: 'no', status: 422 } }

const waiting: ListedApproval = {
  ...{ name: 'a-1', issuer: 'i', client: 'shop', user: 'ada', moment: 'authorize', txn: 't' },
  scopes: [{ name: 'payments', title: 'Pay' }],
  resources: ['https://api.example'],
  details: [{ title: 'One payment', description: '', parts: [{ label: 'Amount', values: ['12.50 EUR'] }] }],
  ...{ groups: ['legal', 'treasury'], missing: ['treasury'], seconds: 900, isReusable: false },
  ...{ askedAt: 1_700_000_000, waitsUntil: 1_700_086_400 },
}

test('what waits for approval is listed in words', async () => {
  const listApprovals: AdminApi['listApprovals'] = async () => ({ ok: true, value: { approvals: [waiting] } })
  const { out } = await runWith(['approvals', 'list'], { listApprovals })
  for (const part of [/^a-1$/m, /for +ada/, /Pay \(payments\)/, /One payment/, /Amount +12\.50 EUR/])
    assert.match(out, part)
  assert.match(out, /groups +legal treasury\n +missing +treasury\n +serves +once, for 900 s/)
  const empty: AdminApi['listApprovals'] = async () => ({ ok: true, value: { approvals: [] } })
  assert.match((await runWith(['approvals', 'list'], { listApprovals: empty })).out, /nothing waits/)
  const asJson = await runWith(['approvals', 'list', '-o', 'json'], { listApprovals })
  assert.equal(JSON.parse(asJson.out)[0].name, 'a-1')
})

test('what waits is read page by page, at the issuer that was named', async () => {
  const read: unknown[] = []
  const listApprovals: AdminApi['listApprovals'] = async asked => {
    read.push(asked)
    const name = `a-${read.length}`
    return {
      ok: true,
      value: { approvals: [{ ...waiting, name }], ...(read.length === 1 && { next: 'there' }) },
    }
  }
  const { out } = await runWith(['approvals', 'list', '--issuer', 'i', '-o', 'json'], { listApprovals })
  assert.deepEqual(
    (JSON.parse(out) as ListedApproval[]).map(({ name }) => name),
    ['a-1', 'a-2'],
  )
  assert.deepEqual(read, [
    { limit: 500, issuer: 'i' },
    { limit: 500, issuer: 'i', after: 'there' },
  ])
})

test('what is due is read page by page, and shown by when it is due', async () => {
  const read: unknown[] = []
  const item = (at: number, detail: string): DueItem => ({
    ...{ client: 'shop', issuer: 'i', record: 'o-1', what: 'key', at, detail, todo: 'rotate it' },
  })
  const dueOnboardings: AdminApi['dueOnboardings'] = async asked => {
    read.push(asked)
    return read.length === 1
      ? { ok: true, value: { due: [item(1, 'first'), item(9, 'last')], next: 'there' } }
      : { ok: true, value: { due: [item(5, 'between')] } }
  }
  const { out } = await runWith(['onboard', 'due', '--days', '7', '-o', 'json'], { dueOnboardings })
  assert.deepEqual(
    (JSON.parse(out) as DueItem[]).map(({ detail }) => detail),
    ['first', 'between', 'last'],
  )
  assert.deepEqual(read, [
    { limit: 500, days: 7 },
    { limit: 500, after: 'there', days: 7 },
  ])
})

test('a person answers by name, for a group of theirs', async () => {
  const asked: unknown[] = []
  const changeApproval: AdminApi['changeApproval'] = async request => {
    asked.push(request)
    const value = {
      name: 'a-1',
      issuer: 'i',
      state: 'waiting',
      group: 'legal',
      missing: ['treasury'],
      reference: 'r',
    }
    return { ok: true, value: value as never }
  }
  const { out, exitCode } = await runWith(
    ['approvals', 'approve', 'a-1', '--as', 'lena', '--group', 'legal'],
    {
      changeApproval,
    },
  )
  assert.equal(exitCode, 0)
  assert.match(out, /waiting +a-1 +reference r\nthese have to answer: treasury/)
  await runWith(['approvals', 'deny', 'a-1', '--as', 'lena', '-o', 'json'], { changeApproval })
  assert.deepEqual(asked, [
    { step: 'approve', as: 'lena', name: 'a-1', group: 'legal' },
    { step: 'deny', as: 'lena', name: 'a-1' },
  ])
  const no = await runWith(['approvals', 'deny', 'a-1', '--as', 'x'], { changeApproval: async () => refused })
  assert.notEqual(no.exitCode, 0)
  assert.notEqual((await runWith(['approvals', 'approve', 'a-1'], { changeApproval })).exitCode, 0)
})
