import {
  type Disclosed,
  evaluationOf,
  type RemoteVerdict,
  readVerdict,
  type TokenQuestion,
} from '@holdfast/policy'
import { Breaker } from '@holdfast/protocol/breaker.ts'
import { isJsonObject, type JsonValue, parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import { inTime } from '../in-time.ts'
import type { OpenMetrics } from '../observe/metrics.ts'
import { type OpenClient, type OutboundOptions, openOutbound } from '../outbound/client.ts'
import type { Clock, KeyServiceOutbound, Log, RemoteEngines } from '../ports.ts'
import { type EngineKindName, engineKinds } from './kinds/index.ts'
import { OwnTokens, type TokenRequest } from './own-token.ts'

/** One engine as the configuration names it. */
export interface RemoteEngine {
  readonly name: string
  readonly kind: EngineKindName
  /** Of the evaluation endpoint, or of OPA's document; https. */
  readonly url: string
  /** How it knows us, besides by our certificate. */
  readonly bearer: BearerSource | undefined
  /** How it is reached: its networks, its authority, what we show it of ourselves. */
  readonly reach: Pick<OutboundOptions, 'networks' | 'caPem' | 'identity' | 'resolve'>
  readonly deadlineMs: number
  readonly failuresMax: number
  readonly pauseMs: number
  /** Whether it is told the subject of the user. */
  readonly withSubject: boolean
  /** Members of its context that oblige nobody. */
  readonly ignores: readonly string[]
}

/** A token read for every question, because it may be another one by then; or tokens of an authorization server. */
export type BearerSource =
  | { readonly from: 'file'; readonly read: () => Promise<string> }
  | { readonly from: 'oauth'; readonly request: TokenRequest }

export interface EnginePorts {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<OpenMetrics, 'count' | 'set' | 'observeEngine'>
}

/** Bytes of one answer. */
const answerBytesMax = 65_536
/** Questions under way to one engine, and connections to it. */
const most = { requests: 256, connections: 16 } as const

/**
 * An answer to this one question, and not the end of the engine: whoever asks for too much must not close the way to it
 * for everybody.
 */
const ofQuestion: ReadonlySet<number> = new Set([400, 413, 422])

/** Opens every engine of the configuration. Nothing is asked yet: one that is down does not hold up a start. */
export async function openRemoteEngines(
  engines: readonly RemoteEngine[],
  ports: EnginePorts,
): Promise<RemoteEngines & { readonly close: () => Promise<void> }> {
  const open = new Map(engines.map(engine => [engine.name, new Door(engine, ports)]))
  await Promise.all([...open.values()].map(door => door.load()))
  return {
    ask: async (name, question, from) =>
      (await open.get(name)?.ask(question, from)) ?? failed('there is no such engine'),
    close: async () => {
      await Promise.all([...open.values()].map(door => door.close()))
    },
  }
}

const failed = (message: string): RemoteVerdict & { verdict: 'failed' } => ({ verdict: 'failed', message })

type From = Parameters<RemoteEngines['ask']>[2]

/** The way to one engine: its client, its breaker, what is counted of it. */
class Door {
  readonly #engine: RemoteEngine
  readonly #ports: EnginePorts
  readonly #breaker: Breaker
  readonly #outbound: KeyServiceOutbound & OpenClient
  readonly #tokens: OwnTokens | undefined
  #underWay = 0

  constructor(engine: RemoteEngine, ports: EnginePorts) {
    const { url, bearer, reach, failuresMax, pauseMs, name } = engine
    const urls = bearer?.from === 'oauth' ? [url, bearer.request.tokenEndpoint] : [url]
    const allowedPorts = urls.map(one => Number(new URL(one).port || 443))
    this.#engine = engine
    this.#ports = ports
    this.#breaker = new Breaker({ failuresMax, pauseMs, monotonicMs: ports.clock.monotonicMs })
    this.#outbound = openOutbound({ ...reach, allowedPorts, most })
    this.#tokens =
      bearer?.from === 'oauth' ? new OwnTokens(bearer.request, this.#outbound, ports.clock) : undefined
    ports.metrics.set('remote_engine_open', { engine: name }, 0)
  }

  load(): Promise<void> {
    return this.#outbound.load()
  }

  close(): Promise<void> {
    return this.#outbound.close()
  }

  async ask(question: TokenQuestion, from: From): Promise<RemoteVerdict> {
    // Before the breaker: a question that is not sent must not be the one that was let through.
    if (this.#underWay >= most.requests)
      return this.#counted('full', failed('too many questions are under way'))
    if (!this.#breaker.mayAsk()) return this.#counted('skipped', failed('it failed lately and is left alone'))
    const { clock, metrics } = this.#ports
    const { name, deadlineMs } = this.#engine
    const begun = clock.monotonicMs()
    this.#underWay++
    let heard: Heard = { isAnswered: false, verdict: failed('no answer') }
    try {
      heard = await inTime(this.#send(question, from), deadlineMs)
    } catch (cause) {
      heard = { isAnswered: false, verdict: failed(cause instanceof Error ? cause.message : 'no answer') }
    } finally {
      this.#underWay--
      this.#saw(heard.isAnswered)
      metrics.observeEngine(name, (clock.monotonicMs() - begun) / 1000)
    }
    return this.#counted(heard.verdict.verdict, heard.verdict)
  }

  async #send(question: TokenQuestion, { issuer, requestId }: From): Promise<Heard> {
    const { url, kind, deadlineMs, withSubject, ignores } = this.#engine
    const { question: questionOf, answer: answerOf } = engineKinds[kind]
    const disclosed: Disclosed = { issuer, withSubject }
    const bearer = await this.#bearer()
    const { status, text } = await this.#outbound.postText(url, {
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'x-request-id': requestId,
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify(questionOf(evaluationOf(question, disclosed))),
      bytesMax: answerBytesMax,
      timeoutMs: deadlineMs,
    })
    if (status === 401) this.#tokens?.drop()
    if (status !== 200)
      return { isAnswered: ofQuestion.has(status), verdict: failed(`it answered with status ${status}`) }
    const body = parseJsonObject(text)
    const answer: JsonValue | undefined = body && answerOf(body)
    const isAnswered = isJsonObject(answer) && typeof answer.decision === 'boolean'
    return { isAnswered, verdict: readVerdict(answer, question.moment, ignores) }
  }

  async #bearer(): Promise<string | undefined> {
    const { bearer } = this.#engine
    if (bearer?.from !== 'file') return await this.#tokens?.get()
    try {
      return await bearer.read()
    } catch (cause) {
      throw new Error('its token cannot be read', { cause })
    }
  }

  #saw(isAnswered: boolean): void {
    const { log, metrics } = this.#ports
    const { name: engine } = this.#engine
    const became = this.#breaker.saw(isAnswered)
    if (became === undefined) return
    metrics.set('remote_engine_open', { engine }, became === 'opened' ? 1 : 0)
    if (became === 'opened') log.warn('remote-engine.left-alone', { engine })
    else log.info('remote-engine.answers-again', { engine })
  }

  #counted(outcome: string, verdict: RemoteVerdict): RemoteVerdict {
    this.#ports.metrics.count('remote_engine_answers_total', { engine: this.#engine.name, outcome })
    return verdict
  }
}

interface Heard {
  /** Whether the engine works, whatever it said. */
  readonly isAnswered: boolean
  readonly verdict: RemoteVerdict
}
