import { timingSafeEqual, type X509Certificate } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import { encryptionKey, type KeyManagementAlg } from '@holdfast/protocol/jose/encrypt.ts'
import { fittingKeys, importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import type { PeerCertificate } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { remoteKeySets } from './remote-keys.ts'

/** Keys per client (threat model section 6). */
const keysMax = 20

/** A client's key set after import; what cannot be imported is left out and never verifies anything. */
export interface ClientKeySet {
  readonly keys: readonly PublicKey[]
  /** DER of registered certificates (`x5c`, first member), for self-signed mutual TLS. */
  readonly certificates: readonly Buffer[]
  /** How often a SPIFFE bundle asks to be fetched again. */
  readonly refreshSeconds?: number | undefined
}

export interface WantedKey {
  readonly kid: string | undefined
  readonly alg: JwsAlg
}

type Jwk = Readonly<Record<string, unknown>>

/** Imported once per compiled client: a new revision has new client objects. */
const registered = new WeakMap<Client, ClientKeySet>()

/** Whether a registered key of the client made the signature; its `alg` is one that the rules let pass. */
export async function isSignedBy(client: Client, jws: ParsedJws, ports: Ports): Promise<boolean> {
  const alg = jws.header.alg as JwsAlg
  const kid = typeof jws.header.kid === 'string' ? jws.header.kid : undefined
  const keys = await keysFor(client, { kid, alg }, ports)
  return keys.some(key => verifyJws(jws, key, [alg]))
}

/** Registered keys that may have signed with this `kid` and `alg`. A promise only when a fetch was needed. */
export function keysFor(
  client: Client,
  wanted: WantedKey,
  ports: Ports,
): readonly PublicKey[] | Promise<readonly PublicKey[]> {
  if (client.jwksUri === undefined) return fittingKeys(registeredKeys(client).keys, wanted.kid, wanted.alg)
  const isEnough = (set: ClientKeySet): boolean => fittingKeys(set.keys, wanted.kid, wanted.alg).length > 0
  return remoteKeySets(ports)
    .find(client.jwksUri, isEnough)
    .then(set => (set === undefined ? [] : fittingKeys(set.keys, wanted.kid, wanted.alg)))
}

/** The key that answers are encrypted to; undefined when the client has none now. */
export async function encryptionKeyFor(
  client: Client,
  alg: KeyManagementAlg,
  ports: Ports,
): Promise<PublicKey | undefined> {
  if (client.jwksUri === undefined) return encryptionKey(registeredKeys(client).keys, alg)
  const isEnough = (set: ClientKeySet): boolean => encryptionKey(set.keys, alg) !== undefined
  const set = await remoteKeySets(ports).find(client.jwksUri, isEnough)
  return set && encryptionKey(set.keys, alg)
}

/** Whether the certificate, or, where a key stands without `x5c`, its key, is registered. */
export async function hasRegisteredCertificate(
  client: Client,
  peer: PeerCertificate,
  certificate: X509Certificate,
  ports: Ports,
): Promise<boolean> {
  const matches = (set: ClientKeySet): boolean =>
    set.certificates.some(der => der.length === peer.der.length && timingSafeEqual(der, peer.der)) ||
    (set.certificates.length === 0 && hasKeyOf(set, certificate))
  if (client.jwksUri === undefined) return matches(registeredKeys(client))
  const set = await remoteKeySets(ports).find(client.jwksUri, matches)
  return set !== undefined && matches(set)
}

function hasKeyOf(set: ClientKeySet, certificate: X509Certificate): boolean {
  return set.keys.some(key => key.use !== 'enc' && key.keyObject.equals(certificate.publicKey))
}

function registeredKeys(client: Client): ClientKeySet {
  const known = registered.get(client)
  if (known !== undefined) return known
  const set = importKeySet(client.jwks)
  registered.set(client, set)
  return set
}

/** Total: a document that is no key set is an empty one. */
export function importKeySet(document: unknown): ClientKeySet {
  const listed = isRecord(document) && Array.isArray(document.keys) ? document.keys : []
  const jwks = listed.slice(0, keysMax).filter(isRecord)
  return {
    keys: jwks.flatMap(jwk => {
      const key = importPublicJwk(jwk)
      return key.ok ? [key.value] : []
    }),
    certificates: jwks.flatMap(jwk => certificateOf(jwk) ?? []),
    refreshSeconds: refreshHintOf(document),
  }
}

function refreshHintOf(document: unknown): number | undefined {
  const hint = isRecord(document) ? document.spiffe_refresh_hint : undefined
  return typeof hint === 'number' && Number.isSafeInteger(hint) && hint >= 0 ? hint : undefined
}

function certificateOf({ x5c }: Jwk): Buffer | undefined {
  const [first] = Array.isArray(x5c) ? (x5c as readonly unknown[]) : []
  return typeof first === 'string' ? Buffer.from(first, 'base64') : undefined
}

function isRecord(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
