import type { Product } from '../product/product.ts'
import { type Race, type RaceName, races, type Track } from './races.ts'
import { type Answer, newBrowser, newProofKey, RawClient } from './raw-client.ts'

export interface RaceOptions {
  readonly product: Omit<Product, 'close'>
  /** Nodes the simultaneous requests are spread over. */
  readonly origins: readonly string[]
  readonly rounds: number
  readonly simultaneous: number
  readonly onRound?: (round: number) => void
}

export interface RaceResult {
  /** How many rounds had 0, 1, 2 … winners. */
  readonly winners: Readonly<Record<number, number>>
  /** Answers that the store was busy: nobody won by them. Two nodes that want one row on a loaded machine give some. */
  readonly unavailable: number
  /** Rounds after which the winner's token worked: none where a replay revokes, else all. */
  readonly alive: number
}

export interface RaceReport {
  readonly races: Readonly<Record<RaceName, RaceResult>>
  /** Answers that were neither a success nor the refusal a loser must get, by race, status and error. */
  readonly surprises: Readonly<Record<string, number>>
}

/** Spends one of every kind of one-time value many times at once, round after round. */
export async function race(options: RaceOptions): Promise<RaceReport> {
  const { product, origins, rounds, simultaneous } = options
  const client = new RawClient(product, origins, simultaneous)
  const { browser, close } = newBrowser(product)
  const surprises: Record<string, number> = {}
  const tally = new Map<string, { winners: Record<number, number>; unavailable: number; alive: number }>()
  try {
    const track: Track = { product, client, browser, key: await newProofKey() }
    for (let round = 1; round <= rounds; round++) {
      for (const [name, one] of Object.entries(races)) {
        const result = tally.get(name) ?? { winners: {}, unavailable: 0, alive: 0 }
        tally.set(name, result)
        const { winners, unavailable, isAlive } = await runOnce(name, one, track, simultaneous, surprises)
        result.winners[winners] = (result.winners[winners] ?? 0) + 1
        result.unavailable += unavailable
        if (isAlive) result.alive++
      }
      options.onRound?.(round)
    }
  } finally {
    await Promise.all([client.close(), close()])
  }
  return { races: Object.fromEntries(tally) as RaceReport['races'], surprises }
}

async function runOnce(
  name: string,
  { loses, prepare }: Race,
  track: Track,
  simultaneous: number,
  surprises: Record<string, number>,
): Promise<{ readonly winners: number; readonly unavailable: number; readonly isAlive: boolean }> {
  const spend = await prepare(track)
  const answers = await Promise.all(Array.from({ length: simultaneous }, (_, turn) => spend(turn)))
  for (const { status, json } of answers) {
    if (status === 200 || status === 503 || json.error === loses) continue
    const surprise = `${name}: ${status} ${String(json.error)}`
    surprises[surprise] = (surprises[surprise] ?? 0) + 1
  }
  const won = answers.filter(({ status }) => status === 200)
  const unavailable = answers.filter(({ status }) => status === 503).length
  return { winners: won.length, unavailable, isAlive: await isActive(track, won[0]) }
}

async function isActive({ client, product }: Track, won: Answer | undefined): Promise<boolean> {
  if (won === undefined) return false
  return (await client.introspect(product, String(won.json.access_token))).active === true
}
