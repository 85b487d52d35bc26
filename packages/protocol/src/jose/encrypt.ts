import type { PublicKey } from './keys.ts'

/**
 * Key management algorithms we encrypt with (RFC 7518 section 4): asymmetric ones only. RSA1_5, passwords and shared
 * keys are no members, so nothing can name them.
 */
export const keyManagementAlgs = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'] as const
export type KeyManagementAlg = (typeof keyManagementAlgs)[number]

/** Content encryption (RFC 7518 section 5). The first is what a client gets that names none. */
export const contentEncryptionAlgs = ['A128CBC-HS256', 'A128GCM', 'A256GCM'] as const
export type ContentEncryptionAlg = (typeof contentEncryptionAlgs)[number]

export const isKeyManagementAlg = (alg: unknown): alg is KeyManagementAlg =>
  keyManagementAlgs.some(known => known === alg)

export const isContentEncryptionAlg = (enc: unknown): enc is ContentEncryptionAlg =>
  contentEncryptionAlgs.some(known => known === enc)

/**
 * The key to encrypt with: the first that says `use: enc` itself, has the right type and, when it names an algorithm,
 * this one. A key that signs is never encrypted to.
 */
export function encryptionKey(keys: readonly PublicKey[], alg: KeyManagementAlg): PublicKey | undefined {
  const kty = alg === 'RSA-OAEP-256' ? 'RSA' : 'EC'
  return keys.find(
    key => key.use === 'enc' && key.jwk.kty === kty && (key.alg === undefined || key.alg === alg),
  )
}

/**
 * A nested JWT (RFC 7519 section 5.2): a signed JWT inside a JWE. Never compressed: what is compressed tells of its
 * content by its length.
 * @param jws the signed JWT; nothing else is ever encrypted here
 * @param iss repeated in the header (RFC 7519 section 5.3), for who must know the issuer before decrypting
 * @throws TypeError when the key is not one that `encryptionKey` would choose
 */
export async function encryptJws(
  jws: string,
  key: PublicKey,
  {
    alg,
    enc,
    iss,
  }: { readonly alg: KeyManagementAlg; readonly enc: ContentEncryptionAlg; readonly iss?: string },
): Promise<string> {
  if (encryptionKey([key], alg) === undefined) throw new TypeError(`key cannot encrypt with ${alg}`)
  const { kid, keyObject } = key
  // Loaded with the first JWE: most issuers make none.
  const { CompactEncrypt } = await import('jose')
  return await new CompactEncrypt(Buffer.from(jws, 'latin1'))
    .setProtectedHeader({
      alg,
      enc,
      cty: 'JWT',
      ...(kid !== undefined && { kid }),
      ...(iss !== undefined && { iss }),
    })
    .encrypt(keyObject)
}
