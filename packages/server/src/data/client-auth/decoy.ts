import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'

/** A point of P-256 (the key of RFC 9449 section 4.1): public, and nobody's here. */
const decoy = importPublicJwk({
  kty: 'EC',
  crv: 'P-256',
  x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
  y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
})
const signatureBytes = 64

/** Takes as long as checking the assertion of a client that exists; the answer is thrown away. */
export function verifyNothing({ header, claims, signingInput, signature }: ParsedJws): void {
  if (!decoy.ok) throw new TypeError('the decoy key is a point of its curve')
  const sized = Buffer.alloc(signatureBytes, 1)
  signature.copy(sized, 0, 0, signatureBytes)
  verifyJws({ header: { ...header, alg: 'ES256' }, claims, signingInput, signature: sized }, decoy.value, [
    'ES256',
  ])
}
