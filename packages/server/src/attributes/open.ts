import type { Attributes } from '@holdfast/policy'
import { Breaker } from '@holdfast/protocol/breaker.ts'
import { inTime } from '../in-time.ts'
import type { AttributeSources, Clock, FoundAttributes, Log, Metrics } from '../ports.ts'
import type { AttributeSource } from '../snapshot/snapshot.ts'
import type { Store } from '../store/store.ts'
import type { Connections } from './connections.ts'
import { askSource } from './kinds/index.ts'
import type { Reach } from './kinds/kind.ts'
import { UnusableAnswer } from './unusable.ts'
import { attributesOf } from './value.ts'

export interface SourcePorts {
  readonly clock: Clock
  readonly store: Pick<Store, 'findUserBySubject' | 'findUserByUsername'>
  readonly connections: Connections
  readonly log: Log
  readonly metrics: Metrics
}

/** Sources of which something is remembered, of all issuers; those of old revisions make room. */
const doorsMax = 512
/** Keys of one source that are remembered. */
const rememberedMax = 10_000
/** Questions under way to one source. */
const underWayMax = 64
/** After so many failures in a row a source is left alone, for so long. */
const failuresMax = 5
const pauseMs = 2000

/** Opens the way to every source. Nothing is asked yet. */
export function openAttributeSources(ports: SourcePorts): AttributeSources {
  const doors = new Map<string, Door>()
  return {
    find: (issuer, source, key) => {
      const name = JSON.stringify([issuer, source.name, source.digest])
      let door = doors.get(name)
      if (door === undefined) {
        const [oldest] = doors.keys()
        if (doors.size >= doorsMax && oldest !== undefined) doors.delete(oldest)
        door = new Door(issuer, source, ports)
        doors.set(name, door)
      }
      return door.find(key)
    },
  }
}

interface Remembered {
  /** Undefined: the source knows nobody of that name. */
  readonly attributes: Attributes | undefined
  readonly untilMs: number
}

const failed = (message: string): FoundAttributes => ({ ok: false, message })

/** The way to one source: what it said lately, its breaker, and who waits for it. */
class Door {
  readonly #issuer: string
  readonly #source: AttributeSource
  readonly #ports: SourcePorts
  readonly #breaker: Breaker
  /** The one that was asked longest ago is the first. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #underWay = new Map<string, Promise<FoundAttributes>>()

  constructor(issuer: string, source: AttributeSource, ports: SourcePorts) {
    this.#issuer = issuer
    this.#source = source
    this.#ports = ports
    const { monotonicMs } = ports.clock
    this.#breaker = new Breaker({ failuresMax, pauseMs, monotonicMs })
  }

  async find(key: string): Promise<FoundAttributes> {
    const known = this.#remembered.get(key)
    if (known !== undefined && this.#ports.clock.monotonicMs() < known.untilMs)
      return this.#counted('remembered', { ok: true, attributes: known.attributes })
    const underWay = this.#underWay.get(key)
    if (underWay !== undefined) return underWay
    // Before the breaker: a question that is not sent must not be the one that was let through.
    if (this.#underWay.size >= underWayMax)
      return this.#counted('full', failed('too many questions are under way'))
    if (!this.#breaker.mayAsk()) return this.#counted('skipped', failed('it failed lately and is left alone'))
    const asking = this.#ask(key).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, asking)
    return asking
  }

  async #ask(key: string): Promise<FoundAttributes> {
    const { of, deadlineMs, attributes } = this.#source
    try {
      const asked = askSource(of, key, this.#reach())
      const told = await (deadlineMs === 0 ? asked : inTime(asked, deadlineMs))
      const found = told && attributesOf(attributes, told)
      this.#saw(true)
      this.#remember(key, found)
      return this.#counted(found === undefined ? 'unknown' : 'found', { ok: true, attributes: found })
    } catch (cause) {
      this.#saw(cause instanceof UnusableAnswer)
      return this.#counted('failed', failed(cause instanceof Error ? cause.message : 'no answer'))
    }
  }

  #reach(): Reach {
    const { store, connections } = this.#ports
    const { http, sql, ldap } = connections
    const issuer = this.#issuer
    return {
      ...{ http, sql, ldap, deadlineMs: this.#source.deadlineMs },
      user: (by, key) =>
        by === 'subject' ? store.findUserBySubject(issuer, key) : store.findUserByUsername(issuer, key),
    }
  }

  #remember(key: string, attributes: Attributes | undefined): void {
    const { cacheSeconds, unknownCacheSeconds } = this.#source
    const seconds = attributes === undefined ? Math.min(unknownCacheSeconds, cacheSeconds) : cacheSeconds
    this.#remembered.delete(key)
    if (seconds === 0) return
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size >= rememberedMax && oldest !== undefined) this.#remembered.delete(oldest)
    this.#remembered.set(key, { attributes, untilMs: this.#ports.clock.monotonicMs() + seconds * 1000 })
  }

  #saw(isAnswered: boolean): void {
    const became = this.#breaker.saw(isAnswered)
    const facts = { source: this.#source.name, issuer: this.#issuer }
    if (became === 'opened') this.#ports.log.warn('attribute-source.left-alone', facts)
    if (became === 'closed') this.#ports.log.info('attribute-source.answers-again', facts)
  }

  #counted(outcome: string, found: FoundAttributes): FoundAttributes {
    this.#ports.metrics.count('attribute_source_answers_total', { source: this.#source.name, outcome })
    return found
  }
}
