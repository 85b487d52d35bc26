import { createPublicKey, type KeyObject } from 'node:crypto'
import type { JwkThumbprint } from '../brand.ts'
import { type JwsAlg, mlDsaAlgs } from '../profile.ts'
import { accept, type Outcome, refuse } from '../refusal.ts'
import { firstRefusal } from '../rule.ts'
import { jwkRules } from '../specs/rfc7517-jwk/rules.ts'
import { sha256 } from './hash.ts'
import { thumbprintInput } from './thumbprint.ts'

export interface PublicJwk {
  readonly kty: 'EC' | 'OKP' | 'RSA' | 'AKP'
  readonly crv?: 'P-256' | 'Ed25519'
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
  /** For AKP alone the algorithm is part of the key (RFC 9964 section 3). */
  readonly alg?: string
  readonly pub?: string
}

/** `jwt-svid`: a key of a SPIFFE bundle says so, and signs nothing but JWT-SVIDs. */
export type KeyPurpose = 'sig' | 'jwt-svid'

/** A checked and imported public signature key. Only `importPublicJwk` makes one. */
export interface PublicKey {
  /** The members the thumbprint covers, nothing else. */
  readonly jwk: PublicJwk
  readonly keyObject: KeyObject
  readonly thumbprint: JwkThumbprint
  readonly kid: string | undefined
  readonly alg: string | undefined
  readonly use: string | undefined
  /**
   * Whether type, curve, `alg`, `use` and `key_ops` all allow verifying a signature of `alg`.
   * @param purpose absent: signatures in general, for which a key may leave `use` out
   */
  readonly fits: (alg: JwsAlg, purpose?: KeyPurpose) => boolean
}

/** Imported keys by content. A DPoP client sends its key with every request; importing it costs a verification. */
const imported = new Map<string, PublicKey>()
const importedMax = 10_000

/**
 * Checks and imports a public JWK; the same content gives the same object without importing again.
 * A key that is private, symmetric, too weak or off its curve is refused.
 */
export function importPublicJwk(jwk: unknown): Outcome<PublicKey> {
  // What cannot change any more needs no second look: the header of a proof comes decoded once and frozen.
  if (typeof jwk !== 'object' || jwk === null || !Object.isFrozen(jwk)) return importByContent(jwk)
  const seen = importedFrozen.get(jwk)
  if (seen !== undefined) return seen
  const outcome = importByContent(jwk)
  importedFrozen.set(jwk, outcome)
  return outcome
}

const importedFrozen = new WeakMap<object, Outcome<PublicKey>>()

function importByContent(jwk: unknown): Outcome<PublicKey> {
  const content = contentOf(jwk)
  const known = content === undefined ? undefined : imported.get(content)
  if (content !== undefined && known !== undefined) {
    // Moved to the young end, so that the oldest entry is the one least recently used.
    imported.delete(content)
    imported.set(content, known)
    return accept(known)
  }
  const refused = firstRefusal(jwkRules, { jwk })
  if (refused !== undefined) return refused
  const key = importChecked(jwk as JwkMembers)
  if (key === undefined)
    return refuse(
      'jwk.point',
      ['RFC7518-6.2.1'],
      'invalid_client_metadata',
      'key is not a point of its curve',
    )
  if (content !== undefined) remember(content, key)
  return accept(key)
}

function remember(content: string, key: PublicKey): void {
  if (imported.size >= importedMax) {
    const [oldest] = imported.keys()
    if (oldest !== undefined) imported.delete(oldest)
  }
  imported.set(content, key)
}

type JwkMembers = PublicJwk & {
  readonly kid?: string
  readonly alg?: string
  readonly use?: string
  readonly key_ops?: readonly string[]
}

/** Every member that `importPublicJwk` looks at must stand in the memo key, or a bad key could meet a good entry. */
const publicNames: ReadonlySet<string> = new Set([
  'kty',
  'crv',
  'x',
  'y',
  'n',
  'e',
  'pub',
  'kid',
  'alg',
  'use',
  'key_ops',
])
const harmlessNames: ReadonlySet<string> = new Set([
  'x5c',
  'x5t',
  'x5t#S256',
  'x5u',
  'iat',
  'nbf',
  'exp',
  'ext',
])
/** Above RSA of 8192 bits and ML-DSA-44; longer ones would make the whole memo too large. */
const contentLengthMax = 2048

