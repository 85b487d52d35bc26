import { parseArgs } from 'node:util'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import {
  answerAuthzen,
  compilePolicySet,
  createPdp,
  decide,
  evaluate,
  parseQuestion,
  prepareEntities,
} from '@holdfast/policy'
import { schema } from './pdp-world.ts'
import { median } from './turns.ts'

/**
 * CPU microseconds one policy decision costs, against cedar-wasm with policies and schema parsed before the clock
 * starts, in the same process, in short turns. The quotient is taken within a turn, then its median over all turns.
 *   decide    a question that was read, entities that were prepared
 *   AuthZEN   a message of an AuthZEN client, from its text to the answer's: what a decision point adds, without a network
 *   from JSON reading the question and holding entities to the schema, too: what cedar-wasm does in every call
 */
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10,100,1000,10000' },
    turns: { type: 'string', default: '15' },
    milliseconds: { type: 'string', default: '100' },
  },
})
const turns = Number(values.turns)
const turnMs = Number(values.milliseconds)

/** Team rules, folder rules, rules for one person; two guard rails hold for everybody, whatever the size. */
function policyText(index: number): string {
  const id = `@id("p${index}")`
  if (index < 2)
    return `${id} forbid (principal, action == Action::"pay", resource)
      when { context.amount > resource.limit + ${index} && !context.mfa };`
  if (index % 3 === 0)
    return `${id} permit (principal in Team::"t${index}", action in Action::"use", resource)
      when { principal.level >= ${index % 5} && principal.country == "DE" };`
  if (index % 3 === 1)
    return `${id} permit (principal, action == Action::"read", resource in Folder::"f${index}")
      when { context.ip.isInRange(ip("10.0.0.0/8")) };`
  return `${id} permit (principal == User::"u${index}", action, resource)
    when { resource.owner == principal } unless { context.amount > 1000 };`
}

const uid = (type: string, id: string) => ({ type, id })
const entities: cedar.Entities = [
  { uid: uid('User', 'u2'), attrs: { level: 4, country: 'DE' }, parents: [uid('Team', 't3')] },
  { uid: uid('Team', 't6'), attrs: {}, parents: [] },
  { uid: uid('Folder', 'f7'), attrs: {}, parents: [] },
  { uid: uid('Team', 't3'), attrs: {}, parents: [uid('Team', 't6')] },
  { uid: uid('Folder', 'f4'), attrs: {}, parents: [uid('Folder', 'f7')] },
  {
    uid: uid('Account', 'a1'),
    attrs: { owner: { __entity: uid('User', 'u2') }, limit: 500 },
    parents: [uid('Folder', 'f4')],
  },
]
const questions = [50, 700, 5000].flatMap(amount =>
  ['read', 'pay'].map(action => ({
    principal: uid('User', 'u2'),
    action: uid('Action', action),
    resource: uid('Account', 'a1'),
    context: { mfa: amount > 1000, amount, ip: { __extn: { fn: 'ip', arg: '10.1.2.3' } } },
  })),
)

function must<Value>(
  parsed: { ok: true; value: Value } | { ok: false; problems: readonly unknown[] },
): Value {
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.value
}

/** CPU microseconds per call over about `turnMs`. */
function cost(call: (index: number) => unknown): number {
  let calls = 0
  const started = process.cpuUsage()
  const until = performance.now() + turnMs
  do for (let step = 0; step < questions.length; step++) call(calls++ % questions.length)
  while (performance.now() < until)
  const used = process.cpuUsage(started)
  return (used.user + used.system) / calls
}

function question(index: number): (typeof questions)[number] {
  const found = questions[index]
  if (found === undefined) throw new Error('no such question')
  return found
}

function measure(size: number): readonly string[] {
  const policies = Array.from({ length: size }, (_, index) => policyText(index)).join('\n')
  const started = performance.now()
  const set = must(
    compilePolicySet({ schema: { name: 'schema', text: schema }, policies: { all: policies } }),
  )
  const compileMs = performance.now() - started
  const prepared = must(prepareEntities(set, entities))
  const read = questions.map(json => must(parseQuestion(json)))
  const ready = (index: number) => read[index] ?? must(parseQuestion(question(index)))
  cedar.preparseSchema('bench', schema)
  cedar.preparsePolicySet('bench', { staticPolicies: policies })
  const askCedar = (index: number) =>
    cedar.statefulIsAuthorized({
      ...question(index),
      preparsedPolicySetId: 'bench',
      preparsedSchemaName: 'bench',
      validateRequest: true,
      entities,
    })
  const deciding = { set, entities: prepared }
  const pdp = createPdp({ deciding: () => deciding })
  const messages = questions.map(({ principal, action, resource, context }) =>
    JSON.stringify({ subject: principal, action: { name: action.id }, resource, context }),
  )
  const authzen = (index: number) =>
    JSON.stringify(answerAuthzen(pdp, 'access_evaluation_endpoint', messages[index] ?? '').body)
  const fromJson = (index: number) =>
    decide(set, must(parseQuestion(question(index))), must(prepareEntities(set, entities)))
  for (const index of questions.keys()) {
    const answer = askCedar(index)
    if (answer.type === 'failure') throw new Error(answer.errors[0]?.message)
    const ours = evaluate(set, ready(index), prepared)
    if (
      ours.decision !== answer.response.decision ||
      ours.determining.length !== answer.response.diagnostics.reason.length
    )
      throw new Error(`question ${index} is answered differently`)
    const said = JSON.parse(authzen(index)) as { readonly decision: boolean }
    if (said.decision !== (ours.decision === 'allow'))
      throw new Error(`message ${index} is answered differently`)
  }
  const rows = Array.from({ length: turns + 2 }, () => ({
    cedar: cost(askCedar),
    decide: cost(index => decide(set, ready(index), prepared)),
    authzen: cost(authzen),
    json: cost(fromJson),
  })).slice(2)
  const of = (name: 'cedar' | 'decide' | 'authzen' | 'json'): number => median(rows.map(row => row[name]))
  const times = (name: 'decide' | 'authzen' | 'json'): number =>
    median(rows.map(row => row.cedar / row[name]))
  return [
    String(size),
    of('cedar').toFixed(1),
    of('decide').toFixed(2),
    Math.round(1e6 / of('decide')).toLocaleString('en'),
    `${times('decide').toFixed(0)}×`,
    of('authzen').toFixed(2),
    `${times('authzen').toFixed(1)}×`,
    of('json').toFixed(2),
    `${times('json').toFixed(1)}×`,
    compileMs.toFixed(0),
  ]
}

console.log(
  '| policies | cedar-wasm µs | decide µs | decisions/s | quotient | AuthZEN µs | quotient | from JSON µs | quotient | compile ms |',
)
console.log('|---|---|---|---|---|---|---|---|---|---|')
for (const size of values.sizes.split(',')) console.log(`| ${measure(Number(size)).join(' | ')} |`)
