import { setTimeout as pause } from 'node:timers/promises'
import { type Caller, Unexpected } from '../caller.ts'
import { type Figures, figuresOf } from '../figures.ts'
import type { Place, System } from '../system.ts'
import { type Ending, type EndingKind, Endings, endingKinds, kindOf } from './endings.ts'

export interface MeasurePlan {
  readonly system: System
  readonly caller: Caller
  readonly count: number
  readonly atOnce: number
  readonly onProgress: (done: number) => void
}

export interface Propagation {
  readonly count: number
  readonly seconds: number
  /** From the acknowledgement to the answer that refuses, by place and by what ended. */
  readonly places: Readonly<Record<string, Figures>>
  readonly kinds: Readonly<Record<EndingKind, Figures>>
  /** How long after the acknowledgement the last answer came that let one in. */
  readonly lastLetInMs: number
  /** Tokens that a place still let in after `patienceMs`. Must be 0. */
  readonly never: number
  /** Requests with an ended token that were let in although it had been refused before. Must be 0. */
  readonly letInAgain: number
}

/** Beyond this no revocation is worth waiting for. */
const patienceMs = 15_000
const pollMs = 5
/** Ended tokens that are shown once more at the end. */
const shownAgainMax = 200

/** Ends access again and again, and has every place asked until it refuses. @throws Error when a good token is refused */
export async function measure({
  system,
  caller,
  count,
  atOnce,
  onProgress,
}: MeasurePlan): Promise<Propagation> {
  const endings = new Endings(system, caller)
  const byPlace = new Map<string, number[]>(system.places.map(({ name }) => [name, []]))
  const byKind = new Map<EndingKind, number[]>(endingKinds.map(kind => [kind, []]))
  const ended: Ending[] = []
  const totals = { begun: 0, done: 0, never: 0, lastLetInMs: 0 }
  const startMs = performance.now()
  const work = async (): Promise<void> => {
    while (totals.begun < count) {
      const ending = await endings.next(kindOf(totals.begun++))
      await Promise.all(system.places.map(place => letIn(place, ending, system, caller)))
      await ending.end()
      const seen = await Promise.all(system.places.map(place => untilRefused(place, ending, system, caller)))
      for (const { place, refusedMs, letInMs } of seen) {
        totals.lastLetInMs = Math.max(totals.lastLetInMs, letInMs)
        if (refusedMs === undefined) totals.never++
        else for (const list of [byPlace.get(place.name), byKind.get(ending.kind)]) list?.push(refusedMs)
      }
      if (ended.length < shownAgainMax || totals.done % 50 === 0) ended.push(ending)
      if (ended.length > shownAgainMax) ended.shift()
      onProgress(++totals.done)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work))
  const seconds = (performance.now() - startMs) / 1000
  let letInAgain = 0
  for (const ending of ended)
    for (const status of await Promise.all(system.places.map(place => show(place, ending, system, caller))))
      if (status === 200) letInAgain++
  const figures = <Name extends string>(lists: ReadonlyMap<Name, readonly number[]>) =>
    Object.fromEntries([...lists].map(([name, list]) => [name, figuresOf(list)])) as Record<Name, Figures>
  return {
    ...{ count, seconds: Math.round(seconds * 10) / 10, places: figures(byPlace), kinds: figures(byKind) },
    ...{ lastLetInMs: Math.round(totals.lastLetInMs * 10) / 10, never: totals.never, letInAgain },
  }
}

export function show(
  place: Place,
  { resource, token }: Pick<Ending, 'resource' | 'token'>,
  { issuers }: System,
  caller: Caller,
): Promise<number> {
  const [issuer] = issuers
  if (issuer === undefined) throw new TypeError('a system has an issuer')
  return caller.call(place, issuer, resource, token)
}

/** So that whatever a place remembers of the token it remembers. @throws Unexpected when it is refused */
export async function letIn(place: Place, ending: Ending, system: System, caller: Caller): Promise<void> {
  const status = await show(place, ending, system, caller)
  if (status !== 200)
    throw new Unexpected(`a good token at ${place.name} (${ending.kind})`, { status, headers: {}, text: '' })
}

interface Seen {
  readonly place: Place
  /** Undefined: it was let in for as long as anybody waited. */
  readonly refusedMs: number | undefined
  /** When the last answer came that let it in; 0 when none did. */
  readonly letInMs: number
}

async function untilRefused(place: Place, ending: Ending, system: System, caller: Caller): Promise<Seen> {
  const endedMs = performance.now()
  let letInMs = 0
  for (;;) {
    const status = await show(place, ending, system, caller)
    const ms = performance.now() - endedMs
    if (status === 401) return { place, refusedMs: ms, letInMs }
    if (status !== 200)
      throw new Unexpected(`an ended token at ${place.name}`, { status, headers: {}, text: '' })
    letInMs = ms
    if (ms > patienceMs) return { place, refusedMs: undefined, letInMs }
    await pause(pollMs)
  }
}
