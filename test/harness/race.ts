import type { Product } from '../product/product.ts'
import type { UserAgent } from '../product/user-agent.ts'
import { type Answer, newBrowser, newProofKey, type ProofKey, RawClient } from './raw-client.ts'

export interface RaceOptions {
  readonly product: Omit<Product, 'close'>
  /** Nodes the simultaneous requests are spread over. */
  readonly origins: readonly string[]
  readonly rounds: number
  readonly simultaneous: number
  readonly onRound?: (round: number) => void
}

/** How many rounds had 0, 1, 2 … winners. */
export type Winners = Readonly<Record<number, number>>

export interface RaceReport {
  readonly code: Winners
  readonly refreshToken: Winners
  readonly assertion: Winners
  readonly proof: Winners
  /** Rounds after which the raced code's token still worked; must be 0. */
  readonly codeGrantsAlive: number
  /** Rounds after which the raced refresh token's successor still worked; must be 0. */
  readonly familiesAlive: number
  /** Answers that were neither a success nor the refusal a loser must get, by status and error. */
  readonly surprises: Readonly<Record<string, number>>
}

/** Spends one code, one rotating refresh token, one assertion and one proof many times at once, round after round. */
export async function race(options: RaceOptions): Promise<RaceReport> {
  const client = new RawClient(options.product, options.origins, options.simultaneous)
  const { browser, close } = newBrowser(options.product)
  try {
    return await raceWith(options, client, browser)
  } finally {
    await Promise.all([client.close(), close()])
  }
}

async function raceWith(options: RaceOptions, client: RawClient, browser: UserAgent): Promise<RaceReport> {
  const { product, rounds } = options
  const tally = { code: {}, refreshToken: {}, assertion: {}, proof: {} } as Record<
    string,
    Record<number, number>
  >
  const surprises: Record<string, number> = {}
  let codeGrantsAlive = 0
  let familiesAlive = 0
  const runner: Runner = { options, client, key: await newProofKey(), surprises }
  const count = (name: string, answers: readonly Answer[]): void => {
    const winners = answers.filter(({ status }) => status === 200).length
    const row = tally[name] as Record<number, number>
    row[winners] = (row[winners] ?? 0) + 1
  }
  const isActive = async (answers: readonly Answer[]): Promise<boolean> => {
    const won = answers.find(({ status }) => status === 200)
    if (won === undefined) return false
    return (await client.introspect(product, String(won.json.access_token))).active !== false
  }
  for (let round = 0; round < rounds; round++) {
    const confidential = product.clients['private_key_jwt with DPoP']
    const code = await client.code(product, confidential, browser)
    const redeemed = await simultaneously(runner, ['invalid_grant'], async turn =>
      client.token(confidential, runner.key, code, turn),
    )
    count('code', redeemed)
    if (await isActive(redeemed)) codeGrantsAlive++

    const rotating = product.clients['public with DPoP']
    const first = await client.token(rotating, runner.key, await client.code(product, rotating, browser))
    const refresh = { grant_type: 'refresh_token', refresh_token: String(first.json.refresh_token) }
    const refreshed = await simultaneously(runner, ['invalid_grant'], async turn =>
      client.token(rotating, runner.key, refresh, turn),
    )
    count('refreshToken', refreshed)
    if (await isActive(refreshed)) familiesAlive++

    const grant = { grant_type: 'client_credentials', scope: 'accounts' }
    const assertion = await client.assertion(confidential)
    count(
      'assertion',
      await simultaneously(runner, ['invalid_client'], async turn =>
        client.post('/token', { ...grant, ...assertion }, await client.proof(runner.key, '/token'), turn),
      ),
    )
    const proof = await client.proof(runner.key, '/token')
    count(
      'proof',
      await simultaneously(runner, ['invalid_dpop_proof'], async turn =>
        client.post('/token', { ...grant, ...(await client.assertion(confidential)) }, proof, turn),
      ),
    )
    options.onRound?.(round + 1)
  }
  return {
    ...(tally as unknown as Omit<RaceReport, 'codeGrantsAlive'>),
    codeGrantsAlive,
    familiesAlive,
    surprises,
  }
}

interface Runner {
  readonly options: RaceOptions
  readonly client: RawClient
  readonly key: ProofKey
  readonly surprises: Record<string, number>
}

async function simultaneously(
  { options, surprises }: Runner,
  expected: readonly string[],
  send: (turn: number) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers = await Promise.all(Array.from({ length: options.simultaneous }, (_, turn) => send(turn)))
  for (const { status, json } of answers) {
    if (status === 200 || expected.includes(String(json.error))) continue
    const name = `${status} ${String(json.error)}`
    surprises[name] = (surprises[name] ?? 0) + 1
  }
  return answers
}
