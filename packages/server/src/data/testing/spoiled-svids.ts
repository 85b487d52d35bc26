import { type SvidOptions, svidKeys } from './spiffe.ts'
import { issuerUrl, mtlsUrl, startOfWorld } from './world.ts'

/** SVIDs that no endpoint takes, and the rule that refuses each. */
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
