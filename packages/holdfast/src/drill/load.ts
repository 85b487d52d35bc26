import { setTimeout as pause } from 'node:timers/promises'
import type { Caller } from './caller.ts'
import type { Resource } from './configs.ts'
import { type Figures, figuresOf } from './figures.ts'
import type { DrillIssuer, System } from './system.ts'

export interface LoadPlan {
  readonly system: System
  readonly caller: Caller
  readonly issuers: readonly DrillIssuer[]
  readonly requestsPerSecond: number
  /** For how long a token is used: less than a key is published after it signed. */
  readonly tokenAgeMaxMs: number
}

export interface FailedHonest {
  readonly place: string
  readonly issuer: string
  readonly resource: Resource
  /** 0: there was no answer. */
  readonly status: number
  readonly tokenAgeMs: number
  readonly atMs: number
}

export interface LoadReport {
  readonly tokens: number
  readonly requests: number
  readonly took: Figures
  /** Tokens that were called wrong. Must be 0. */
  readonly refusedCount: number
  /** Requests that nobody judged: 503, 429, or no answer at all. */
  readonly unansweredCount: number
  /** The first of both. */
  readonly failed: readonly FailedHonest[]
}

export interface Load {
  /** May be called again, and then says the same. */
  readonly stop: () => Promise<LoadReport>
}

interface Held {
  readonly issuer: DrillIssuer
  readonly resource: Resource
  readonly value: string
  readonly atMs: number
}

/** Answers that say something is wrong with what was shown. */
const refusals: ReadonlySet<number> = new Set([400, 401, 403])
/** One request in so many fetches a new token. */
const requestsPerToken = 8
const heldPerIssuerMax = 12
const failedNamedMax = 100
const underWayMax = 64

/** Who answered what to honest requests, e.g. `401 at api-1 (12)`; of the failures that are named. */
export function failuresByPlace({ failed }: Pick<LoadReport, 'failed'>): string {
  const counts = new Map<string, number>()
  for (const { status, place } of failed) {
    const what = `${status} at ${place}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
  return [...counts].map(([what, count]) => `${what} (${count})`).join(', ')
}

/** Ordinary traffic of clients that do nothing wrong: new tokens and older ones, at every place, all the time. */
export function startLoad({ system, caller, issuers, requestsPerSecond, tokenAgeMaxMs }: LoadPlan): Load {
  const { nodes, places, resources } = system
  const took: number[] = []
  const failed: FailedHonest[] = []
  const held = new Map<DrillIssuer, Held[]>(issuers.map(issuer => [issuer, []]))
  const underWay = new Set<Promise<void>>()
  const counts = { turn: 0, tokens: 0, requests: 0, refused: 0, unanswered: 0 }
  let isStopped = false

  const fail = (place: string, { issuer, resource, atMs }: Omit<Held, 'value'>, status: number): void => {
    if (refusals.has(status)) counts.refused++
    else counts.unanswered++
    const nowMs = performance.now()
    if (failed.length < failedNamedMax)
      failed.push({ place, issuer: issuer.name, resource, status, tokenAgeMs: nowMs - atMs, atMs: nowMs })
  }
  const take = async (issuer: DrillIssuer, resource: Resource, turn: number): Promise<void> => {
    const atMs = performance.now()
    const node = nodes[turn % 2] ?? nodes[0]
    try {
      const value = await caller.newToken(issuer, node, resource)
      const list = held.get(issuer) ?? []
      list.push({ issuer, resource, value, atMs })
      if (list.length > heldPerIssuerMax) list.shift()
      counts.tokens++
    } catch (thrown) {
      const status = thrown instanceof Error && 'status' in thrown ? Number(thrown.status) : 0
      fail(`token endpoint of ${node.name}`, { issuer, resource, atMs }, status)
    }
  }
  const use = async (token: Held, turn: number): Promise<void> => {
    const place = places[turn % places.length]
    if (place === undefined) return
    const startMs = performance.now()
    const status = await caller.call(place, token.issuer, token.resource, token.value).catch(() => 0)
    took.push(performance.now() - startMs)
    counts.requests++
    if (status !== 200) fail(place.name, token, status)
  }
  const step = async (): Promise<void> => {
    const turn = counts.turn++
    const issuer = issuers[turn % issuers.length]
    if (issuer === undefined) return
    const round = Math.floor(turn / issuers.length)
    const nowMs = performance.now()
    const list = (held.get(issuer) ?? []).filter(({ atMs }) => nowMs - atMs < tokenAgeMaxMs)
    held.set(issuer, list)
    if (list.length < resources.length || round % requestsPerToken === 0)
      return await take(issuer, resources[round % resources.length] ?? 'ledger', turn)
    // The newest, the oldest and one in between: what a rotation breaks it breaks for one of these.
    const token = [list.at(-1), list[0], list[turn % list.length]][round % 3]
    if (token !== undefined) await use(token, Math.floor(round / 3) + turn)
  }
  const running = (async () => {
    const startMs = performance.now()
    let due = 0
    while (!isStopped) {
      const wanted = ((performance.now() - startMs) / 1000) * requestsPerSecond
      // What a busy machine did not get to is not made up for.
      due = Math.max(due, wanted - requestsPerSecond)
      for (; due < wanted && underWay.size < underWayMax; due++) {
        const one = step()
        underWay.add(one)
        void one.finally(() => underWay.delete(one))
      }
      await pause(5)
    }
    await Promise.all(underWay)
  })()
  return {
    stop: async () => {
      isStopped = true
      await running
      const { tokens, requests, refused: refusedCount, unanswered: unansweredCount } = counts
      return { tokens, requests, took: figuresOf(took), refusedCount, unansweredCount, failed }
    },
  }
}
