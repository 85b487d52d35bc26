import { accept, type EpochSeconds, type Outcome, refuse } from '@holdfast/protocol'
import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { isResourceIdentifier } from '@holdfast/protocol/specs/rfc9728-resource-metadata/rules.ts'
import { SingleFlight } from './cache.ts'
import { fetchKeySet, keysMax } from './fetch-key-set.ts'
import type { Clock, Fetch } from './ports.ts'

/** Where the keys of a client are: in these options, or where the client publishes them. */
export type ClientKeySource =
  | { readonly jwks: { readonly keys: readonly unknown[] } }
  | { readonly jwksUri: string }

/** How long fetched keys are used before they are fetched again, and how long when that fails. */
const freshSeconds = 300
const lastGoodSeconds = 600
/** Least time between two fetches for one client. */
const coolDownSeconds = 30

interface Ports {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly onAlarm: (alarm: string, cause: unknown) => void
}

interface Fetched {
  readonly keys: readonly PublicKey[]
  readonly at: EpochSeconds
}

/** The keys clients sign requests with, of the clients that are named and nobody else. */
export class ClientKeys {
  readonly #given = new Map<string, readonly PublicKey[]>()
  readonly #urls = new Map<string, string>()
  /** By client id: of those that are named, so it has an end. */
  readonly #fetched = new Map<string, Fetched>()
  readonly #attemptedAt = new Map<string, EpochSeconds>()
  readonly #flight = new SingleFlight<void>()
  readonly #ports: Ports

  /** @throws TypeError that names the client whose keys cannot be used */
  constructor(clients: Readonly<Record<string, ClientKeySource>>, ports: Ports) {
    this.#ports = ports
    for (const [clientId, source] of Object.entries(clients))
      if ('jwks' in source) this.#given.set(clientId, importAll(clientId, source.jwks.keys))
      else if (isResourceIdentifier(source.jwksUri)) this.#urls.set(clientId, source.jwksUri)
      else throw new TypeError(`httpSignatures: keys of \`${clientId}\`: \`jwksUri\` is not an https URL`)
  }

  /** @param keyid of the signature; without one the client must have one key alone */
  async keyOf(clientId: string, keyid: string | undefined): Promise<Outcome<PublicKey>> {
    const given = this.#given.get(clientId)
    if (given !== undefined) return keyNamed(given, keyid) ?? noKey
    const url = this.#urls.get(clientId)
    if (url === undefined) return noKey
    const known = this.#usable(clientId, freshSeconds)
    const found = known && keyNamed(known, keyid)
    if (found !== undefined) return found
    // An unknown name is worth one look, for the key may be new; a flood of them is not.
    if (!this.#isCoolingDown(clientId)) await this.#flight.run(clientId, () => this.#fetch(clientId, url))
    const renewed = this.#usable(clientId, lastGoodSeconds)
    if (renewed === undefined)
      return refuse(
        'http-signature.keys-unavailable',
        ['FAPI2-HTTPSIG-5.3.1.2-1'],
        'temporarily_unavailable',
        'the keys of the client are not at hand',
      )
    return keyNamed(renewed, keyid) ?? noKey
  }

  async #fetch(clientId: string, url: string): Promise<void> {
    const { fetch, clock, onAlarm } = this.#ports
    const at = clock.now()
    this.#attemptedAt.set(clientId, at)
    try {
      this.#fetched.set(clientId, { keys: await fetchKeySet(fetch, url), at })
    } catch (cause) {
      onAlarm('client-keys.fetch-failed', cause)
    }
  }

  #usable(clientId: string, seconds: number): readonly PublicKey[] | undefined {
    const fetched = this.#fetched.get(clientId)
    return fetched !== undefined && this.#isWithin(seconds, fetched.at) ? fetched.keys : undefined
  }

  #isCoolingDown(clientId: string): boolean {
    const at = this.#attemptedAt.get(clientId)
    return at !== undefined && this.#isWithin(coolDownSeconds, at)
  }

  /** A clock that stepped back says nothing about how long ago something was: no. */
  #isWithin(seconds: number, then: EpochSeconds): boolean {
    const now = this.#ports.clock.now()
    return now >= then && now - then < seconds
  }
}

const noKey = refuse(
  'http-signature.key',
  ['FAPI2-HTTPSIG-5.3.1.2-1'],
  'invalid_request',
  'the client has no such key',
)

function keyNamed(keys: readonly PublicKey[], keyid: string | undefined): Outcome<PublicKey> | undefined {
  const fitting = keyid === undefined ? keys : keys.filter(key => (key.kid ?? key.thumbprint) === keyid)
  const [key] = fitting
  // Two keys of one name: which of them signed would have to be guessed.
  return key !== undefined && fitting.length === 1 ? accept(key) : undefined
}

function importAll(clientId: string, listed: readonly unknown[]): readonly PublicKey[] {
  if (listed.length === 0 || listed.length > keysMax)
    throw new TypeError(`httpSignatures: \`${clientId}\` needs 1 to ${keysMax} keys`)
  return listed.map(jwk => {
    const key = importPublicJwk(jwk)
    if (!key.ok) throw new TypeError(`httpSignatures: keys of \`${clientId}\`: ${key.reason}`)
    return key.value
  })
}
