import type { EpochSeconds } from '@holdfast/protocol'
import type { TokenClaims } from '@holdfast/protocol/specs/rfc9068-at-verification/rules.ts'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'

/** What a token says, after its form was checked; the same shape whether a JWT or introspection said it. */
export interface TokenFacts {
  readonly form: 'jwt' | 'opaque'
  readonly issuer: string
  readonly subject: string
  readonly clientId: string
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  /** Identifier of the token; safe in logs. */
  readonly jti: string
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
  readonly notBefore: EpochSeconds | undefined
  /** What the user allowed in detail (RFC 9396): of this API only, and empty when the token says none. */
  readonly authorizationDetails: readonly AuthorizationDetail[]
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly authTime: EpochSeconds | undefined
  readonly tenant: string | undefined
  /** As it came; only the binding module judges it. */
  readonly cnf: unknown
  /** Every claim, for the domain's own use. */
  readonly claims: Readonly<Record<string, unknown>>
  /** The issuer's signed answer (RFC 9701) that said so, when it was asked for: a gateway hands it on. */
  readonly signedAnswer: string | undefined
  /** Head and payload of a split token; the signature is with who presents it. */
  readonly signingInput: string | undefined
}

/** How the presenter proved that the token is theirs. */
export interface ProvenBinding {
  readonly jkt?: string
  readonly x5tS256?: string
}

/** An access token after every check of this API passed. Only `verify` makes one. */
export interface VerifiedToken extends Omit<TokenFacts, 'cnf' | 'notBefore' | 'signingInput'> {
  /** The JWT of a split token, whole: a gateway hands it on. A credential; never log it. */
  readonly joinedJwt: string | undefined
  readonly binding: ProvenBinding
  /** Thumbprint of the client's key that signed this request, where the API takes signed requests. */
  readonly signedBy: string | undefined
  /** Reference of this request in the audit. */
  readonly requestId: string
  /** `x-fapi-interaction-id` of this request, where the API has it; name it in your own log. */
  readonly interactionId: string | undefined
  /** Version of the policy that permitted, when a decision hook named one. */
  readonly policyVersion: string | undefined
  /** Headers the response must carry, e.g. the next `DPoP-Nonce`; the adapters set them. */
  readonly responseHeaders: readonly (readonly [name: string, value: string])[]
}

/** @param claims checked by `tokenClaimsRules` */
export function factsOf(claims: TokenClaims, form: TokenFacts['form']): TokenFacts {
  const { iss, sub, client_id, aud, scope, jti, iat, exp, nbf, acr, amr, auth_time, tenant_id } = claims
  const all = claims as Readonly<Record<string, unknown>>
  return {
    form,
    issuer: iss as string,
    subject: sub as string,
    clientId: client_id as string,
    audience: typeof aud === 'string' ? [aud] : (aud as readonly string[]),
    scopes: typeof scope === 'string' ? scope.split(' ').filter(value => value !== '') : [],
    jti: jti as string,
    issuedAt: iat as EpochSeconds,
    expiresAt: exp as EpochSeconds,
    notBefore: nbf as EpochSeconds | undefined,
    authorizationDetails: (claims.authorization_details as readonly AuthorizationDetail[] | undefined) ?? [],
    acr: acr as string | undefined,
    amr: (amr as readonly string[] | undefined) ?? [],
    authTime: auth_time as EpochSeconds | undefined,
    tenant: tenant_id as string | undefined,
    cnf: all.cnf,
    claims: all,
    signedAnswer: undefined,
    signingInput: undefined,
  }
}
