import { keys } from './clients.ts'
import { type SvidOptions, svidKeys } from './spiffe.ts'
import { type AssertionOptions, issuerUrl, mtlsUrl, startOfWorld } from './world.ts'

/** Assertions that no endpoint takes, and the rule that refuses each. */
export const spoiledAssertions: readonly (readonly [
  name: string,
  spoil: AssertionOptions,
  ruleId: string,
])[] = [
  ['another iss', { claims: { iss: 'c_other' } }, 'assertion.iss'],
  ['no iss', { claims: { iss: undefined } }, 'assertion.iss'],
  ['no sub', { claims: { sub: undefined } }, 'client-auth.subject'],
  ['a sub that is no text', { claims: { sub: 7 } }, 'client-auth.subject'],
  ['the issuer in an array', { claims: { aud: [issuerUrl] } }, 'assertion.aud'],
  ['two audiences', { claims: { aud: [issuerUrl, 'https://other.example'] } }, 'assertion.aud'],
  ['another server as audience', { claims: { aud: 'https://other.example' } }, 'assertion.aud'],
  ['the issuer with a slash', { claims: { aud: `${issuerUrl}/` } }, 'assertion.aud'],
  ['the mutual-TLS origin as audience', { claims: { aud: mtlsUrl } }, 'assertion.aud'],
  ['no aud', { claims: { aud: undefined } }, 'assertion.aud'],
  ['no exp', { claims: { exp: undefined } }, 'assertion.exp'],
  ['an exp five minutes ago', { claims: { exp: startOfWorld - 300 } }, 'assertion.exp'],
  ['no jti', { claims: { jti: undefined } }, 'assertion.jti'],
  ['an iat 61 seconds ahead', { claims: { iat: startOfWorld + 61 } }, 'assertion.iat'],
  ['an nbf 61 seconds ahead', { claims: { nbf: startOfWorld + 61 } }, 'assertion.nbf'],
  ['a lifetime of an hour', { claims: { exp: startOfWorld + 3600 } }, 'assertion.lifetime'],
  ['typ dpop+jwt', { header: { typ: 'dpop+jwt' } }, 'assertion.typ'],
  ['typ oauth-authz-req+jwt', { header: { typ: 'oauth-authz-req+jwt' } }, 'assertion.typ'],
  ['typ at+jwt', { header: { typ: 'at+jwt' } }, 'assertion.typ'],
  ['typ logout+jwt', { header: { typ: 'logout+jwt' } }, 'assertion.typ'],
  ['the key of an attacker', { key: keys.attacker }, 'client-auth.signature'],
  ['a kid nobody registered', { header: { kid: 'other' } }, 'client-auth.signature'],
  ['alg none', { header: { alg: 'none' } }, 'client-auth.alg'],
  ['alg HS256', { header: { alg: 'HS256' } }, 'client-auth.alg'],
  ['alg RS256', { header: { alg: 'RS256' } }, 'client-auth.alg'],
  [
    'the key of an attacker in the header',
    { key: keys.attacker, header: { jwk: keys.attacker.publicJwk, kid: undefined } },
    'client-auth.signature',
  ],
]

/** The same of SVIDs. */
export const spoiledSvids: readonly (readonly [name: string, spoil: SvidOptions, ruleId: string])[] = [
  ['no sub', { claims: { sub: undefined } }, 'spiffe-id.scheme'],
  ['the client as sub', { claims: { sub: 'c_spiffe' } }, 'spiffe-id.scheme'],
  ['an unknown workload', { claims: { sub: 'spiffe://prod.example/other' } }, 'client-auth.unknown'],
  [
    'a workload of a suspended client',
    { claims: { sub: 'spiffe://prod.example/suspended' } },
    'client-auth.suspended',
  ],
  ['a key of another trust domain', { key: svidKeys.staging }, 'client-auth.svid-signature'],
  ['a key for X.509-SVIDs', { key: svidKeys.x509 }, 'client-auth.svid-signature'],
  ['a kid nobody has', { header: { kid: 'other' } }, 'client-auth.svid-signature'],
  ['alg none', { header: { alg: 'none' } }, 'client-auth.svid-signature'],
  ['alg HS256', { header: { alg: 'HS256' } }, 'client-auth.svid-signature'],
  ['a header of its own', { header: { cty: 'JWT' } }, 'svid.header'],
  ['typ at+jwt', { header: { typ: 'at+jwt' } }, 'svid.typ'],
  ['no aud', { claims: { aud: undefined } }, 'svid.aud'],
  ['two audiences', { claims: { aud: [issuerUrl, 'https://other.example'] } }, 'svid.aud'],
  ['the mutual-TLS origin as audience', { claims: { aud: mtlsUrl } }, 'svid.aud'],
  ['no exp', { claims: { exp: undefined } }, 'svid.exp'],
  ['an exp five minutes ago', { claims: { exp: startOfWorld - 300 } }, 'svid.exp'],
  ['an iat 61 seconds ahead', { claims: { iat: startOfWorld + 61 } }, 'svid.ahead'],
  ['a lifetime of an hour', { claims: { exp: startOfWorld + 3600 } }, 'svid.lifetime'],
]
