import type { ClientAuthenticationMethod } from '@holdfast/protocol'
import type { AuthenticationMethod } from '../method.ts'
import { attestJwtClientAuth } from './attest-jwt-client-auth.ts'
import { attestJwtClientAuthDpop } from './attest-jwt-client-auth-dpop.ts'
import { clientSecretBasic } from './client-secret-basic.ts'
import { clientSecretJwt } from './client-secret-jwt.ts'
import { clientSecretPost } from './client-secret-post.ts'
import { none } from './none.ts'
import { privateKeyJwt } from './private-key-jwt.ts'
import { selfSignedTlsClientAuth } from './self-signed-tls-client-auth.ts'
import { spiffeJwt } from './spiffe-jwt.ts'
import { tlsClientAuth } from './tls-client-auth.ts'

export const authenticationMethods: ReadonlyMap<ClientAuthenticationMethod, AuthenticationMethod> = new Map(
  [
    privateKeyJwt,
    tlsClientAuth,
    selfSignedTlsClientAuth,
    attestJwtClientAuth,
    attestJwtClientAuthDpop,
    spiffeJwt,
    clientSecretBasic,
    clientSecretPost,
    clientSecretJwt,
    none,
  ].map(slot => [slot.method, slot]),
)
