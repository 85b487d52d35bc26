import { createHash, type KeyObject } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { jwsSigningInput } from '@holdfast/protocol/jose/sign.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { Fault } from '../../ports.ts'
import { publicHalfOf, type SigningKey } from '../signing-key.ts'

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
