import { accept, type EpochSeconds, type JwsAlg, type Outcome, refuse } from '@holdfast/protocol'
import { fittingKeys, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { isJsonObject, type JsonObject } from '@holdfast/protocol/wire/json.ts'
import { SingleFlight } from './cache.ts'
import { fetchJsonObject } from './fetch-json.ts'
import { documentBytesMax, documentTimeoutMs, fetchKeySet } from './fetch-key-set.ts'
import type { Clock, Fetch } from './ports.ts'

/** How long fetched metadata and keys are used before they are fetched again. */
export const freshSeconds = 300
/** How long they are used when the issuer cannot be reached. */
export const lastGoodSeconds = 86_400
/** Least time between two fetches that an unknown `kid` or a failure caused. */
export const coolDownSeconds = 30
/** After a key was taken back the next one may reach the nodes of the issuer a moment later than the word of it. */
const hurrySeconds = 30
const hurriedCoolDownSeconds = 1

export interface IssuerMetadata {
  readonly jwksUri: string
  readonly introspectionEndpoint: string | undefined
  readonly mtlsIntrospectionEndpoint: string | undefined
  readonly revocationEventsEndpoint: string | undefined
  readonly mtlsRevocationEventsEndpoint: string | undefined
  readonly keyReportsEndpoint: string | undefined
  readonly tokenEndpoint: string | undefined
  readonly policyEvaluationEndpoint: string | undefined
  readonly mtlsKeyReportsEndpoint: string | undefined
}

export interface IssuerOptions {
  readonly issuer: string
  readonly fetch: Fetch
  readonly clock: Clock
  /** Told when the issuer could not be reached and old keys are used, or none are left. */
  readonly onAlarm: (alarm: string, cause: unknown) => void
  /** Told of every successful fetch. */
  readonly onKnown?: (known: Known) => void
  /** Whether the feed said that a key was taken back: it is nobody's key from then on, published or not. */
  readonly isKeyRevoked?: (thumbprint: string) => boolean
}

export interface Known {
  readonly metadata: IssuerMetadata
  readonly keys: readonly PublicKey[]
  readonly thumbprints: ReadonlySet<string>
  readonly fetchedAt: EpochSeconds
}

/** Whom the header of a token asks for. */
export interface KeyWanted {
  readonly kid: string | undefined
  readonly alg: JwsAlg
}

/** Metadata and keys of the one issuer this API trusts: fetched, kept fresh, and never believed for ever. */
export class Issuer {
  readonly #options: IssuerOptions
  readonly #flight = new SingleFlight<boolean>()
  #known: Known | undefined
  #attemptedAt: EpochSeconds | undefined
  #hasFailed = false
  #isFetching = false
  #hurriedAt: EpochSeconds | undefined

  constructor(options: IssuerOptions) {
    this.#options = options
  }

  /** What is known, fetched when it is missing or no longer fresh. */
  async ready(): Promise<Outcome<Known>> {
    const known = this.current()
    if (known !== undefined) return accept(known)
    // Whoever comes while the first one fetches waits with it, rather than being told that there is nothing.
    if (this.#isFetching || !this.#isCoolingDown()) await this.#attempt()
    return this.lastGood()
  }

  /** What is known and fresh, without waiting. */
  current(): Known | undefined {
    const { now } = this.#options.clock
    const known = this.#known
    return known !== undefined && isWithin(freshSeconds, known.fetchedAt, now()) ? known : undefined
  }

  /** Keys that may have made a signature: by `kid` when there is one, of the right kind in any case. */
  async keysFor(wanted: KeyWanted): Promise<Outcome<readonly PublicKey[]>> {
    const known = await this.ready()
    if (!known.ok) return known
    const found = this.#fitting(known.value, wanted)
    if (found.length > 0) return accept(found)
    // A key may have been published a moment ago, so an unknown one is worth one look; a flood of them is not.
    if (!this.#isCoolingDown()) {
      await this.#attempt()
      const renewed = this.lastGood()
      if (!renewed.ok) return renewed
      const foundNow = this.#fitting(renewed.value, wanted)
      if (foundNow.length > 0) return accept(foundNow)
    }
    return this.#hasFailed
      ? refuse(
          'issuer.unavailable',
          [],
          'temporarily_unavailable',
          'the key is unknown and the issuer is out of reach',
        )
      : refuse('access-token.key', ['RFC9068-4-5'], 'invalid_token', 'the issuer publishes no such key')
  }

  /** A key was taken back: fetches now, and again soon when a token names a key that is still unknown. */
  hurry(): Promise<boolean> {
    this.#hurriedAt = this.#options.clock.now()
    return this.refresh()
  }

  /** Fetches metadata and keys now; callers share one fetch. @returns whether it succeeded */
  refresh(): Promise<boolean> {
    return this.#flight.run('refresh', async () => {
      this.#isFetching = true
      try {
        this.#known = await fetchKnown(this.#options)
        this.#hasFailed = false
        this.#options.onKnown?.(this.#known)
      } catch (cause) {
        this.#hasFailed = true
        this.#options.onAlarm('issuer.fetch-failed', cause)
      } finally {
        this.#isFetching = false
      }
      return !this.#hasFailed
    })
  }

  /** A fetch that a request caused; those that the issuer caused take nothing away from the next one of these. */
  #attempt(): Promise<boolean> {
    this.#attemptedAt = this.#options.clock.now()
    return this.refresh()
  }

  #fitting({ keys }: Known, { kid, alg }: KeyWanted): readonly PublicKey[] {
    const { isKeyRevoked = () => false } = this.#options
    return fittingKeys(keys, kid, alg).filter(({ thumbprint }) => !isKeyRevoked(thumbprint))
  }

  /** What was fetched last, as long as it may be used without the issuer. */
  lastGood(): Outcome<Known> {
    const known = this.#known
    const now = this.#options.clock.now()
    if (known !== undefined && now - known.fetchedAt < lastGoodSeconds) return accept(known)
    return refuse('issuer.unavailable', [], 'temporarily_unavailable', 'no keys of the issuer are at hand')
  }

  #isCoolingDown(): boolean {
    const now = this.#options.clock.now()
    const isHurried = this.#hurriedAt !== undefined && isWithin(hurrySeconds, this.#hurriedAt, now)
    const seconds = isHurried ? hurriedCoolDownSeconds : coolDownSeconds
    return this.#attemptedAt !== undefined && isWithin(seconds, this.#attemptedAt, now)
  }
}

