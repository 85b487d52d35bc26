import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { jwtBearerGrantType } from '@holdfast/protocol/specs/rfc7523-jwt-bearer/rules.ts'
import type { TrustedIssuer } from '../../snapshot/snapshot.ts'
import { accounts, payments } from './clients.ts'
import { compactJws, newTestKey, type TestKey } from './jws.ts'
import { type FormFields, issuerUrl, type World } from './world.ts'

export const idpUrl = 'https://idp.example'
export const idpKey = newTestKey('ES256', 'idp-1')

export function importedKey(key: TestKey): PublicKey {
  const imported = importPublicJwk(key.publicJwk)
  if (!imported.ok) throw new TypeError(imported.reason)
  return imported.value
}

/** Knows our users by their usernames and speaks to `c_partner`. */
export function trustedIssuer(more: Partial<TrustedIssuer> = {}): TrustedIssuer {
  return {
    name: 'idp',
    issuer: idpUrl,
    jwksUri: undefined,
    keys: [importedKey(idpKey)],
    algs: ['ES256', 'PS256'],
    subjects: 'username',
    clients: ['c_partner'],
    scopes: ['accounts', 'payments'],
    resources: [accounts, payments],
    assertionLifetimeSeconds: 300,
    ...more,
  }
}

export interface GrantAssertionOptions {
  readonly key?: TestKey
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A fresh, good assertion about Alice. */
export function grantAssertion(world: World, spoil: GrantAssertionOptions = {}): string {
  const { key = idpKey } = spoil
  const now = world.clock.now()
  const claims = {
    iss: idpUrl,
    sub: 'alice',
    aud: issuerUrl,
    jti: world.ports.entropy.bytes(16).toString('base64url'),
    iat: now,
    exp: now + 120,
    ...spoil.claims,
  }
  return compactJws({ alg: key.alg, kid: key.kid, ...spoil.header }, claims, key)
}

export function jwtBearerFields(assertion: string): FormFields {
  return { grant_type: jwtBearerGrantType, assertion, resource: accounts }
}
