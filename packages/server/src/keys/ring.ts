import { hkdfSync, type KeyObject } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import { type Clock, type Entropy, Fault, type Keys, type Log } from '../ports.ts'
import type { Store } from '../store/store.ts'
import type { KeyRecord, Write } from '../store/writes.ts'
import type { Custody, SealedPlace } from './custody/software.ts'
import { type PublishedKeys, publishedKeys } from './published.ts'
import {
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  ownSigningAlgs,
  type SigningKey,
  signingKeyOf,
} from './signing-key.ts'

export interface RingOptions {
  readonly store: Store
  readonly custody: Custody
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly issuers: readonly RingIssuer[]
}

export interface RingIssuer {
  readonly url: string
  /** What the issuer's floor allows; a key is made for each that we sign with. */
  readonly algs: readonly JwsAlg[]
}

export interface Ring extends Keys {
  /** Resolves when every key exists. The ring works before: with the algorithms it has, and names no others. */
  readonly whenComplete: Promise<void>
  /** Takes in keys that other nodes inserted. */
  readonly refresh: () => Promise<void>
}

/** What one issuer signs with right now. Replaced whole. */
interface IssuerKeys {
  readonly active: ReadonlyMap<JwsAlg, SigningKey>
  readonly algs: readonly JwsAlg[]
  readonly published: PublishedKeys
  readonly rootSecret: Buffer
}

const quick: ReadonlySet<JwsAlg> = new Set(['ES256', 'EdDSA'])
const rootSecretId = 'root-secret'
const secretBytes = 32

/**
 * Opens, or on first start makes, the keys of every issuer. Elliptic keys exist when this resolves; RSA keys
 * follow in the background, because finding primes can take longer than a start may.
 */
export async function openRing(options: RingOptions): Promise<Ring> {
  const { issuers } = options
  const byIssuer = new Map<string, IssuerKeys>()
  const load = async (issuer: RingIssuer): Promise<void> => {
    byIssuer.set(issuer.url, openRecords(options, issuer, await options.store.listKeys(issuer.url)))
  }
  const complete = async (issuer: RingIssuer, wanted: readonly JwsAlg[]): Promise<void> => {
    const missing = wanted.filter(alg => !byIssuer.get(issuer.url)?.active.has(alg))
    if (missing.length === 0) return
    await Promise.all(missing.map(alg => insertSigningKey(options, issuer, alg)))
    await load(issuer)
  }
  const quickOf = (issuer: RingIssuer): readonly JwsAlg[] => wantedAlgs(issuer).filter(alg => quick.has(alg))

  await Promise.all(
    issuers.map(async issuer => {
      await ensureRootSecret(options, issuer)
      await load(issuer)
      await complete(issuer, quickOf(issuer))
    }),
  )
  const whenComplete = Promise.all(issuers.map(issuer => complete(issuer, wantedAlgs(issuer)))).then(
    () => undefined,
  )
  return {
    ...keysOver(byIssuer, options.custody),
    whenComplete,
    refresh: async () => void (await Promise.all(issuers.map(load))),
  }
}

function wantedAlgs(issuer: RingIssuer): readonly JwsAlg[] {
  return ownSigningAlgs.filter(alg => issuer.algs.includes(alg))
}

function keysOver(byIssuer: ReadonlyMap<string, IssuerKeys>, custody: Custody): Keys {
  const keysOf = (issuer: string): IssuerKeys => {
    const keys = byIssuer.get(issuer)
    if (keys === undefined)
      throw new Fault('keys.unavailable', { detail: `no keys for issuer \`${issuer}\`` })
    return keys
  }
  const secrets = new Map<string, Buffer>()
  return {
    sign: async (issuer, alg, typ, claims) => {
      const key = keysOf(issuer).active.get(alg)
      if (key === undefined) throw new Fault('keys.unavailable', { detail: `no active key for ${alg}` })
      return signJws({ alg, kid: key.kid, typ }, claims, key.privateKey, alg)
    },
    published: issuer => keysOf(issuer).published,
    algs: issuer => keysOf(issuer).algs,
    // Purposes are written in our code, never taken from input: the map stays small.
    secret: (issuer, purpose) => {
      const name = `${issuer} ${purpose}`
      const known = secrets.get(name)
      if (known !== undefined) return known
      const info = `holdfast secret 1 ${purpose}`
      const made = Buffer.from(hkdfSync('sha256', keysOf(issuer).rootSecret, issuer, info, secretBytes))
      secrets.set(name, made)
      return made
    },
    seal: (issuer, purpose, place, clear) => custody.seal(placeOf(issuer, purpose, place), clear),
    open: (issuer, purpose, place, sealed) => custody.open(placeOf(issuer, purpose, place), sealed),
  }
}