/** Whether less than `seconds` passed since `then`. A clock that stepped back says nothing about that: no. */
function isWithin(seconds: number, then: EpochSeconds, now: EpochSeconds): boolean {
  return now >= then && now - then < seconds
}

async function fetchKnown({ issuer, fetch, clock }: IssuerOptions): Promise<Known> {
  const fetchedAt = clock.now()
  const metadata = await fetchMetadata(issuer, fetch)
  const keys = await fetchKeySet(fetch, metadata.jwksUri)
  return { metadata, keys, thumbprints: new Set(keys.map(key => key.thumbprint)), fetchedAt }
}

/** RFC 8414 first, then OpenID Connect Discovery; `issuer` must be the very text we asked for. */
async function fetchMetadata(issuer: string, fetch: Fetch): Promise<IssuerMetadata> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path.replace(/\/$/, '')}/.well-known/openid-configuration`,
  ]
  const causes: unknown[] = []
  for (const url of urls) {
    try {
      return metadataOf(
        await fetchJsonObject({
          ...{ fetch, url, bytesMax: documentBytesMax, timeoutMs: documentTimeoutMs },
          method: 'GET',
        }),
        issuer,
      )
    } catch (cause) {
      causes.push(cause)
    }
  }
  throw new AggregateError(causes, `no metadata of \`${issuer}\``)
}

function metadataOf(document: JsonObject, issuer: string): IssuerMetadata {
  if (document.issuer !== issuer) throw new Error(`the metadata is not of \`${issuer}\``)
  const { jwks_uri: jwksUri, mtls_endpoint_aliases: aliases } = document
  if (typeof jwksUri !== 'string') throw new Error('the metadata has no jwks_uri')
  const mtls = isJsonObject(aliases) ? aliases : {}
  return {
    jwksUri,
    introspectionEndpoint: textOf(document.introspection_endpoint),
    mtlsIntrospectionEndpoint: textOf(mtls.introspection_endpoint),
    revocationEventsEndpoint: textOf(document.revocation_events_endpoint),
    mtlsRevocationEventsEndpoint: textOf(mtls.revocation_events_endpoint),
    keyReportsEndpoint: textOf(document.key_reports_endpoint),
    tokenEndpoint: textOf(document.token_endpoint),
    policyEvaluationEndpoint: textOf(document.policy_evaluation_endpoint),
    mtlsKeyReportsEndpoint: textOf(mtls.key_reports_endpoint),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
