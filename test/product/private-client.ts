import { type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import { documentOf } from './clients.ts'
import type { ProductClient } from './product.ts'

/** A client whose answers only it can read, a person with more to tell, and the documents that register both. */
export interface PrivateClient {
  readonly who: ProductClient
  readonly decryption: { readonly key: CryptoKey; readonly kid: string; readonly alg: string }
  readonly enc: string
  readonly documents: readonly string[]
}

export const person = { username: 'carol', password: 'battery staple horse' } as const
export const personClaims = {
  given_name: 'Carol',
  family_name: 'Example',
  email: 'carol@example.com',
  email_verified: true,
  address: { country: 'DE' },
}
export const personDocument = documentOf('User', person.username, {
  password: person.password,
  claims: personClaims,
})

const redirectUri = 'https://client.example/callback'

/** @param enc undefined: the client names none and gets the default, `A128CBC-HS256` */
export async function makePrivateClient(
  clientId: string,
  alg: 'ECDH-ES' | 'ECDH-ES+A256KW' | 'RSA-OAEP-256',
  enc: string | undefined,
): Promise<PrivateClient> {
  const signs = await generateKeyPair('ES256')
  const decrypts = await generateKeyPair(alg)
  const keys = [
    { ...(await exportJWK(decrypts.publicKey)), kid: `${clientId}-enc`, use: 'enc' },
    { ...(await exportJWK(signs.publicKey)), kid: `${clientId}-sig`, use: 'sig', alg: 'ES256' },
  ]
  const encrypted = Object.fromEntries(
    ['id_token', 'userinfo', 'authorization'].flatMap(response => [
      [`${response}_encrypted_response_alg`, alg],
      ...(enc === undefined ? [] : [[`${response}_encrypted_response_enc`, enc]]),
    ]),
  )
  return {
    who: {
      clientId,
      redirectUri,
      privateKey: { key: signs.privateKey, kid: `${clientId}-sig` },
      isDpop: false,
    },
    decryption: { key: decrypts.privateKey, kid: `${clientId}-enc`, alg },
    enc: enc ?? 'A128CBC-HS256',
    documents: [
      documentOf('Client', clientId, {
        profile: 'oidc-baseline',
        metadata: {
          redirect_uris: [redirectUri],
          scope: 'openid profile email address',
          jwks: { keys },
          id_token_signed_response_alg: 'ES256',
          userinfo_signed_response_alg: 'ES256',
          authorization_signed_response_alg: 'ES256',
          response_modes: ['jwt'],
          ...encrypted,
        },
      }),
    ],
  }
}
