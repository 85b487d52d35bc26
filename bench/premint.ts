import { parseArgs } from 'node:util'
import { shippedPolicies } from '@holdfast/policy'
import { openAttributeSources } from '@holdfast/server/attributes/open.ts'
import { orderWithAttributes } from '@holdfast/server/data/attributes/order-with.ts'
import { authenticateClient } from '@holdfast/server/data/client-auth/authenticate.ts'
import { parseBackChannelForm } from '@holdfast/server/data/client-auth/back-channel-form.ts'
import { judgeClientProof } from '@holdfast/server/data/dpop/proof-at-server.ts'
import { judgeOrder, type MintOrder, type Sender } from '@holdfast/server/data/mint/order.ts'
import { premint } from '@holdfast/server/data/policy/mint.ts'
import { answerAs, putMember } from '@holdfast/server/data/testing/approvals.ts'
import { accounts, keys } from '@holdfast/server/data/testing/clients.ts'
import { metricsInto } from '@holdfast/server/data/testing/fakes.ts'
import { currentNonce } from '@holdfast/server/data/testing/flow.ts'
import { fakeClock, openWorld, storeAgeSeconds, type World } from '@holdfast/server/data/testing/world.ts'
import { clientCredentials } from '@holdfast/server/data/token/grants/client-credentials.ts'
import { tokenRoom } from '@holdfast/server/data/token/room.ts'
import { judgeSender } from '@holdfast/server/data/token/sender.ts'
import type { Exchange } from '@holdfast/server/http/exchange.ts'
import { policyEngines } from '@holdfast/server/snapshot/policy-engines/index.ts'
import type { AttributeSource } from '@holdfast/server/snapshot/snapshot.ts'
import { openSqliteStore } from '@holdfast/server/store/drivers/sqlite.ts'
import type { Write } from '@holdfast/server/store/writes.ts'
import { printTable } from './rounds.ts'
import { median } from './turns.ts'

/**
 * What policy costs a token request, as a share of all of it: CPU microseconds in one process, without sockets and
 * disk, requests signed before the clock starts. `before minting` is everything between the order and its minting:
 * attributes, risk, approvals, question, decision and records; `in the commit` is what its writes cost there. Each row
 * has one reason more to look something up.
 */
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '3,100,1000,10000' },
    turns: { type: 'string', default: '9' },
    requests: { type: 'string', default: '300' },
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

const mintWhen = '(principal, action == Action::"mint", resource) when'
/** What the policies of a row read beside the question itself. */
const reading = {
  'the question': '',
  'and risk': `@id("risk") forbid ${mintWhen} { context has risk && context.risk.score > 99 };`,
  'and attributes': `@id("rank") forbid ${mintWhen} { context has attributes && context.attributes.texts.hasTag("rank") && context.attributes.texts.getTag("rank") == "none" };`,
  'and an approval': `@id("approved") @require_approval("treasury") @approval_for("86400") forbid ${mintWhen} { !(context has approvedBy && context.approvedBy.contains("treasury")) };`,
} as const
type Reading = keyof typeof reading

function policiesOf(size: number, read: Reading) {
  const rows = Array.from({ length: Math.max(0, size - 3) }, (_, index) => policyText(index))
  const own = [...rows, reading[read]].join('\n')
  const compiled = policyEngines[0].compile('bench', { ...shippedPolicies, 'own.cedar': own })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems[0]))
  return { name: 'bench', version: 'bench', ...compiled.value }
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

/** A directory whose answers the server remembers. */
const directory: AttributeSource = {
  ...{ name: 'hr', digest: 'hr', keyedBy: 'client', isForPolicies: true, onFailure: 'deny' },
  ...{ deadlineMs: 100, cacheSeconds: 3600, unknownCacheSeconds: 5 },
  attributes: new Map([['rank', { type: 'string', isRequired: true }]]),
  of: { source: 'static', entries: new Map([['c_bank', new Map([['rank', 'high']])]]) },
}

