import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { jwsSigningInput } from '@holdfast/protocol/jose/sign.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { Fault } from '../../ports.ts'
import { publicHalfOf, type SigningKey } from '../signing-key.ts'
import { decodeReference, encodeReference, type KeyCustody } from './key-custody.ts'

/** Algorithms of which a device gets a SHA-256 digest and not the text, so that every device can. */
export type DigestAlg = Extract<JwsAlg, 'ES256' | 'PS256' | 'RS256'>

export const digestAlgs: readonly DigestAlg[] = ['ES256', 'PS256', 'RS256']

export function isDigestAlg(alg: JwsAlg): alg is DigestAlg {
  return digestAlgs.some(one => one === alg)
}

/** @returns the signature as JWS has it (RFC 7518 sections 3.3 to 3.5) */
export type SignDigest = (alg: DigestAlg, digest: Buffer) => Promise<Buffer>

const textBytesMax = 1_048_576

/**
 * A key that signs somewhere else. Every signature is verified here before anybody sees it: a device that went wrong
 * must look like one that is down, and not like a thousand refused tokens.
 */
export function externalKey(alg: DigestAlg, publicKey: KeyObject, sign: SignDigest): SigningKey {
  const half = publicHalfOf(alg, publicKey)
  const imported = importPublicJwk(half.publicJwk)
  if (!imported.ok) throw new Fault('keys.custody', { detail: `the public key is not one for ${alg}` })
  return {
    ...half,
    sign: async (typ, claims) => {
      const input = jwsSigningInput({ alg, kid: half.kid, typ }, claims)
      const signature = await sign(alg, createHash('sha256').update(input, 'latin1').digest())
      const text = `${input}.${signature.toString('base64url')}`
      const jws = parseCompactJws(text, textBytesMax)
      if (jws.ok && verifyJws(jws.value, imported.value, [alg])) return text
      throw new Fault('keys.wrong-signature', { detail: `custody signed wrongly with \`${half.kid}\`` })
    },
  }
}

/** A place where keys can be made, asked to sign, and ended, each by its name there. */
export interface KeyPlace {
  /** Name of the custody, which stands in every reference to one of its keys. */
  readonly name: string
  readonly make: (alg: DigestAlg) => Promise<{ readonly id: string; readonly spki: Buffer }>
  readonly signer: (id: string) => SignDigest
  readonly destroy: (id: string) => Promise<void>
}

/** A custody whose keys never leave the place where they lie. */
export function externalKeys({ name, make, signer, destroy }: KeyPlace): KeyCustody {
  const known = (alg: JwsAlg): DigestAlg => {
    if (!isDigestAlg(alg)) throw custodyFault(name, `${alg} is not made there`)
    return alg
  }
  return {
    name,
    algs: digestAlgs,
    make: async alg => {
      const made = known(alg)
      const { id, spki } = await make(made)
      const publicKey = createPublicKey({ key: spki, type: 'spki', format: 'der' })
      const kept = encodeReference({ custody: name, id, publicKey })
      return { key: externalKey(made, publicKey, signer(id)), kept }
    },
    open: (alg, kept) => {
      const made = known(alg)
      const { id, publicKey } = decodeReference(kept, name)
      return externalKey(made, publicKey, signer(id))
    },
    destroy: async (_alg, kept) => destroy(decodeReference(kept, name).id),
  }
}

export function custodyFault(custody: string, detail: string, cause?: unknown): Fault {
  return new Fault('keys.custody', { detail: `${custody}: ${detail}`, cause })
}
