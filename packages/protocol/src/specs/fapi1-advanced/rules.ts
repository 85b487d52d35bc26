import { leftHalfHash } from '../../jose/hash.ts'
import type { JwsAlg } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** A request whose answer would be signed by an ID token beside the code. */
export interface DetachedSignatureInput {
  readonly responseType: string | undefined
  readonly scopes: readonly string[] | undefined
}

export const detachedSignatureRules: readonly Rule<DetachedSignatureInput>[] = [
  {
    id: 'detached-signature.openid',
    clauses: ['FAPI1-ADV-5.2.2.1-1', 'OIDC-3.3.2.1'],
    level: 'MUST',
    title: '`code id_token` is a request for `openid`',
    check: ({ responseType, scopes = [] }) =>
      responseType === 'code id_token' && !scopes.includes('openid')
        ? fail('invalid_request', '`code id_token` needs the scope `openid`')
        : pass,
  },
]

/**
 * The claims by which an ID token signs the response it stands in.
 * @param alg signs the ID token, and so names the hash
 * @param state as sent; without one there is nothing to protect
 */
export function detachedSignatureClaims(
  alg: JwsAlg,
  code: string,
  state: string | undefined,
): { readonly c_hash: string; readonly s_hash?: string } {
  return {
    c_hash: leftHalfHash(alg, code),
    ...(state !== undefined && { s_hash: leftHalfHash(alg, state) }),
  }
}
