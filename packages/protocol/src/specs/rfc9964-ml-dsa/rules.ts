import { isMlDsa, mlDsaSizes } from '../../jose/ml-dsa.ts'
import { mlDsaAlgs } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import { bytesOf, type JwkInput, memberOf } from '../rfc7517-jwk/member.ts'

/** What an `AKP` key needs besides what every key needs; `jwkRules` has them in their place. */
export const mlDsaKeyRules: readonly Rule<JwkInput>[] = [
  {
    id: 'jwk.akp-algorithm',
    clauses: ['RFC9964-3-alg'],
    level: 'MUST',
    title: 'an AKP key names its one algorithm, which is of ML-DSA',
    check: ({ jwk }) =>
      memberOf(jwk, 'kty') !== 'AKP' || isMlDsa(memberOf(jwk, 'alg'))
        ? pass
        : fail('invalid_client_metadata', `\`alg\` of the AKP key is not one of ${mlDsaAlgs.join(', ')}`),
  },
  {
    id: 'jwk.akp-public',
    clauses: ['RFC9964-3-pub', 'RFC9964-5-pub', 'RFC9964-7.3'],
    level: 'MUST',
    title: '`pub` of an AKP key is canonical base64url of as many bytes as its algorithm has',
    check: ({ jwk }) => {
      const alg = memberOf(jwk, 'alg')
      if (memberOf(jwk, 'kty') !== 'AKP' || !isMlDsa(alg)) return pass
      const { publicKey } = mlDsaSizes[alg]
      return bytesOf(memberOf(jwk, 'pub'))?.length === publicKey
        ? pass
        : fail('invalid_client_metadata', `\`pub\` of the ${alg} key is not base64url of ${publicKey} bytes`)
    },
  },
]
