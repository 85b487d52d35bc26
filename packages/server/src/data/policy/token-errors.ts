import type { ErrorCode, Refusal } from '@holdfast/protocol'
import type { GrantTypeName } from '../../snapshot/snapshot.ts'

/**
 * How the token endpoint says that policy refused. Only the grants that wait for a user know `access_denied`
 * (RFC 8628 section 3.5, CIBA section 11); what an exchange finds unacceptable by policy is `invalid_request`
 * (RFC 8693 section 2.2.2); for the rest it is the grant, or the client, that is not good for it (RFC 6749 5.2).
 */
const errors: Readonly<Record<GrantTypeName, { readonly error: ErrorCode; readonly clause: string }>> = {
  authorization_code: { error: 'invalid_grant', clause: 'RFC6749-5.2' },
  refresh_token: { error: 'invalid_grant', clause: 'RFC6749-5.2' },
  client_credentials: { error: 'unauthorized_client', clause: 'RFC6749-5.2' },
  'urn:ietf:params:oauth:grant-type:token-exchange': {
    error: 'invalid_request',
    clause: 'RFC8693-2.2.2-1',
  },
  'urn:ietf:params:oauth:grant-type:device_code': { error: 'access_denied', clause: 'RFC8628-3.5-1' },
  'urn:openid:params:grant-type:ciba': { error: 'access_denied', clause: 'CIBA-11-denied' },
  'urn:ietf:params:oauth:grant-type:jwt-bearer': { error: 'invalid_grant', clause: 'RFC6749-5.2' },
}

/** Where a client polls, it goes on polling while others have not answered (RFC 8628 section 3.5, CIBA section 11). */
const pendings: Partial<typeof errors> = {
  'urn:ietf:params:oauth:grant-type:device_code': { error: 'authorization_pending', clause: 'RFC8628-3.5-4' },
  'urn:openid:params:grant-type:ciba': { error: 'authorization_pending', clause: 'CIBA-11-pending' },
}

/** A refusal of the policies, or for what they need, in the words of the grant; one of the profile keeps its own. */
export function refusedInDialect(refusal: Refusal, grantType: GrantTypeName): Refusal {
  const isOfPolicy = refusal.ruleId.startsWith('policy.') || refusal.ruleId.startsWith('attributes.')
  // What may be asked again in a moment is no word about the grant.
  if (!isOfPolicy || refusal.error === 'temporarily_unavailable') return refusal
  const pending = refusal.ruleId === 'policy.approval' ? pendings[grantType] : undefined
  const { error, clause } = pending ?? errors[grantType]
  return { ...refusal, error, clauses: [clause] }
}