/** Undefined when the key cannot be memoised: an unusual member, or a member that is no string. */
function contentOf(jwk: unknown): string | undefined {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return undefined
  const members = jwk as Readonly<Record<string, unknown>>
  let content = ''
  for (const name of Object.keys(members)) {
    if (harmlessNames.has(name)) continue
    const value = name === 'key_ops' ? operationsText(members[name]) : members[name]
    if (!publicNames.has(name) || typeof value !== 'string') return undefined
    content += `${name}:${value.length}:${value},`
  }
  return content.length > contentLengthMax ? undefined : content
}

function operationsText(operations: unknown): string | undefined {
  return Array.isArray(operations) && operations.every(operation => typeof operation === 'string')
    ? JSON.stringify(operations)
    : undefined
}

function importChecked(members: JwkMembers): PublicKey | undefined {
  const { kty, kid, alg, use, key_ops: operations } = members
  const jwk = publicMembers(members)
  const canonical = thumbprintInput(jwk)
  const keyObject = canonical === undefined ? undefined : createKey(jwk)
  if (canonical === undefined || keyObject === undefined) return undefined
  const algs = algsOf(kty, alg)
  const mayVerify = operations === undefined || operations.includes('verify')
  const isFor = (purpose: KeyPurpose): boolean => use === purpose || (use === undefined && purpose === 'sig')
  const thumbprint = sha256(canonical) as JwkThumbprint
  const fits: PublicKey['fits'] = (wanted, purpose = 'sig') =>
    mayVerify && isFor(purpose) && algs.includes(wanted)
  return { jwk, keyObject, thumbprint, kid, alg, use, fits }
}

function publicMembers({ kty, crv, x, y, n, e, alg, pub }: JwkMembers): PublicJwk {
  switch (kty) {
    case 'EC':
      return { kty, crv, x, y }
    case 'OKP':
      return { kty, crv, x }
    case 'RSA':
      return { kty, n, e }
    case 'AKP':
      return { kty, alg, pub }
    default:
      return kty satisfies never
  }
}

function createKey(jwk: PublicJwk): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    return undefined
  }
}

const algsByType: Readonly<Record<PublicJwk['kty'], readonly JwsAlg[]>> = {
  EC: ['ES256'],
  // Two registered names of one algorithm (RFC 8037, RFC 9864).
  OKP: ['EdDSA', 'Ed25519'],
  RSA: ['PS256', 'RS256'],
  AKP: mlDsaAlgs,
}

function algsOf(kty: PublicJwk['kty'], alg: string | undefined): readonly JwsAlg[] {
  const possible = algsByType[kty]
  if (alg === undefined) return possible
  const named = possible.filter(one => one === alg)
  return kty === 'OKP' && named.length > 0 ? possible : named
}

/** Most keys of one set that are imported, and most that are tried for one signature. */
const setKeysMax = 32
const candidatesMax = 4

/**
 * The keys of a JWK Set (or a bare list). Keys that cannot be imported are passed over: a set may hold keys for other
 * purposes.
 */
export function importKeySet(jwks: unknown): readonly PublicKey[] {
  const listed = isKeySet(jwks) ? jwks.keys : jwks
  if (!Array.isArray(listed)) return []
  return listed.slice(0, setKeysMax).flatMap(jwk => {
    const key = importPublicJwk(jwk)
    return key.ok ? [key.value] : []
  })
}

function isKeySet(jwks: unknown): jwks is { readonly keys: unknown } {
  return typeof jwks === 'object' && jwks !== null && Object.hasOwn(jwks, 'keys')
}

/**
 * The keys that may have made a signature: those that fit `alg` and, when the header has a `kid`, carry it. A repeated
 * `kid` is told apart by key type, curve, `use` and `alg` (FAPI2-SP-FINAL-5.4.2-3).
 * @param kid of the header, when it has one
 * @param alg of the header, after it was found in the caller's own list
 */
export function fittingKeys(
  keys: readonly PublicKey[],
  kid: string | undefined,
  alg: JwsAlg,
  purpose: KeyPurpose = 'sig',
): readonly PublicKey[] {
  return keys
    .filter(key => (kid === undefined || key.kid === kid) && key.fits(alg, purpose))
    .slice(0, candidatesMax)
}

/**
 * `fittingKeys` of a JWK Set as it came. `jwk`, `jku`, `x5u` and `x5c` of the header are never looked at (I15).
 * @param header of a parsed JWS
 * @param alg of the header, after it was found in the caller's own list
 */
export function selectKeys(
  jwks: unknown,
  header: Readonly<Record<string, unknown>>,
  alg: JwsAlg,
): readonly PublicKey[] {
  const { kid } = header
  if (kid !== undefined && typeof kid !== 'string') return []
  return fittingKeys(importKeySet(jwks), kid, alg)
}
