import type { KeyObject } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import { encodedHeader, signAfter } from '@holdfast/protocol/jose/sign.ts'
import { Fault } from '../../ports.ts'
import {
  decodePrivateKey,
  encodePrivateKey,
  generatePrivateKey,
  ownSigningAlgs,
  publicHalfOf,
  type SigningKey,
  slowToMake,
} from '../signing-key.ts'
import { isReference, type KeyCustody } from './key-custody.ts'

/** Keys in the memory of this process, sealed in the store. Signs at once, without a promise. */
export const softwareKeys: KeyCustody = {
  name: 'software',
  algs: ownSigningAlgs,
  make: async alg => {
    const privateKey = await generatePrivateKey(alg)
    return { key: softwareKey(alg, privateKey), kept: encodePrivateKey(privateKey) }
  },
  open: (alg, kept) => {
    if (isReference(kept))
      throw new Fault('keys.custody', { detail: 'the key lies in a custody that is not set up' })
    return softwareKey(alg, decodePrivateKey(kept))
  },
  destroy: async () => undefined,
}

/**
 * As `softwareKeys`, where the first RSA keys are begun at once and given to whoever asks for them first: a first start
 * does other things while primes are looked for.
 */
export function softwareKeysAhead(): KeyCustody {
  const begun = new Map(slowToMake.map(alg => [alg, softwareKeys.make(alg)]))
  // Whoever asks for it is told.
  for (const making of begun.values()) making.catch(() => undefined)
  return {
    ...softwareKeys,
    make: alg => {
      const making = begun.get(alg) ?? softwareKeys.make(alg)
      begun.delete(alg)
      return making
    },
  }
}

function softwareKey(alg: JwsAlg, privateKey: KeyObject): SigningKey {
  const half = publicHalfOf(alg, privateKey)
  /** By `typ`, of which we write a few. */
  const headers = new Map<string, string>()
  const headerOf = (typ: string): string => {
    const known = headers.get(typ)
    if (known !== undefined) return known
    const header = encodedHeader({ alg, kid: half.kid, typ })
    headers.set(typ, header)
    return header
  }
  return { ...half, sign: (typ, claims) => signAfter(headerOf(typ), claims, privateKey, alg) }
}
