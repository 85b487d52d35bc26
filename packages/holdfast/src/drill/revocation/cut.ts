import { setTimeout as pause } from 'node:timers/promises'
import type { Caller } from '../caller.ts'
import { type Figures, figuresOf } from '../figures.ts'
import type { Place, System } from '../system.ts'
import { type Ending, Endings, endingKinds } from './endings.ts'
import { letIn, show } from './measure.ts'

/** What no cache of ours may outlive, whatever became of the feed. */
export const statedBoundMs = 5000

export interface CutReport {
  /** `introspection`: only the feed is cut, and tokens can be asked about. */
  readonly stays: 'introspection' | 'nothing'
  readonly ended: number
  /** From the acknowledgement to the first answer that does not let it in, by place; it may be waited for in vain. */
  readonly places: Readonly<Record<string, Figures>>
  /** From the acknowledgement to the last answer that let one in. Must be below the stated bound. */
  readonly lastLetInMs: number
  /** Let in although it was refused before. Must be 0. */
  readonly letInAgain: number
  /** Requests with good tokens meanwhile, and what they were answered, by status. */
  readonly honest: Readonly<Record<string, number>>
  /** From the mended network until a new token is let in everywhere. */
  readonly recoveredMs: number
}

const pollMs = 40
/** For so long after the cut every token is shown again and again. */
const watchMs = statedBoundMs + 2500
const recoveryMsMax = 20_000

/**
 * The network between every place and its node goes dead: the feed alone, or everything. Then access ends. Nobody tells
 * the places, and they must find out.
 */
export async function cutFeed(
  system: System,
  caller: Caller,
  stays: CutReport['stays'],
  count: number,
): Promise<CutReport> {
  const { places } = system
  const endings = new Endings(system, caller)
  const held = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      endings.next(endingKinds[index % endingKinds.length] ?? 'token'),
    ),
  )
  const good = await endings.next('token')
  for (const ending of [...held, good])
    await Promise.all(places.map(place => letIn(place, ending, system, caller)))
  for (const { feedWire, restWire } of places) {
    feedWire.cut()
    if (stays === 'nothing') restWire.cut()
  }
  const startMs = performance.now()
  const watched = held.map(async ending => {
    await ending.end()
    const endedMs = performance.now()
    return await Promise.all(places.map(place => watch(place, ending, endedMs, startMs, system, caller)))
  })
  const honest = watchHonest(good, startMs, system, caller)
  const seen = (await Promise.all(watched)).flat()
  const honestStatuses = await honest
  const mendedMs = performance.now()
  for (const { feedWire, restWire } of places) for (const wire of [feedWire, restWire]) wire.mend()
  await untilAllLetIn(endings, system, caller)
  const recoveredMs = Math.round(performance.now() - mendedMs)
  const by = places.map(
    place =>
      [place.name, figuresOf(seen.flatMap(one => (one.place === place ? [one.refusedMs] : [])))] as const,
  )
  return {
    ...{ stays, ended: count, places: Object.fromEntries(by), honest: honestStatuses, recoveredMs },
    lastLetInMs: Math.round(Math.max(...seen.map(({ letInMs }) => letInMs))),
    letInAgain: seen.reduce((sum, { letInAgain }) => sum + letInAgain, 0),
  }
}

interface Watched {
  readonly place: Place
  readonly refusedMs: number
  readonly letInMs: number
  readonly letInAgain: number
}

async function watch(
  place: Place,
  ending: Ending,
  endedMs: number,
  startMs: number,
  system: System,
  caller: Caller,
): Promise<Watched> {
  const seen = { refusedMs: Number.POSITIVE_INFINITY, letInMs: 0, letInAgain: 0 }
  while (performance.now() - startMs < watchMs) {
    const isLetIn = (await show(place, ending, system, caller).catch(() => 0)) === 200
    if (isLetIn && Number.isFinite(seen.refusedMs)) seen.letInAgain++
    const ms = performance.now() - endedMs
    if (isLetIn) seen.letInMs = ms
    else seen.refusedMs = Math.min(seen.refusedMs, ms)
    await pause(Number.isFinite(seen.refusedMs) ? pollMs * 10 : pollMs)
  }
  return { place, ...seen }
}

async function watchHonest(
  good: Ending,
  startMs: number,
  system: System,
  caller: Caller,
): Promise<Readonly<Record<string, number>>> {
  const statuses: Record<string, number> = {}
  await Promise.all(
    system.places.map(async place => {
      while (performance.now() - startMs < watchMs) {
        const status = await show(place, good, system, caller).catch(() => 0)
        statuses[status] = (statuses[status] ?? 0) + 1
        await pause(pollMs * 2)
      }
    }),
  )
  return statuses
}

async function untilAllLetIn(endings: Endings, system: System, caller: Caller): Promise<void> {
  const startMs = performance.now()
  const fresh = await endings.next('token')
  for (const place of system.places)
    while ((await show(place, fresh, system, caller).catch(() => 0)) !== 200) {
      if (performance.now() - startMs > recoveryMsMax)
        throw new Error(`${place.name} lets nobody in, though its network is mended`)
      await pause(pollMs)
    }
}
