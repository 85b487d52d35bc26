import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { type EpochSeconds, epochSeconds, type JwsAlg } from '@holdfast/protocol'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import { jwkThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import { signingInputMember, splitTokenPrefix } from '@holdfast/protocol/specs/holdfast-split-token/rules.ts'
import {
  introspectionJwtMediaType,
  introspectionJwtTyp,
} from '@holdfast/protocol/specs/rfc9701-introspection-jwt/rules.ts'
import type { Clock, Fetch } from './ports.ts'
import type { TestFeed } from './test-feed.ts'

/** A key pair of one party of a test. */
export interface TestKey {
  readonly alg: JwsAlg
  readonly privateKey: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
  /** RFC 7638 thumbprint: `kid` of issuer keys, `jkt` of client keys. */
  readonly thumbprint: string
}

export function testKey(alg: JwsAlg = 'ES256'): TestKey {
  const { publicKey, privateKey } = newPair(alg)
  const jwk = publicKey.export({ format: 'jwk' }) as Readonly<Record<string, unknown>>
  return { alg, privateKey, jwk, thumbprint: jwkThumbprint(jwk) }
}

function newPair(alg: JwsAlg): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'EdDSA':
    case 'Ed25519':
      return generateKeyPairSync('ed25519')
    case 'PS256':
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'ML-DSA-44':
      return generateKeyPairSync('ml-dsa-44')
    case 'ML-DSA-65':
      return generateKeyPairSync('ml-dsa-65')
    case 'ML-DSA-87':
      return generateKeyPairSync('ml-dsa-87')
    default:
      return alg satisfies never
  }
}

/** A clock that stands until it is moved. */
export interface TestClock extends Clock {
  readonly advance: (seconds: number) => void
}

export function testClock(start = 1_800_000_000): TestClock {
  let at = start
  return {
    now: () => epochSeconds(at),
    advance: seconds => {
      at += seconds
    },
  }
}

export interface TestIssuerOptions {
  readonly issuer?: string
  readonly audience?: string
  readonly clock?: Clock
  /** Its revocation feed; without one it publishes none. */
  readonly feed?: TestFeed
}

/** A request the test issuer saw. */
export interface SeenRequest {
  readonly url: string
  readonly form: URLSearchParams
}

/** An authorization server in a few lines, for tests of an API: mints tokens, makes proofs, answers `fetch`. */
export interface TestIssuer {
  readonly issuer: string
  readonly audience: string
  /** Hand it to `createResourceServer` as `fetch`. */
  readonly fetch: Fetch
  readonly seen: readonly SeenRequest[]
  /** What introspection says about a token; anything else is inactive. */
  readonly introspection: Map<string, Readonly<Record<string, unknown>>>
  /** Answers of the network to come: an error is thrown, a number is a status. */
  readonly faults: (Error | number)[]
  /** Keys in the published set; change it to rotate. */
  readonly keys: TestKey[]
  /** Claims of a good token bound to nothing; spoil what you like. */
  readonly claims: (changes?: Readonly<Record<string, unknown>>) => Record<string, unknown>
  readonly mint: (
    changes?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
    key?: TestKey,
  ) => string
  /** A split token, which introspection knows: the half of the client. */
  readonly mintSplit: (changes?: Readonly<Record<string, unknown>>) => string
}

export function testIssuer(options: TestIssuerOptions = {}): TestIssuer {
  const { issuer = 'https://as.example', audience = 'https://rs.example', clock = testClock() } = options
  const keys = [testKey('ES256')]
  const seen: SeenRequest[] = []
  const faults: (Error | number)[] = []
  const introspection = new Map<string, Readonly<Record<string, unknown>>>()

  const claims = (changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    iss: issuer,
    aud: audience,
    sub: 'user-1',
    client_id: 'client-1',
    jti: randomBytes(16).toString('base64url'),
    iat: clock.now(),
    exp: clock.now() + 300,
    scope: 'payments:read payments:write',
    ...changes,
  })

  const feedUrl = `${issuer}/revocations`
  const metadata = {
    ...{ issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` },
    ...(options.feed && { revocation_events_endpoint: feedUrl }),
  }
  const answer = (url: string, form: URLSearchParams): unknown => {
    if (url === `${issuer}/.well-known/oauth-authorization-server`) return metadata
    if (url === `${issuer}/jwks`)
      return { keys: keys.map(({ jwk, thumbprint, alg }) => ({ ...jwk, kid: thumbprint, alg, use: 'sig' })) }
    if (url === `${issuer}/introspect`) return introspection.get(form.get('token') ?? '') ?? { active: false }
    return undefined
  }

  /** RFC 9701, for an API that asks so. */
  const signed = (body: unknown): string => {
    const [key] = keys
    if (key === undefined) throw new TypeError('the test issuer has no key')
    const all = { iss: issuer, aud: [audience], iat: clock.now(), token_introspection: body }
    return signJws({ typ: introspectionJwtTyp, kid: key.thumbprint }, all, key.privateKey, key.alg)
  }

  const serve: Fetch = async (url, init) => {
    if (options.feed !== undefined && url === feedUrl) return options.feed.answer(init)
    const form = new URLSearchParams(init.body ?? '')
    seen.push({ url, form })
    // As a network does, so that requests of one turn meet.
    await new Promise(resolve => setImmediate(resolve))
    const fault = faults.shift()
    if (fault instanceof Error) throw fault
    if (fault !== undefined) return new Response('{}', { status: fault })
    const body = answer(url, form)
    if (url === `${issuer}/introspect` && init.headers.accept === introspectionJwtMediaType)
      return new Response(signed(body))
    return body === undefined ? new Response('', { status: 404 }) : Response.json(body)
  }

  const mint: TestIssuer['mint'] = (changes, header = {}, key = keys[0]) => {
    if (key === undefined) throw new TypeError('the test issuer has no key')
    const all = { typ: 'at+jwt', kid: key.thumbprint, alg: key.alg, ...header }
    return signJws(all, claims(changes), key.privateKey, key.alg)
  }
  return {
    issuer,
    audience,
    fetch: serve,
    seen,
    introspection,
    faults,
    keys,
    claims,
    mint,
    mintSplit: changes => {
      const all = claims(changes)
      const jwt = mint(all)
      const dot = jwt.lastIndexOf('.')
      const half = `${splitTokenPrefix}abcdef${jwt.slice(dot + 1)}`
      introspection.set(half, { active: true, ...all, [signingInputMember]: jwt.slice(0, dot) })
      return half
    },
  }
}

export interface TestProof {
  readonly key: TestKey
  readonly method: string
  readonly url: string
  readonly token: string
  readonly now: EpochSeconds
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** A DPoP proof for an API; `claims` and `header` spoil it. */
export function testProof({ key, method, url, token, now, claims = {}, header = {} }: TestProof): string {
  return signJws(
    { typ: 'dpop+jwt', jwk: key.jwk, ...header },
    {
      jti: randomBytes(16).toString('base64url'),
      htm: method,
      htu: url,
      iat: now,
      ath: createHash('sha256').update(token).digest('base64url'),
      ...claims,
    },
    key.privateKey,
    key.alg,
  )
}
