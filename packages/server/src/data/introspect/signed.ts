import {
  introspectionJwtMediaType,
  introspectionJwtTyp,
} from '@holdfast/protocol/specs/rfc9701-introspection-jwt/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { askedProfiles } from '../../snapshot/effective-profile.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AccessTokenRecord } from '../../store/records.ts'
import { noStore } from '../render/json.ts'
import { signForClient } from '../sign-for-client.ts'

/**
 * Whether the caller asks for a signed answer, or a profile that applies to it says that it gets no other: its own,
 * that of its API, or that of a scope or detail of the token.
 * @param token undefined when it is not active
 */
export function wantsSigned(
  { headers, issuer }: Exchange,
  { profile, introspects }: Client,
  token: AccessTokenRecord | undefined,
): boolean {
  if (profile.signedIntrospection === 'required') return true
  if (introspects.some(one => issuer.resourceServers.get(one)?.profile?.signedIntrospection === 'required'))
    return true
  if (token !== undefined && isOfSignedTier(token, issuer)) return true
  return headers('accept').some(accept => accept.split(',').some(isJwtRange))
}

function isOfSignedTier(
  { audience: audiences, scopes, authorizationDetails: details = [] }: AccessTokenRecord,
  issuer: IssuerSnapshot,
): boolean {
  return askedProfiles(issuer, { audiences, scopes, details }).some(
    ({ signedIntrospection }) => signedIntrospection === 'required',
  )
}

/** Only the type itself: who takes anything, takes the plain answer too. */
function isJwtRange(range: string): boolean {
  const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
  return type === introspectionJwtMediaType && !parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter))
}

/** RFC 9701 section 5: no `sub` and no `exp` outside, so that it looks like no access token. */
export async function signedReply(
  exchange: Exchange,
  ports: Ports,
  client: Client,
  introspection: Readonly<Record<string, unknown>>,
): Promise<Reply> {
  const { clientId, introspects, introspectionSignedResponseAlg: alg } = client
  const claims = {
    iss: exchange.issuer.url,
    // Both names of the caller: libraries differ in which one they look for.
    aud: [...introspects, clientId],
    iat: ports.clock.now(),
    token_introspection: introspection,
  }
  const jwt = { response: 'introspection', alg, typ: introspectionJwtTyp, claims } as const
  const body = await signForClient(jwt, client, exchange.issuer.url, ports)
  return { status: 200, headers: [['content-type', introspectionJwtMediaType], ...noStore], body }
}
