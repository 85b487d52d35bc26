import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { AdminApi, SimulatedChange } from '@holdfast/server/control/admin-api.ts'
import { runWith } from '../testing/run.ts'

const run = (args: readonly string[], answers: Partial<AdminApi> = {}) =>
  runWith(['policy', ...args], answers)

async function folderOf(t: TestContext): Promise<string> {
  const parent = mkdtempSync(join(tmpdir(), 'holdfast-policies-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const folder = join(parent, 'policies')
  assert.equal((await run(['init', folder])).exitCode, 0)
  return folder
}

const change = { issuer: 'https://as.example', reference: 'ref-1', revision: 2 }

describe('holdfast policy, with a server', () => {
  it('init: what it writes is well and covers itself; nothing is overwritten', async t => {
    const folder = await folderOf(t)
    assert.equal((await run(['check', folder])).exitCode, 0)
    assert.match((await run(['test', folder, '--require-all'])).out, /^4 of 4 tests as expected/)
    writeFileSync(join(folder, 'tokens.cedarschema'), 'mine')
    assert.equal((await run(['init', folder])).exitCode, 3)
    assert.equal(readFileSync(join(folder, 'tokens.cedarschema'), 'utf8'), 'mine')
  })

  it('submit: sends policies and tests; a draft is a no with its problems', async t => {
    const folder = await folderOf(t)
    const sent: unknown[] = []
    const answer = (state: 'checked' | 'draft') => ({
      submitPolicies: async (request: unknown) => {
        sent.push(request)
        const problems = state === 'draft' ? [{ place: 'own.cedar:1', message: 'is wrong' }] : []
        return { ok: true as const, value: { ...change, name: 'tokens.x', version: 'x', state, problems } }
      },
    })
    const good = await run(['submit', folder, '--set', 'mine', '--issuer', 'main'], answer('checked'))
    assert.deepEqual([good.exitCode, good.out], [0, 'checked  tokens.x\n'])
    const [request] = sent as { set: string; issuer: string; policies: object; tests: object }[]
    assert.deepEqual([request?.set, request?.issuer], ['mine', 'main'])
    assert.deepEqual(Object.keys({ ...request?.policies, ...request?.tests }), [
      'shipped.cedar',
      'shipped.tests.json',
    ])
    const bad = await run(['submit', folder], answer('draft'))
    assert.deepEqual([bad.exitCode, bad.err], [1, 'own.cedar:1: is wrong\n'])
    const asJson = await run(['submit', folder, '-o', 'json'], answer('checked'))
    assert.equal(JSON.parse(asJson.out).state, 'checked')
  })

  it('a folder with another schema is refused before the server sees it', async t => {
    const folder = await folderOf(t)
    writeFileSync(join(folder, 'tokens.cedarschema'), 'entity User;')
    for (const command of ['submit', 'simulate']) {
      const { exitCode, err } = await run([command, folder])
      assert.equal(exitCode, 1)
      assert.match(
        err,
        /is the schema of another version: `holdfast policy init <folder> --refresh` writes it/,
      )
    }
  })

  it('simulate: no difference is a yes; a difference is a no that says which', async t => {
    const folder = await folderOf(t)
    const change: SimulatedChange = {
      ...{
        moment: 'mint',
        clientId: 'shop',
        grantType: 'refresh_token',
        before: ['permit'],
        after: ['deny'],
      },
      ...{ determining: ['own.no'], failed: [], reference: 'req-7', count: 3 },
    }
    const answer = (changes: readonly SimulatedChange[], untold = 0, remote = 0, unsure = 0) => ({
      simulatePolicies: async () => ({
        ok: true as const,
        value: {
          ...{ asked: 10, same: 10 - 3 * changes.length - untold - unsure, remote, unsure, changes, untold },
        },
      }),
    })
    const same = await run(['simulate', folder], answer([]))
    assert.deepEqual([same.exitCode, same.out, same.err], [0, '10 of 10 decisions would be the same\n', ''])
    const other = await run(['simulate', folder], answer([change], 1))
    assert.equal(other.exitCode, 1)
    assert.match(
      other.err,
      /3 × mint {2}shop {2}refresh_token\n {2}permit → deny {2}own\.no\n {2}such as req-7\nand 1 more/,
    )
    assert.match(
      (await run(['simulate', folder], answer([], 0, 4))).err,
      /^for 4 of them remote engines were asked/,
    )
    const unsure = await run(['simulate', folder], answer([], 0, 0, 2))
    assert.deepEqual([unsure.exitCode, unsure.out], [0, '8 of 10 decisions would be the same\n'])
    assert.match(unsure.err, /^2 had attributes/)
    for (const days of ['0', '3651', 'x', '1.5'])
      assert.equal((await run(['simulate', folder, '--days', days])).exitCode, 2)
  })

  it('each step is one request, and its answer names version and reference', async () => {
    const asked: unknown[] = []
    const answers: Partial<AdminApi> = {
      changePolicies: async request => {
        asked.push(request)
        return { ok: true, value: { ...change, name: 'tokens.x' } }
      },
    }
    for (const step of ['approve', 'activate', 'shadow', 'remove'])
      assert.match(
        (await run([step, 'tokens.x'], answers)).out,
        new RegExp(`^${step} {2}tokens\\.x {2}reference ref-1`),
      )
    for (const step of ['rollback', 'unshadow']) assert.equal((await run([step], answers)).exitCode, 0)
    assert.deepEqual(
      asked.map(request => (request as { step: string }).step),
      ['approve', 'activate', 'shadow', 'remove', 'rollback', 'unshadow'],
    )
  })

  it('list: every version with its state', async () => {
    const policies = [
      {
        name: 'tokens.a',
        issuer: 'https://as.example',
        state: 'active',
        shadow: false,
        policies: ['a.cedar'],
      },
      {
        name: 'tokens.b',
        issuer: 'https://as.example',
        state: 'checked',
        shadow: true,
        policies: ['b.cedar'],
      },
    ] as const
    const { exitCode, out } = await run(['list'], {
      listPolicies: async () => ({ ok: true, value: { policies } }),
    })
    assert.equal(exitCode, 0)
    assert.match(out, /^active {4}tokens\.a {2}https.*\nchecked {3}tokens\.b {2}in the shadow/)
  })
})
