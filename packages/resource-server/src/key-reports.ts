import type { JwsAlg } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { keyCheckTyp, keyReportSeconds } from '@holdfast/protocol/key-report.ts'
import type { JsonObject } from '@holdfast/protocol/wire/json.ts'
import { clientParameters, type IntrospectionAuthentication } from './client-authentication.ts'
import { fetchJsonObject } from './fetch-json.ts'
import type { Issuer, Known } from './issuer.ts'
import type { Clock, Entropy, Fetch } from './ports.ts'

export interface KeyReportPorts {
  readonly authentication: IntrospectionAuthentication
  readonly issuer: Issuer
  readonly issuerUrl: string
  readonly fetch: Fetch
  readonly clock: Clock
  readonly entropy: Entropy
  readonly onAlarm: (alarm: string, cause: unknown) => void
}

/** What the issuer is told. */
interface Report {
  readonly keys: readonly string[]
  readonly verified: readonly string[]
  readonly unverified: readonly string[]
}

/** How soon after a report the next may follow, whatever tokens are shown to this API. */
export const reportPauseMs = 2000
const answerBytesMax = 131_072
const timeoutMs = 3000
const checksMax = 20
const checkBytesMax = 16_384
const reportSecondsMin = 2
const reportSecondsMax = 300
/** How long an issuer that gave no good answer is left alone. */
const failedSeconds = 30

/**
 * Tells the issuer which of its keys this API holds, and checks the signatures it hands out: a new key is not used
 * before every API has verified with it, and a broken one is taken out of use. Nothing here judges a token.
 */
export class KeyReports {
  readonly #ports: KeyReportPorts
  readonly #instance: string
  readonly #monotonicMs: () => number
  /** What became of the check of each key that was handed out last. */
  #outcomes: ReadonlyMap<string, boolean> = new Map()
  #told: Report | undefined
  #sentMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #dueMs = Number.POSITIVE_INFINITY
  #isSending = false
  #isClosed = false

  constructor(ports: KeyReportPorts) {
    this.#ports = ports
    this.#instance = ports.entropy.bytes(16).toString('base64url')
    this.#monotonicMs = ports.clock.monotonicMs ?? (() => performance.now())
  }

  /** The keys of the issuer were fetched. */
  noticed(known: Known): void {
    if (this.#urlIn(known) === undefined) return
    const isNews = this.#told === undefined || !areSame(this.#told, this.#reportOf(known))
    if (isNews) this.#sendIn(0)
  }

  /** A token does not verify with a key the issuer publishes: a reason to check that key, and no more. */
  doubted(): void {
    if (this.#told !== undefined) this.#sendIn(0)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #sendIn(ms: number): void {
    if (this.#isClosed || this.#isSending) return
    const nowMs = this.#monotonicMs()
    const dueMs = Math.max(nowMs + ms, this.#sentMs + reportPauseMs)
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return
    clearTimeout(this.#timer)
    this.#dueMs = dueMs
    this.#timer = setTimeout(() => void this.#send(), dueMs - nowMs)
    this.#timer.unref()
  }

  async #send(): Promise<void> {
    this.#timer = undefined
    this.#isSending = true
    this.#sentMs = this.#monotonicMs()
    let nextMs = failedSeconds * 1000
    try {
      nextMs = await this.#report()
    } catch (cause) {
      if (!this.#isClosed) this.#ports.onAlarm('key-reports.failed', cause)
    } finally {
      this.#isSending = false
    }
    this.#sendIn(nextMs)
  }

  /** @returns in how many milliseconds to report again */
  async #report(): Promise<number> {
    const { issuer, issuerUrl, authentication, clock, entropy, fetch } = this.#ports
    const held = await issuer.ready()
    if (!held.ok) throw new Error(held.reason)
    const url = this.#urlIn(held.value)
    if (url === undefined) return reportSecondsMax * 1000
    const report = this.#reportOf(held.value)
    const answer = await fetchJsonObject({
      ...{ fetch, url, method: 'POST', bytesMax: answerBytesMax, timeoutMs },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        ...clientParameters(authentication, issuerUrl, clock, entropy),
        instance: this.#instance,
        keys: report.keys.join(' '),
        verified: report.verified.join(' '),
        unverified: report.unverified.join(' '),
      }).toString(),
    })
    this.#told = report
    const isBehind = textsOf(answer.keys).some(kid => !held.value.thumbprints.has(kid))
    if (isBehind) await issuer.refresh()
    const known = issuer.lastGood()
    if (!known.ok) throw new Error(known.reason)
    this.#check(answer, known.value)
    return areSame(report, this.#reportOf(known.value)) ? pauseOf(answer) : 0
  }

  #check(answer: JsonObject, { keys }: Known): void {
    const outcomes = new Map<string, boolean>()
    for (const text of textsOf(answer.checks)) {
      const jws = parseCompactJws(text, checkBytesMax)
      if (!jws.ok) continue
      const { header, claims } = jws.value
      if (header.typ !== keyCheckTyp || claims.iss !== this.#ports.issuerUrl) continue
      const key = keys.find(({ thumbprint }) => thumbprint === header.kid)
      // Also with an algorithm no token may have here: the question is whether the key works.
      if (key !== undefined) outcomes.set(key.thumbprint, verifyJws(jws.value, key, [header.alg as JwsAlg]))
    }
    this.#outcomes = outcomes
  }

  #reportOf({ thumbprints }: Known): Report {
    const keys = [...thumbprints].toSorted()
    return {
      keys,
      verified: keys.filter(kid => this.#outcomes.get(kid) === true),
      unverified: keys.filter(kid => this.#outcomes.get(kid) === false),
    }
  }

  #urlIn({ metadata }: Known): string | undefined {
    const { keyReportsEndpoint, mtlsKeyReportsEndpoint } = metadata
    return this.#ports.authentication.method === 'private_key_jwt'
      ? keyReportsEndpoint
      : (mtlsKeyReportsEndpoint ?? keyReportsEndpoint)
  }
}

function pauseOf({ report_after: seconds }: JsonObject): number {
  const asked = typeof seconds === 'number' ? seconds : keyReportSeconds
  return Math.min(Math.max(asked, reportSecondsMin), reportSecondsMax) * 1000
}

function textsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(0, checksMax) : []
  return list.filter(one => typeof one === 'string')
}

function areSame(left: Report, right: Report): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
