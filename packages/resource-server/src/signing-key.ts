import { accept, type JwsAlg, type Outcome } from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import type { PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import type { Issuer } from './issuer.ts'

/**
 * The key of the issuer that made a signature.
 * @param jws its `alg` was judged
 * @returns undefined when none of those that fit made it; a refusal when none fits, or the issuer is out of reach
 */
export async function signingKeyOf(
  jws: ParsedJws,
  issuer: Issuer,
  algs: readonly JwsAlg[],
): Promise<Outcome<PublicKey | undefined>> {
  const { kid, alg } = jws.header
  const wanted = { kid: typeof kid === 'string' ? kid : undefined, alg: alg as JwsAlg }
  const keys = await issuer.keysFor(wanted)
  return keys.ok ? accept(keys.value.find(key => verifyJws(jws, key, algs))) : keys
}
