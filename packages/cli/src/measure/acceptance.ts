import type { Caller } from './caller.ts'

export interface Refused {
  /** `token endpoint` when no token was to be had. */
  readonly place: string
  /** 0: there was no answer. */
  readonly status: number
  /** How old the token was. */
  readonly tokenAgeMs: number
}

export interface Acceptance {
  readonly tokens: number
  readonly requests: number
  /** Honest requests that were not let in: the first hundred. */
  readonly refused: readonly Refused[]
  readonly refusedCount: number
}

export interface AcceptancePlan {
  readonly caller: Caller
  readonly places: readonly URL[]
  readonly durationMs: number
  /** How old a token may become before it is no longer used: less than it lives. */
  readonly tokenAgeMaxMs: number
  readonly now: () => number
  readonly pause: (ms: number) => Promise<void>
  readonly onProgress: (share: number) => void
}

const heldMax = 50
const namedMax = 100
const turnMs = 100

/**
 * Uses new and older tokens at every place until the time is over. Rotate keys, restart nodes or upgrade meanwhile: an
 * honest request that is refused is one too many.
 */
export async function measureAcceptance(plan: AcceptancePlan): Promise<Acceptance> {
  const { caller, places, durationMs, tokenAgeMaxMs, now, pause, onProgress } = plan
  const began = now()
  const refused: Refused[] = []
  let held: { readonly value: string; readonly at: number }[] = []
  let tokens = 0
  let requests = 0
  let refusedCount = 0
  const refuse = (place: string, status: number, tokenAgeMs: number): void => {
    refusedCount++
    if (refused.length < namedMax) refused.push({ place, status, tokenAgeMs })
  }
  while (now() - began < durationMs) {
    held = held.filter(({ at }) => now() - at < tokenAgeMaxMs).slice(-heldMax + 1)
    try {
      held.push({ value: await caller.newToken(), at: now() })
      tokens++
    } catch (thrown) {
      refuse('token endpoint', statusOf(thrown), 0)
    }
    // The newest, the oldest and one in between: what a rotation breaks it breaks for one of these.
    const chosen = new Set([held.at(-1), held[0], held[requests % held.length]])
    for (const token of chosen)
      for (const place of token === undefined ? [] : places) {
        // A node that restarts answers nothing: its client was not let in.
        const status = await caller.call(place, token?.value ?? '').catch(() => 0)
        requests++
        if (status < 200 || status >= 300) refuse(place.href, status, now() - (token?.at ?? 0))
      }
    onProgress(Math.min(1, (now() - began) / durationMs))
    await pause(turnMs)
  }
  return { tokens, requests, refused, refusedCount }
}

/** Of an answer that was an error; 0: there was none. */
function statusOf(thrown: unknown): number {
  const isAnswer = thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number'
  return isAnswer ? Number(thrown.status) : 0
}

/** The same thing at the same place once, with how often and how old the tokens were. */
export function summaryOf(refused: readonly Refused[]): readonly string[] {
  const groups = Map.groupBy(refused, ({ place, status }) => `${status || 'no answer'} at ${place}`)
  return [...groups].map(([what, all]) => {
    const ages = all.map(({ tokenAgeMs }) => Math.round(tokenAgeMs))
    return `${all.length} × ${what}, with tokens ${Math.min(...ages)} to ${Math.max(...ages)} ms old`
  })
}
