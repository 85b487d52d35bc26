import { parseArgs } from 'node:util'
import { questionOfRecord, shippedPolicies, type TokenQuestion } from '@holdfast/policy'
import { askPolicies, recordsOf } from '@holdfast/server/data/policy/ask.ts'
import { accounts, keys } from '@holdfast/server/data/testing/clients.ts'
import { currentNonce } from '@holdfast/server/data/testing/flow.ts'
import { openWorld, type World } from '@holdfast/server/data/testing/world.ts'
import { tokenRoom } from '@holdfast/server/data/token/room.ts'
import { policyEngines } from '@holdfast/server/snapshot/policy-engines/index.ts'
import type { Write } from '@holdfast/server/store/writes.ts'
import { median } from './turns.ts'

/**
 * What policy costs a token request, as a share of all of it: CPU microseconds in one process, without sockets and
 * disk, requests signed before the clock starts. `ask` is question, decision and record; `record` is what one more
 * audit record costs a commit. `--reads-risk` adds a policy that reads `context.risk`.
 */
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '3,100,1000,10000' },
    turns: { type: 'string', default: '9' },
    requests: { type: 'string', default: '300' },
    'reads-risk': { type: 'boolean', default: false },
  },
})
const turns = Number(values.turns)
const requests = Number(values.requests)

/** Own policies beside the shipped ones: every third for a client, a scope, everybody who is public. */
function policyText(index: number): string {
  const id = `@id("p${index}") forbid`
  if (index % 3 === 0) return `${id} (principal == Client::"c_${index}", action, resource);`
  if (index % 3 === 1) return `${id} (principal, action == Action::"mint", resource in Scope::"s${index}");`
  return `${id} (principal == Client::"c_${index}", action == Action::"mint", resource) when { context.binding == "none" };`
}

/** With it each token finds out how risky it is. */
const riskPolicy =
  '@id("risk") forbid (principal, action == Action::"mint", resource) when { context has risk && context.risk.score > 99 };'

function policiesOf(size: number) {
  const rows = Array.from({ length: Math.max(0, size - 3) }, (_, index) => policyText(index))
  const own = [...rows, ...(values['reads-risk'] ? [riskPolicy] : [])].join('\n')
  const compiled = policyEngines[0].compile('bench', { ...shippedPolicies, 'own.cedar': own })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems[0]))
  const { decide, readsRisk, readsTime } = compiled.value
  return { name: 'bench', version: 'bench', decide, readsRisk, readsTime }
}

/** A signed request for a token of client credentials, not sent yet. */
function signed(world: World) {
  const form = { grant_type: 'client_credentials', resource: accounts, ...world.assertion('c_bank') }
  const proof = world.proof('/token', { key: keys.proof, nonce: currentNonce(world) })
  return world.exchange('/token', { form, headers: [['dpop', proof]] })
}

async function cost<T>(items: readonly T[], each: (item: T) => unknown): Promise<number> {
  const started = process.cpuUsage()
  for (const item of items) await each(item)
  const { user, system } = process.cpuUsage(started)
  return (user + system) / items.length
}

async function lastQuestion(world: World): Promise<TokenQuestion> {
  const last = await world.lastAudit('policy.mint')
  const question = last && questionOfRecord(last)
  if (question === undefined) throw new Error('no decision was recorded')
  return question
}

async function measure(size: number): Promise<string> {
  const world = await openWorld({ policies: policiesOf(size) })
  const rows: { token: number; ask: number; record: number; share: number }[] = []
  let question: TokenQuestion | undefined
  for (let turn = 0; turn < turns + 2; turn++) {
    const sent = Array.from({ length: requests }, () => signed(world))
    const token = await cost(sent, async exchange => {
      const reply = await tokenRoom(exchange, world.ports)
      if (reply.status !== 200) throw new Error(String(reply.body))
    })
    // Read once: what reading a whole audit leaves behind would be swept up in the turns after it.
    question ??= await lastQuestion(world)
    const asked = question
    const asking = Array.from({ length: requests }, () => world.exchange('/token'))
    let record: Write | undefined
    const ask = await cost(asking, async exchange => {
      const answered = await askPolicies(asked, exchange, world.ports)
      record = recordsOf(answered, answered.decision.decision === 'permit', {}, exchange)[0]
    })
    if (record === undefined) throw new Error('no record')
    const [one, two] = [[record], [record, record]]
    const single = await cost(asking, () => world.store.commit(one))
    const double = await cost(asking, () => world.store.commit(two))
    rows.push({ token, ask, record: double - single, share: (ask + double - single) / token })
  }
  await world[Symbol.asyncDispose]()
  const warm = rows.slice(2)
  const of = (name: 'token' | 'ask' | 'record' | 'share'): number => median(warm.map(row => row[name]))
  return `| ${size} | ${of('token').toFixed(0)} | ${of('ask').toFixed(1)} | ${of('record').toFixed(1)} | ${(100 * of('share')).toFixed(1)} % |`
}

console.log('| policies | token µs | ask µs | record µs | share |')
console.log('|---|---|---|---|---|')
for (const size of values.sizes.split(',')) console.log(await measure(Number(size)))
