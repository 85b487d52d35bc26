import type { Caller } from './caller.ts'

/** How long one place took to refuse what was revoked. */
export interface Figures {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Tokens that were still let in when nobody waited any longer. */
  readonly never: number
}

export interface RevocationPlan {
  readonly caller: Caller
  /** APIs and gateways, each asked with every token. */
  readonly places: readonly URL[]
  readonly count: number
  readonly atOnce: number
  /** How long a place may let a revoked token in before it counts as never. */
  readonly patienceMs: number
  readonly now: () => number
  readonly pause: (ms: number) => Promise<void>
  readonly onProgress: (done: number) => void
}

const accepted = 200
const refusedStatuses: ReadonlySet<number> = new Set([401, 403])
/** A system that just started answers 503 for a while. */
const startRounds = 100
const pollMs = 2

/**
 * Takes tokens, has every place let each in (so that whatever it remembers it remembers), revokes, and asks again and again
 * until it is refused. The clock starts when the issuer's answer to the revocation is there.
 * @throws Error when a place does not let a good token in
 */
export async function measureRevocation(plan: RevocationPlan): Promise<ReadonlyMap<string, Figures>> {
  const { places, count, atOnce, onProgress } = plan
  const took = new Map(places.map(place => [place.href, [] as number[]]))
  let begun = 0
  let done = 0
  const work = async (): Promise<void> => {
    while (begun < count) {
      begun++
      for (const [place, ms] of await revokeOne(plan)) took.get(place)?.push(ms)
      onProgress(++done)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work))
  return new Map([...took].map(([place, list]) => [place, figuresOf(list)]))
}

async function revokeOne({
  caller,
  places,
  patienceMs,
  now,
  pause,
}: RevocationPlan): Promise<readonly (readonly [place: string, ms: number])[]> {
  const token = await caller.newToken()
  await Promise.all(places.map(place => letIn(caller, place, token, pause)))
  await caller.revoke(token)
  const revokedAt = now()
  return await Promise.all(
    places.map(async place => {
      for (;;) {
        const status = await caller.call(place, token)
        const ms = now() - revokedAt
        if (refusedStatuses.has(status)) return [place.href, ms] as const
        if (ms > patienceMs) return [place.href, Number.POSITIVE_INFINITY] as const
        await pause(pollMs)
      }
    }),
  )
}

async function letIn(
  caller: Caller,
  place: URL,
  token: string,
  pause: RevocationPlan['pause'],
): Promise<void> {
  let status = 0
  for (let round = 0; round < startRounds; round++) {
    status = await caller.call(place, token)
    if (status === accepted) return
    if (status !== 503) break
    await pause(100)
  }
  throw new Error(`\`${place.href}\` answered ${status} to a good token`)
}

export function figuresOf(list: readonly number[]): Figures {
  const taken = list.filter(Number.isFinite).toSorted((one, other) => one - other)
  const at = (share: number): number => taken[Math.ceil(share * taken.length) - 1] ?? 0
  return {
    count: list.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    never: list.length - taken.length,
  }
}