/** Apart from the places of keys, whose ids never hold a space. */
function placeOf(issuer: string, purpose: string, place: string): SealedPlace {
  return { issuer, id: `${purpose} ${place}`, use: 'secret', alg: 'none' }
}

function openRecords(options: RingOptions, issuer: RingIssuer, records: readonly KeyRecord[]): IssuerKeys {
  const root = records.find(record => record.id === rootSecretId)
  if (root === undefined) throw new Fault('keys.unavailable', { detail: 'the root secret is missing' })
  const rootSecret = options.custody.open(root, root.sealed)
  const keys = records.filter(record => record.use === 'sig').map(record => openSigningKey(options, record))
  // Every node takes the oldest key of an algorithm, so that all sign with the same one.
  const sorted = keys.toSorted(
    (left, right) => left.createdAt - right.createdAt || compare(left.kid, right.kid),
  )
  const active = new Map<JwsAlg, SigningKey>()
  for (const key of sorted)
    if (issuer.algs.includes(key.alg) && !active.has(key.alg)) active.set(key.alg, key)
  const algs = ownSigningAlgs.filter(alg => active.has(alg))
  return { active, algs, published: publishedKeys(sorted.map(key => key.publicJwk)), rootSecret }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Opened keys by record: a refresh must not import every key again. */
const opened = new WeakMap<Custody, Map<string, SigningKey>>()

function openSigningKey(options: RingOptions, record: KeyRecord): SigningKey {
  const known = opened.get(options.custody) ?? new Map<string, SigningKey>()
  opened.set(options.custody, known)
  const name = `${record.issuer} ${record.id}`
  const found = known.get(name)
  if (found !== undefined) return found
  const privateKey: KeyObject = decodePrivateKey(options.custody.open(record, record.sealed))
  const key = signingKeyOf(record.alg as JwsAlg, privateKey, record.createdAt)
  if (key.kid !== record.id) throw new Fault('keys.sealed', { detail: `\`${record.id}\` holds another key` })
  known.set(name, key)
  return key
}

async function ensureRootSecret(options: RingOptions, issuer: RingIssuer): Promise<void> {
  if ((await options.store.listKeys(issuer.url)).some(record => record.id === rootSecretId)) return
  const place: SealedPlace = { issuer: issuer.url, id: rootSecretId, use: 'secret', alg: 'HKDF' }
  const writes = [insertKey(options, place, options.entropy.bytes(secretBytes)), created(options, place)]
  await insertOrAdopt(options, issuer, rootSecretId, writes)
}

/**
 * The slot row makes two nodes that start at the same moment agree: its name is the same on both, so only one
 * of the two commits can succeed, and the other node takes that one's key.
 */
async function insertSigningKey(options: RingOptions, issuer: RingIssuer, alg: JwsAlg): Promise<void> {
  const privateKey = await generatePrivateKey(alg)
  const { kid } = signingKeyOf(alg, privateKey, options.clock.now())
  const place: SealedPlace = { issuer: issuer.url, id: kid, use: 'sig', alg }
  const slot: SealedPlace = { issuer: issuer.url, id: `first-${alg}`, use: 'secret', alg: 'none' }
  const writes = [
    insertKey(options, slot, Buffer.from(kid)),
    insertKey(options, place, encodePrivateKey(privateKey)),
    created(options, place),
  ]
  await insertOrAdopt(options, issuer, slot.id, writes)
}

async function insertOrAdopt(
  options: RingOptions,
  issuer: RingIssuer,
  id: string,
  writes: readonly Write[],
): Promise<void> {
  try {
    await options.store.commit(writes)
  } catch (cause) {
    const records = await options.store.listKeys(issuer.url)
    if (!records.some(record => record.id === id)) throw cause
    options.log.info('keys.adopted', { issuer: issuer.url, id })
  }
}

function insertKey(options: RingOptions, place: SealedPlace, clear: Buffer): Write {
  const sealed = options.custody.seal(place, clear)
  clear.fill(0)
  return { kind: 'insert-key', record: { ...place, sealed, createdAt: options.clock.now() } }
}

function created(options: RingOptions, place: SealedPlace): Write {
  const { issuer, id, use, alg } = place
  return {
    kind: 'append-audit',
    record: {
      at: options.clock.now(),
      issuer,
      event: 'key.created',
      outcome: 'accepted',
      requestId: `start-${id}`,
      facts: { id, use, alg },
    },
  }
}
