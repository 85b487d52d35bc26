import type { EpochSeconds } from '@holdfast/protocol'

/** Why access was refused, in one word for dashboards. */
export type DenialCategory =
  | 'transport'
  | 'credentials'
  | 'token'
  | 'sender-constraint'
  | 'signature'
  | 'client'
  | 'tenant'
  | 'scope'
  | 'assurance'
  | 'policy'
  | 'unavailable'

/** One decision of this API, as evidence. No token, proof, certificate or key stands in it (I29). */
export interface AccessEvent {
  readonly event: 'api.access'
  readonly at: EpochSeconds
  /** `alert`: only an attack or a broken client does this. */
  readonly outcome: 'accepted' | 'refused' | 'alert'
  readonly requestId: string
  /** `x-fapi-interaction-id`, where the API has it: a UUID, the client's or a new one. */
  readonly interactionId: string | undefined
  readonly issuer: string
  /** The resource identifier of this API. */
  readonly audience: string
  readonly method: string
  readonly path: string
  /** Name of what was asked for, from the route's requirements. */
  readonly action: string | undefined
  readonly tenant: string | undefined
  readonly clientId: string | undefined
  readonly subject: string | undefined
  readonly scopes: readonly string[]
  readonly requiredScopes: readonly string[]
  readonly acr: string | undefined
  readonly authTime: EpochSeconds | undefined
  readonly tokenForm: 'jwt' | 'opaque' | undefined
  readonly tokenId: string | undefined
  readonly tokenExpiresAt: EpochSeconds | undefined
  /** From the authorization server's audit, when the token carries it. */
  readonly txn: string | undefined
  readonly constraint: 'dpop' | 'mtls' | 'dpop+mtls' | 'none' | undefined
  /** Thumbprints that were proven. */
  readonly jkt: string | undefined
  readonly x5tS256: string | undefined
  /** Thumbprint of the client's key that signed the request, where the API takes signed requests. */
  readonly signedBy: string | undefined
  readonly policyVersion: string | undefined
  readonly category: DenialCategory | undefined
  readonly status: number
  readonly ruleId: string | undefined
  readonly clauses: readonly string[]
  readonly error: string | undefined
  readonly reason: string | undefined
}

/**
 * Takes every decision before its response leaves. When it throws or rejects, a permitted request is answered with
 * 503: no audit, no success (I27).
 */
export type AuditSink = (event: AccessEvent) => void | Promise<void>
