import type { EpochSeconds, JwsAlg } from '@holdfast/protocol'
import type { Clock, Entropy, Log } from '../ports.ts'
import type { Store } from '../store/store.ts'
import type { Write } from '../store/writes.ts'
import { isReference, type KeyCustody } from './custody/key-custody.ts'
import type { Custody, SealedPlace } from './custody/software.ts'

/** What making a key takes. */
export interface Workbench {
  readonly store: Store
  /** Seals what the store keeps. */
  readonly custody: Custody
  /** Where new signing keys lie. */
  readonly keyCustody: KeyCustody
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
}

export const rootSecretId = 'root-secret'
const secretBytes = 32

export async function ensureRootSecret(bench: Workbench, issuer: string): Promise<void> {
  if ((await bench.store.listKeys(issuer)).some(record => record.id === rootSecretId)) return
  const place: SealedPlace = { issuer, id: rootSecretId, use: 'secret', alg: 'HKDF' }
  const now = bench.clock.now()
  const writes = [insertKey(bench, place, bench.entropy.bytes(secretBytes), now), created(bench, place)]
  await insertOrAdopt(bench, issuer, rootSecretId, writes)
}

/**
 * The first key of an algorithm, which signs at once: there is nothing before it that verifiers could hold. The slot
 * row makes two nodes that start at the same moment agree: its name is the same on both, so only one of the two
 * commits can succeed, and the other node takes that one's key.
 * @param after the key that was taken back while custody made none for its place; undefined for the very first
 */
export async function insertFirstKey(
  bench: Workbench,
  issuer: string,
  alg: JwsAlg,
  after: string | undefined,
): Promise<void> {
  const now = bench.clock.now()
  const { place, write, discard } = await newKey(bench, issuer, alg, now)
  const slot: SealedPlace = {
    issuer,
    id: after === undefined ? `first-${alg}` : `after-${after}`,
    use: 'secret',
    alg: 'none',
  }
  const writes = [insertKey(bench, slot, Buffer.from(place.id), now), write, created(bench, place)]
  if (!(await insertOrAdopt(bench, issuer, slot.id, writes))) await discard()
}

export interface NewKey {
  readonly place: SealedPlace
  /** Keeps it. */
  readonly write: Write
  /** Ends it where it lies, when it was not kept after all. */
  readonly discard: () => Promise<void>
}

/** A new private key, sealed. */
export async function newKey(
  bench: Workbench,
  issuer: string,
  alg: JwsAlg,
  activeAt: EpochSeconds,
): Promise<NewKey> {
  const { log, keyCustody } = bench
  const { key, kept } = await keyCustody.make(alg)
  // Sealing wipes what it was given; a reference says nothing that must be wiped.
  const reference = isReference(kept) ? Buffer.from(kept) : undefined
  const place: SealedPlace = { issuer, id: key.kid, use: 'sig', alg }
  const discard = async (): Promise<void> => {
    if (reference === undefined) return
    await keyCustody.destroy(alg, reference).catch((cause: unknown) => {
      log.error('keys.not-destroyed', { issuer, kid: key.kid, cause })
    })
  }
  return { place, write: insertKey(bench, place, kept, activeAt), discard }
}

/** @returns false when another node was first */
async function insertOrAdopt(
  bench: Workbench,
  issuer: string,
  id: string,
  writes: readonly Write[],
): Promise<boolean> {
  try {
    await bench.store.commit(writes)
    return true
  } catch (cause) {
    const records = await bench.store.listKeys(issuer)
    if (!records.some(record => record.id === id)) throw cause
    bench.log.info('keys.adopted', { issuer, id })
    return false
  }
}

function insertKey(bench: Workbench, place: SealedPlace, clear: Buffer, activeAt: EpochSeconds): Write {
  const sealed = bench.custody.seal(place, clear)
  clear.fill(0)
  const ends = { removedAt: undefined, revokedAt: undefined, withdrawnAt: undefined }
  const record = { ...place, sealed, createdAt: bench.clock.now(), activeAt, ...ends }
  return { kind: 'insert-key', record }
}

function created(bench: Workbench, place: SealedPlace): Write {
  const { issuer, id, use, alg } = place
  return {
    kind: 'append-audit',
    record: {
      at: bench.clock.now(),
      issuer,
      event: 'key.created',
      outcome: 'accepted',
      requestId: `start-${id}`,
      facts: { id, use, alg },
    },
  }
}
