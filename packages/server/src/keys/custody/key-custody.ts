import { createPublicKey, type KeyObject } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import { Fault } from '../../ports.ts'
import type { SigningKey } from '../signing-key.ts'

/** A key that was made, and what the store keeps of it: the private key itself, or where it lies. */
export interface MadeKey {
  readonly key: SigningKey
  /** Sealed before it is stored. */
  readonly kept: Buffer
}

/** Where private signing keys live and sign: the slot of this folder. */
export interface KeyCustody {
  readonly name: string
  /** What it makes keys for; an issuer signs with nothing else. */
  readonly algs: readonly JwsAlg[]
  /** @throws Fault `keys.custody` when it does not answer */
  readonly make: (alg: JwsAlg) => Promise<MadeKey>
  /**
   * No I/O: the key is asked for when it signs.
   * @throws Fault `keys.custody` when `kept` is of another custody
   */
  readonly open: (alg: JwsAlg, kept: Buffer) => SigningKey
  /** Ends a key that nothing needs any more; the row in the store is gone already. */
  readonly destroy: (alg: JwsAlg, kept: Buffer) => Promise<void>
}

/** What the store keeps of a key that lies elsewhere: its name there, and its public half. */
export interface KeyReference {
  readonly custody: string
  readonly id: string
  readonly publicKey: KeyObject
}

export function encodeReference({ custody, id, publicKey }: KeyReference): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64url')
  return Buffer.from(JSON.stringify({ custody, id, spki }))
}

/** A private key of ours is DER, which never begins with a brace. */
export function isReference(kept: Buffer): boolean {
  return kept[0] === 0x7b
}

/** @throws Fault `keys.custody` when the key lies in another custody than `custody` */
export function decodeReference(kept: Buffer, custody: string): KeyReference {
  // Only this program writes it, and it was sealed: the parse is not a border.
  const found = (isReference(kept) ? JSON.parse(kept.toString()) : { custody: 'software' }) as {
    readonly custody: string
    readonly id: string
    readonly spki: string
  }
  if (found.custody !== custody)
    throw new Fault('keys.custody', { detail: `the key lies in \`${found.custody}\`, which is not set up` })
  const key = Buffer.from(found.spki, 'base64url')
  return { custody, id: found.id, publicKey: createPublicKey({ key, type: 'spki', format: 'der' }) }
}
