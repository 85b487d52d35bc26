import type { ChildProcess } from 'node:child_process'
import { parseArgs } from 'node:util'
import { authzenPaths } from '@holdfast/policy'
import type { Pool } from 'undici'
import { documentOf } from '../test/product/clients.ts'
import { dpopProof, newKeys } from './client-kit.ts'
import { asked, type Contender, cpuMicroseconds, forkScript, startHoldfast, stopScript } from './contender.ts'
import type { RequestForm } from './form.ts'
import { openPool, type PreparedRequest, sendAll } from './load.ts'
import { nonceOf, type Setting, tokenRequest } from './operations.ts'
import type { Answer, Ask, Kind, Listening, Options } from './pdp-process.ts'
import { type Question, severalText, singleText, worldOf } from './pdp-world.ts'
import { compared, printTable, quotient, takeRounds } from './rounds.ts'
import { median } from './turns.ts'

/**
 * What a decision costs: in a process, over HTTPS at a decision point of one's own, over HTTPS at the authorization
 * server with a DPoP-bound token and a proof for each question, and with cedar-wasm, its policies and schema parsed
 * before the clock starts, in the first two places. CPU is what the operating system says the server's process used;
 * the load comes from another one. In short slices by turns; a quotient is taken within a round.
 */
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10,1000,10000' },
    rounds: { type: 'string', default: '7' },
    'warm-ups': { type: 'string', default: '6' },
    requests: { type: 'string', default: '300' },
    connections: { type: 'string', default: '16' },
    batch: { type: 'string', default: '20' },
    milliseconds: { type: 'string', default: '60' },
    only: { type: 'string', default: '' },
  },
})
const sizes = values.sizes.split(',').map(Number)
const requestsEach = Number(values.requests)
const connections = Number(values.connections)
const batch = Number(values.batch)
const plan = { warmUps: Number(values['warm-ups']), rounds: Number(values.rounds) }

/** One way to ask over HTTPS. */
interface Way {
  readonly size: number
  readonly name: string
  /** Questions in one request. */
  readonly asks: number
  readonly child: ChildProcess
  readonly pool: Pool
  readonly lone: Pool
  /** Requests of one slice. */
  readonly requests: number
  /** Signs what has to be signed. */
  readonly prepare: (count: number) => Promise<readonly PreparedRequest[]>
}

interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
}

const keys = newKeys()
const servers = new Map<number, Awaited<ReturnType<typeof startHoldfast>>>()
for (const size of sizes) {
  const { questions: _, needed: __, ...known } = worldOf(size)
  const spec = { ...known, givenTypes: [] }
  const documents = [documentOf('DecisionPoint', 'bench', spec)]
  servers.set(size, await startHoldfast(keys, { scope: 'access_evaluation', documents }))
}
const [first] = servers.values()
if (first === undefined) throw new TypeError('no sizes')
const authorization = 'Bearer bench'
const options: Options = { sizes, batch, authorization, ...first.tls }
const { child, ready } = await forkScript<readonly Listening[]>('./pdp-process.ts', options)
const pools: Pool[] = []

/** @returns the pools of a way: one for throughput, one connection for a question that waits for nobody */
function poolsTo(origin: string): Pick<Way, 'pool' | 'lone'> {
  const [pool, lone] = [openPool(origin, connections), openPool(origin, 1)]
  pools.push(pool, lone)
  return { pool, lone }
}

function requestOf(questions: readonly Question[], index: number, asks: number): PreparedRequest {
  const question = questions[index % questions.length]
  if (question === undefined) throw new TypeError('no questions')
  const { access_evaluation_endpoint: one, access_evaluations_endpoint: several } = authzenPaths
  return {
    method: 'POST',
    path: asks === 1 ? one : several,
    headers: { 'content-type': 'application/json', authorization },
    body: asks === 1 ? singleText(question) : severalText(questions, index, asks),
  }
}

/** At decision points of one's own, which know who asks by a secret. */
function ownWays({ size, bare, handler, listener, cedar }: Listening): readonly Way[] {
  const { questions } = worldOf(size)
  const way = (name: string, port: number, asks: number, of = requestsEach): Way => ({
    ...{ size, name, asks, requests: of, child, ...poolsTo(`https://localhost:${port}`) },
    prepare: async count => Array.from({ length: count }, (_, index) => requestOf(questions, index, asks)),
  })
  return [
    way('no decision', bare, 1),
    // Fewer of those that take 50 ms each.
    way(
      'cedar-wasm',
      cedar,
      1,
      Math.max(connections, Math.min(requestsEach, Math.ceil((30 * requestsEach) / size))),
    ),
    way('pdpHandler', handler, 1),
    way('pdpHandler', handler, batch),
    way('pdpListener', listener, 1),
    way('pdpListener', listener, batch),
  ]
}

