import { mlDsaAlgs } from '@holdfast/protocol'
import { z } from 'zod'
import { acrDemand } from '../acr-demand.ts'

export const resourceServerSpec = z.strictObject({
  /** Resource identifier (RFC 8707 section 2): an absolute https URI without fragment. */
  audience: z
    .string()
    .max(2048)
    .refine(isResourceIdentifier, 'must be an absolute https URI without fragment'),
  displayName: z.string().min(1).max(80).optional(),
  /** Names of scopes that mean something at this resource server. */
  scopes: z.array(z.string()).max(200).default([]),
  /** `split`: the client gets the signature of a JWT, introspection gives the rest to a gateway. */
  accessTokenFormat: z.enum(['opaque', 'jwt', 'split']).default('opaque'),
  /** Algorithm of JWT and split access tokens; the profiles of the issuer, the client and this API must allow it. */
  accessTokenSigningAlg: z
    .enum(['PS256', 'ES256', 'EdDSA', 'Ed25519', 'RS256', ...mlDsaAlgs])
    .default('ES256'),
  /** JWTs name a place in a status list, where their end can be seen (Token Status List). */
  statusList: z.boolean().default(false),
  /** Asking for this resource server tightens the whole request to this profile. */
  profile: z.string().optional(),
  /** Attributes that its tokens tell, and no other: each is told by one AttributeSource. */
  attributes: z.array(z.string().max(128)).max(32).default([]),
  /** Clients have its scopes and types of authorization details by an active ScopeGrant only. */
  governed: z.boolean().default(false),
  ...acrDemand,
})

export type ResourceServerSpec = z.infer<typeof resourceServerSpec>

function isResourceIdentifier(text: string): boolean {
  if (!URL.canParse(text) || text.includes('#') || /\s/.test(text)) return false
  const { protocol, username, password } = new URL(text)
  return protocol === 'https:' && username === '' && password === ''
}
