import { setTimeout as pause } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { type AddCommand, type Desk, json, outputOption, wholeIn } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { measureAcceptance, summaryOf } from '../measure/acceptance.ts'
import type { Caller } from '../measure/caller.ts'
import { measureRevocation } from '../measure/revocation.ts'
import { columns } from '../terminal.ts'

interface Options {
  readonly issuer: string
  readonly clientId: string
  readonly key: string
  readonly scope: string
  readonly resource?: string
  readonly ca?: string
  readonly at: readonly URL[]
  readonly output: string
}

interface RevocationOptions extends Options {
  readonly count: number
  readonly atOnce: number
  readonly aimMs: number
}

interface AcceptanceOptions extends Options {
  readonly seconds: number
  readonly tokenSeconds: number
}

const now = (): number => performance.now()
/** Beyond this no revocation is worth waiting for: what remembers longer is broken. */
const patienceMs = 30_000

/** `holdfast measure …`: what a running system does, seen from outside, with a client of its own. */
export const addMeasure: AddCommand = (program, desk) => {
  const measure = program.command('measure').description('measure a running system from outside')
  withCaller(measure.command('revocation'))
    .description('how long APIs and gateways let a token in after it was revoked')
    .option('--count <number>', 'tokens to revoke', wholeIn(1, 1_000_000), 100)
    .option('--at-once <number>', 'tokens at the same time', wholeIn(1, 64), 4)
    .option('--aim-ms <number>', 'the answer is no when one p99 is longer', wholeIn(1, 60_000), 250)
    .action((options: RevocationOptions) => run(desk, options, caller => revocation(desk, options, caller)))
  withCaller(measure.command('acceptance'))
    .description('whether honest tokens are let in all the time: rotate keys or restart nodes meanwhile')
    .option('--seconds <number>', 'how long', wholeIn(1, 86_400), 60)
    .option('--token-seconds <number>', 'use a token for so long, less than it lives', wholeIn(1, 3600), 45)
    .action((options: AcceptanceOptions) => run(desk, options, caller => acceptance(desk, options, caller)))
}

function withCaller(command: Command): Command {
  const collect = (text: string, all: readonly URL[] = []): readonly URL[] => [...all, urlOf(text)]
  return command
    .requiredOption('--issuer <url>', 'of the authorization server')
    .requiredOption('--client-id <id>', 'a client with `client_credentials`, `private_key_jwt` and DPoP')
    .requiredOption('--key <file>', 'its private JWK')
    .requiredOption('--scope <scope>', 'what its tokens are for')
    .requiredOption('--at <url>', 'an API or gateway that such a token may GET; may be given again', collect)
    .option('--resource <url>', 'audience of the tokens')
    .option('--ca <file>', 'PEM of the authority of all these servers')
    .option(...outputOption)
}

async function run(desk: Desk, options: Options, work: (caller: Caller) => Promise<number>): Promise<void> {
  const { issuer, clientId, key: keyFile, scope, resource, ca: caFile } = options
  let caller: Caller | undefined
  try {
    const { openCaller } = await import('../measure/caller.ts')
    caller = await openCaller({
      ...{ issuer, clientId, keyFile, scope },
      ...(resource !== undefined && { resource }),
      ...(caFile !== undefined && { caFile }),
    })
    desk.leave(await work(caller))
  } catch (cause) {
    desk.terminal.err(cause instanceof Error ? cause.message : String(cause))
    desk.leave(exitCodes.broken)
  } finally {
    await caller?.close()
  }
}

async function revocation(desk: Desk, options: RevocationOptions, caller: Caller): Promise<number> {
  const { count, atOnce, at: places, aimMs, output } = options
  const { out, err } = desk.terminal
  const step = Math.max(1, Math.floor(count / 10))
  const onProgress = (done: number): void => {
    if (done % step === 0) err(`${done} of ${count} revoked`)
  }
  const found = await measureRevocation({ caller, places, count, atOnce, patienceMs, now, pause, onProgress })
  if (output === 'json') out(json(Object.fromEntries(found)))
  else
    for (const line of columns([
      ['PLACE', 'REFUSALS', 'P50 MS', 'P99 MS', 'MAX MS', 'NEVER'],
      ...[...found].map(([place, { count: refusals, p50Ms, p99Ms, maxMs, never }]) => [
        ...[place, String(refusals)],
        ...[p50Ms, p99Ms, maxMs].map(ms => ms.toFixed(1)),
        String(never),
      ]),
    ]))
      out(line)
  const isGood = [...found.values()].every(({ p99Ms, never }) => never === 0 && p99Ms <= aimMs)
  return isGood ? exitCodes.done : exitCodes.no
}

async function acceptance(desk: Desk, options: AcceptanceOptions, caller: Caller): Promise<number> {
  const { seconds, tokenSeconds, at: places, output } = options
  const { out, err } = desk.terminal
  let told = 0
  const onProgress = (share: number): void => {
    if (share * 10 < told + 1) return
    told = Math.floor(share * 10)
    err(`${told * 10} % of the time`)
  }
  const times = { durationMs: seconds * 1000, tokenAgeMaxMs: tokenSeconds * 1000 }
  const { tokens, requests, refused, refusedCount } = await measureAcceptance({
    ...{ caller, places, ...times, now, pause, onProgress },
  })
  if (output === 'json') out(json({ tokens, requests, refusedCount, refused }))
  else {
    out(`${requests} requests with ${tokens} tokens; ${refusedCount} refused`)
    for (const line of summaryOf(refused)) out(line)
  }
  return refusedCount === 0 ? exitCodes.done : exitCodes.no
}

function urlOf(text: string): URL {
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:')
    throw new InvalidArgumentError('an https URL')
  return new URL(text)
}