/** At the authorization server, with a token of a client's own and a proof for each request. */
function serverWays(size: number, contender: Contender): readonly Way[] {
  const { questions } = worldOf(size)
  const { issuer, child } = contender
  const way = (asks: number): Way => {
    const places = poolsTo(issuer)
    const form: RequestForm = { tokens: 'opaque', hasProofAtPar: false }
    const setting: Setting = { contender, keys, proofKeys: keys, pool: places.pool, form }
    return {
      ...{ size, name: 'authorization server', asks, requests: requestsEach, child, ...places },
      prepare: async count => {
        const { token, nonce } = await ownToken(setting)
        return Array.from({ length: count }, (_, index) => {
          const request = requestOf(questions, index, asks)
          const proof = dpopProof(keys, 'POST', issuer + request.path, nonce, token)
          return { ...request, headers: { ...request.headers, authorization: `DPoP ${token}`, dpop: proof } }
        })
      },
    }
  }
  return [way(1), way(batch)]
}

async function ownToken(setting: Setting): Promise<{ readonly token: string; readonly nonce: string }> {
  const nonce = (await nonceOf(setting)) ?? ''
  const fields = { grant_type: 'client_credentials', scope: 'access_evaluation' }
  const { body } = await setting.pool.request(tokenRequest(setting, fields, nonce))
  const { access_token: token } = (await body.json()) as { readonly access_token?: string }
  if (token === undefined) throw new Error('no token')
  return { token, nonce }
}

/** @returns CPU microseconds of one request; notes how long requests took */
async function send(way: Way, latencies: Latency[]): Promise<number> {
  const { requests } = way
  const [together, alone] = [await way.prepare(requests), await way.prepare(Math.ceil(requests / 4))]
  const before = await cpuMicroseconds(way.child)
  const done = await sendAll(way.pool, together, connections)
  const cpuUs = ((await cpuMicroseconds(way.child)) - before) / requests
  const waited = await sendAll(way.lone, alone, 1)
  for (const { statuses, lastBody } of [done, waited])
    if (statuses.size !== 1 || !statuses.has(200))
      throw new Error(`${way.name}: ${[...statuses]} ${lastBody}`)
  latencies.push(waited)
  return cpuUs
}

async function embedded(size: number): Promise<readonly (string | number)[]> {
  const kinds: readonly Kind[] = ['cedar', 'cedar, all entities', 'object', 'text', 'batch']
  const answers = new Map<Kind, Answer[]>(kinds.map(kind => [kind, []]))
  const costs = await takeRounds(kinds, plan, async kind => {
    const ask: Ask = { size, kind, milliseconds: Number(values.milliseconds) }
    const answer = await asked<Answer>(child, ask)
    answers.get(kind)?.push(answer)
    return answer.cpuUs
  })
  const cpu = (kind: Kind): number => median(costs.get(kind) ?? [])
  const took = (kind: Kind, of: (answer: Answer) => number): number =>
    median((answers.get(kind) ?? []).slice(plan.warmUps).map(of))
  return [
    size.toLocaleString('en'),
    cpu('cedar'),
    cpu('cedar, all entities'),
    cpu('object'),
    Math.round(1e6 / cpu('object')),
    `${compared(costs, 'cedar', 'object', quotient).toFixed(0)}×`,
    `${took('object', ({ p50Us }) => p50Us).toFixed(1)}, ${took('object', ({ p99Us }) => p99Us).toFixed(1)}`,
    cpu('text'),
    cpu('batch') / batch,
  ]
}

async function overHttp(ways: readonly Way[]): Promise<readonly (readonly (string | number)[])[]> {
  const latencies = new Map<Way, Latency[]>(ways.map(way => [way, []]))
  const costs = await takeRounds(ways, plan, way => send(way, latencies.get(way) ?? []))
  const cedar = ways.find(({ name }) => name === 'cedar-wasm')
  return ways.map(way => {
    const cpuUs = median(costs.get(way) ?? [])
    const slices = (latencies.get(way) ?? []).slice(plan.warmUps)
    return [
      way.size.toLocaleString('en'),
      way.name,
      way.asks,
      cpuUs,
      cpuUs / way.asks,
      Math.round((1e6 * way.asks) / cpuUs),
      way.asks === 1 && cedar ? `${compared(costs, cedar, way, quotient).toFixed(1)}×` : '',
      median(slices.map(({ p50Ms }) => p50Ms)).toFixed(2),
      median(slices.map(({ p99Ms }) => p99Ms)).toFixed(2),
    ]
  })
}

try {
  const within: (readonly (string | number)[])[] = []
  for (const size of sizes) within.push(await embedded(size))
  printTable(
    [
      'policies and entities',
      'cedar-wasm µs',
      'with all entities µs',
      'decide µs',
      'decisions per CPU second',
      'quotient',
      'p50, p99 µs',
      'AuthZEN text µs',
      `one of ${batch} µs`,
    ],
    within,
  )
  const over: (readonly (string | number)[])[] = []
  for (const listening of ready) {
    const contender = servers.get(listening.size)
    if (contender === undefined) throw new TypeError('no server')
    const ways = [...ownWays(listening), ...serverWays(listening.size, contender)]
    over.push(...(await overHttp(ways.filter(({ name }) => name.includes(values.only)))))
  }
  process.stdout.write('\n')
  printTable(
    [
      'policies and entities',
      'who',
      'questions',
      'CPU µs',
      'CPU µs per decision',
      'decisions per CPU second',
      'cedar-wasm ÷ it',
      'p50 ms',
      'p99 ms',
    ],
    over,
  )
} finally {
  await Promise.all(pools.map(pool => pool.destroy()))
  await Promise.all([...[...servers.values()].map(server => server.close()), stopScript(child)])
}
