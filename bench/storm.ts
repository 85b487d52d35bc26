import { parseArgs } from 'node:util'
import { newKeys } from './client-kit.ts'
import { cpuMicroseconds, startHoldfast } from './contender.ts'
import { openPool, type PreparedRequest } from './load.ts'
import { nonceOf, operations, prepare, type Setting, tokenRequest } from './operations.ts'
import { printTable } from './rounds.ts'
import { median } from './turns.ts'

/** How long machines wait for tokens while people sign in as fast as they are let: argon2id at the cost we ship. */

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    /** Sign-ins of a storm. */
    flows: { type: 'string', default: '400' },
    /** Tokens a second, asked for at even intervals whatever becomes of those before. */
    rate: { type: 'string', default: '50' },
    'warm-up': { type: 'string', default: '10000' },
  },
})
const [rounds, flows, rate, warmUp] = [values.rounds, values.flows, values.rate, values['warm-up']].map(
  Number,
) as [number, number, number, number]
const people = 64

const keys = newKeys()
const ours = await startHoldfast(keys, { passwords: 'shipped' })
const settingOf = (connections: number): Setting => ({
  ...{ contender: ours, keys, proofKeys: newKeys(), pool: openPool(ours.issuer, connections) },
  form: { tokens: 'opaque', hasProofAtPar: false },
})
const machines = settingOf(16)
const browsers = settingOf(people)
const named = (wanted: string): (typeof operations)[number] => {
  const found = operations.find(({ name }) => name === wanted)
  if (found === undefined) throw new Error(`there is no operation \`${wanted}\``)
  return found
}

async function tokenRequests(count: number): Promise<readonly PreparedRequest[]> {
  const nonce = await nonceOf(machines)
  const fields = { grant_type: 'client_credentials', scope: 'accounts', resource: ours.audience ?? '' }
  return Array.from({ length: count }, () => tokenRequest(machines, fields, nonce))
}

/** Milliseconds from when each was due. @param isOver asked before each */
async function latencies(
  requests: readonly PreparedRequest[],
  isOver: () => boolean,
): Promise<readonly number[]> {
  const started = performance.now()
  const found: Promise<number>[] = []
  for (const [index, request] of requests.entries()) {
    const due = started + (index * 1000) / rate
    await new Promise(resolve => setTimeout(resolve, Math.max(0, due - performance.now())))
    if (isOver()) break
    found.push(
      machines.pool.request(request).then(async ({ statusCode, body }) => {
        const text = await body.text()
        if (statusCode !== 200) throw new Error(`a token was answered ${statusCode}: ${text}`)
        return performance.now() - due
      }),
    )
  }
  return await Promise.all(found)
}

interface Round {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly tokens: number
  readonly flowsPerSecond: number
  readonly cores: number
}

async function roundOf(isStorm: boolean): Promise<Round> {
  const requests = await tokenRequests(rate * 60)
  const storm = isStorm ? await prepare(named('login-flow'), browsers, flows) : undefined
  const state = { isOver: false }
  const cpu = await cpuMicroseconds(ours.child)
  const started = performance.now()
  const storming = storm?.run(people).then(result => {
    state.isOver = true
    if (result.failures > 0) throw new Error(`${result.failures} sign-ins failed: ${result.sample}`)
    return flows / result.seconds
  })
  const measured = await latencies(
    storm === undefined ? requests.slice(0, rate * 10) : requests,
    () => state.isOver,
  )
  const seconds = (performance.now() - started) / 1000
  const cores = ((await cpuMicroseconds(ours.child)) - cpu) / 1e6 / seconds
  const sorted = measured.toSorted((left, right) => left - right)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return {
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), tokens: sorted.length, cores },
    flowsPerSecond: (await storming) ?? 0,
  }
}

try {
  const warm = await prepare(named('token'), machines, warmUp)
  await warm.run(16)
  await roundOf(true)
  const [quiet, storm]: [Round[], Round[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    quiet.push(await roundOf(false))
    storm.push(await roundOf(true))
    const [one, other] = [quiet.at(-1)?.p99Ms, storm.at(-1)?.p99Ms]
    process.stderr.write(`  round ${round + 1}: p99 ${one?.toFixed(1)} and ${other?.toFixed(1)} ms\n`)
  }
  const over = (list: readonly Round[], of: (round: Round) => number): number => median(list.map(of))
  printTable(
    ['', 'tokens a round', 'p50 ms', 'p99 ms', 'sign-ins a second', 'cores used'],
    [['quiet', quiet] as const, ['storm', storm] as const].map(([name, list]) => [
      name,
      ...[
        over(list, ({ tokens }) => tokens),
        over(list, ({ p50Ms }) => p50Ms),
        over(list, ({ p99Ms }) => p99Ms),
        over(list, ({ flowsPerSecond }) => flowsPerSecond),
        over(list, ({ cores }) => cores),
      ],
    ]),
  )
  const quotients = storm.map(({ p99Ms }, round) => p99Ms / (quiet[round]?.p99Ms ?? Number.NaN))
  process.stdout.write(`\np99 in the storm ÷ p99 quiet: ${median(quotients).toFixed(2)}\n`)
} finally {
  await Promise.all([machines, browsers].map(({ pool }) => pool.destroy()))
  await ours.close()
}