async function openReading(size: number, read: Reading): Promise<World> {
  const policies = policiesOf(size, read)
  if (read !== 'and attributes') return await openWorld({ policies })
  const clock = fakeClock()
  // Older than the proofs that are shown to it.
  clock.advance(-storeAgeSeconds)
  const store = await openSqliteStore({ path: ':memory:', clock })
  clock.advance(storeAgeSeconds)
  const none = () => undefined
  const sources = openAttributeSources({
    ...{ clock, store, metrics: metricsInto([]) },
    connections: { http: none, sql: none, ldap: none },
    log: { info: none, warn: none, error: none },
  })
  return await openWorld({ policies, store, sources, attributeSources: [directory] })
}

/** Asks once, and has the treasury answer where it is asked. */
async function begin(world: World, read: Reading): Promise<void> {
  if (read !== 'and an approval') return
  await tokenRoom(signed(world), world.ports)
  await putMember(world, 'tess', ['treasury'])
  await answerAs(world, 'tess')
}

interface Ordered {
  readonly order: MintOrder
  readonly sender: Sender
  readonly exchange: Exchange
}

function must<Value>(outcome: { readonly ok: true; readonly value: Value } | { readonly ok: false }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome))
  return outcome.value
}

/** The way of a token request until its order stands. */
async function ordered(world: World): Promise<Ordered> {
  const { ports } = world
  const exchange = signed(world)
  const form = must(parseBackChannelForm(exchange))
  const authenticated = must(await authenticateClient(exchange, form, ports))
  const proof = must(await judgeClientProof(exchange, ports, authenticated))
  const sender = must(judgeSender(exchange, ports, authenticated, proof))
  const now = ports.clock.now()
  const request = { exchange, form, client: authenticated.client, sender: sender.proven, now }
  const { entitlement } = must(await clientCredentials.decide(request, ports))
  return { order: must(judgeOrder(entitlement, sender, exchange.issuer, now, undefined)), sender, exchange }
}

interface Turn {
  readonly token: number
  readonly before: number
  readonly commit: number
  readonly share: number
}

async function turn(world: World): Promise<Turn> {
  const { ports, store } = world
  const sent = Array.from({ length: requests }, () => signed(world))
  const token = await cost(sent, async exchange => {
    const reply = await tokenRoom(exchange, ports)
    if (reply.status !== 200) throw new Error(String(reply.body))
  })
  const orders: Ordered[] = []
  for (const _ of sent) orders.push(await ordered(world))
  let writes: readonly Write[] = []
  const before = await cost(orders, async ({ order, sender, exchange }) => {
    const attributed = must(await orderWithAttributes(order, exchange, ports))
    const preminted = await premint(attributed, sender, exchange, ports)
    if (!preminted.ok) throw new Error(preminted.refusal.reason)
    writes = preminted.writes
  })
  const commit = async (list: readonly Write[]): Promise<number> =>
    await cost(sent, async () => {
      const { committed } = await store.commit(list)
      if (!committed) throw new Error('not committed')
    })
  const once = await commit(writes)
  const added = (await commit([...writes, ...writes])) - once
  return { token, before, commit: added, share: (before + added) / token }
}

const rows: (readonly (string | number)[])[] = []
for (const size of values.sizes.split(',').map(Number))
  for (const read of Object.keys(reading) as Reading[]) {
    await using world = await openReading(size, read)
    await begin(world, read)
    const seen: Turn[] = []
    for (let number = 0; number < turns + 2; number++) seen.push(await turn(world))
    const of = (name: keyof Turn): number => median(seen.slice(2).map(one => one[name]))
    const share = `${(100 * of('share')).toFixed(1)} %`
    rows.push([size.toLocaleString('en'), read, of('token'), of('before'), of('commit'), share])
  }
printTable(['policies', 'policies read', 'token µs', 'before minting µs', 'in the commit µs', 'share'], rows)
