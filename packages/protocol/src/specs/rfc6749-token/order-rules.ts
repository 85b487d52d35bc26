import type { JwsAlg, SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import { jwtBearerGrantType } from '../rfc7523-jwt-bearer/rules.ts'
import { deviceGrantType } from '../rfc8628-device/rules.ts'
import type { ProvenSender } from './rules.ts'

/** What a token request proves about its sender, before any grant is looked at. */
export interface SenderInput {
  readonly profile: SecurityProfile
  readonly requiresDpop: boolean
  readonly requiresCertificate: boolean
  readonly sender: ProvenSender
}

export const senderRules: readonly Rule<SenderInput>[] = [
  {
    id: 'sender.proof-missing',
    clauses: ['RFC9449-5.2', 'FAPI2-SP-FINAL-5.3.2.1-4'],
    level: 'MUST',
    title: 'a client registered for DPoP-bound tokens sends a proof',
    check: ({ requiresDpop, sender }) =>
      requiresDpop && sender.jkt === undefined
        ? fail('invalid_dpop_proof', 'the `DPoP` header is missing')
        : pass,
  },
  {
    id: 'sender.certificate-missing',
    clauses: ['RFC8705-3.4', 'FAPI2-SP-FINAL-5.3.2.1-4'],
    level: 'MUST',
    title: 'a client registered for certificate-bound tokens presents a certificate',
    check: ({ requiresCertificate, sender }) =>
      requiresCertificate && sender.x5tS256 === undefined
        ? fail(
            'invalid_request',
            'the client certificate is missing or outside its dates: use the mutual-TLS endpoint',
          )
        : pass,
  },
  {
    id: 'sender.unproven',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-4', 'FAPI2-SP-FINAL-5.3.2.1-5'],
    level: 'MUST',
    title: 'where the profile asks for a sender constraint, a request proves a key or a certificate',
    check: ({ profile, sender }) =>
      profile.senderConstraint === 'required' && sender.jkt === undefined && sender.x5tS256 === undefined
        ? fail('invalid_request', 'the request proves neither a DPoP key nor a certificate')
        : pass,
  },
]

/** What is about to be minted, next to everything it must not outgrow. */
export interface OrderInput {
  /** `meet` of floor, client and the requested resource. */
  readonly profile: SecurityProfile
  readonly grantType: string
  readonly authenticationMethod: string
  /** What the request proved. */
  readonly sender: ProvenSender
  /** Whether the proof, if any, carried a nonce of ours. */
  readonly hasNonce: boolean
  /** What the token will be bound to. */
  readonly binding: ProvenSender
  /** Binding of what was spent for it: code or refresh token. */
  readonly inputBinding: ProvenSender
  readonly scopes: readonly string[]
  /** What the subject or the registration allowed. */
  readonly allowedScopes: readonly string[]
  readonly lifetimeSeconds: number
  /** Undefined for opaque tokens. */
  readonly accessTokenAlg: JwsAlg | undefined
  readonly idToken: { readonly alg: JwsAlg; readonly lifetimeSeconds: number } | undefined
  /** Seconds since the user signed in; undefined when no user did. */
  readonly authenticationAgeSeconds: number | undefined
}

/** The last look before anything is minted. No grant can forget one of these, because no grant mints. */
export const orderRules: readonly Rule<OrderInput>[] = [
  {
    id: 'order.grant-type',
    clauses: [],
    level: 'OURS',
    title: 'no profile in play, that of the resource included, forbids the grant type',
    check: ({ profile, grantType }) =>
      (grantType === jwtBearerGrantType && profile.jwtBearerGrant === 'forbidden') ||
      (grantType === deviceGrantType && profile.deviceGrant === 'forbidden')
        ? fail('unauthorized_client', 'a profile in play forbids the grant type', { profile: profile.name })
        : pass,
  },
  {
    id: 'order.authentication-method',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-6'],
    level: 'MUST',
    title: 'the client authenticated by a method that every profile in play allows',
    check: ({ profile, authenticationMethod }) =>
      (profile.clientAuthenticationMethods as readonly string[]).includes(authenticationMethod)
        ? pass
        : fail('invalid_client', `the resource asks for a stronger method than \`${authenticationMethod}\``),
  },
  {
    id: 'order.unbound',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-4', 'FAPI2-SP-FINAL-5.3.2.1-5', 'FAPI1-ADV-5.2.2-5'],
    level: 'MUST',
    title: 'where the profile asks for a sender constraint, no token is minted without one',
    check: ({ profile, binding }) =>
      profile.senderConstraint === 'required' && binding.jkt === undefined && binding.x5tS256 === undefined
        ? fail('invalid_request', 'the request proves no key to bind the token to')
        : pass,
  },
  {
    id: 'order.constraint-method',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-5', 'FAPI1-ADV-5.2.2-6'],
    level: 'MUST',
    title: 'the token is bound by a method the profile allows',
    check: ({ profile: { senderConstraintMethods: methods }, binding }) =>
      (binding.jkt === undefined || methods.includes('dpop')) &&
      (binding.x5tS256 === undefined || methods.includes('mtls'))
        ? pass
        : fail('invalid_request', 'the profile does not allow this sender constraint'),
  },
  {
    id: 'order.binding-dropped',
    clauses: [],
    level: 'OURS',
    title: 'a bound input never yields an unbound output',
    check: ({ inputBinding, binding }) =>
      (inputBinding.jkt === undefined || binding.jkt !== undefined) &&
      (inputBinding.instanceJkt === undefined || binding.instanceJkt !== undefined) &&
      (inputBinding.x5tS256 === undefined || binding.x5tS256 !== undefined)
        ? pass
        : fail('invalid_grant', 'what is spent was bound and the token would not be'),
  },
  {
    id: 'order.nonce',
    clauses: ['RFC9449-8'],
    level: 'MUST',
    title: 'a resource whose profile asks for nonces gets tokens only for proofs with one',
    check: ({ profile, sender, hasNonce }) =>
      profile.dpopNonce === 'required' && sender.jkt !== undefined && !hasNonce
        ? fail('use_dpop_nonce', 'the proof carries no nonce')
        : pass,
  },
  {
    id: 'order.scope-grew',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-14'],
    level: 'SHOULD',
    title: 'no scope goes beyond what was granted and what the client may have',
    check: ({ scopes, allowedScopes }) =>
      scopes.every(scope => allowedScopes.includes(scope))
        ? pass
        : fail('invalid_scope', 'a scope goes beyond the grant'),
  },
  {
    id: 'order.lifetime',
    clauses: ['RFC9700-2.3-1'],
    level: 'MUST',
    title: 'the token lives, and no longer than the profile allows',
    check: ({ profile, lifetimeSeconds, idToken }) =>
      lifetimeSeconds > 0 &&
      lifetimeSeconds <= profile.accessTokenLifetimeSeconds &&
      (idToken === undefined || idToken.lifetimeSeconds <= profile.idTokenLifetimeSeconds)
        ? pass
        : fail('invalid_grant', 'the lifetime breaks the profile'),
  },
  {
    id: 'order.authentication-age',
    clauses: [],
    level: 'OURS',
    title: 'the user signed in as recently as every profile in play asks, also for a refresh and an exchange',
    check: ({ profile, authenticationAgeSeconds = 0 }) =>
      authenticationAgeSeconds <= profile.authenticationMaxAgeSeconds
        ? pass
        : fail('invalid_grant', 'the user signed in too long ago for this: authorize again'),
  },
  {
    id: 'order.alg',
    clauses: ['FAPI2-SP-FINAL-5.4.1-1', 'RFC9068-2.1', 'FAPI1-ADV-8.6-1'],
    level: 'MUST',
    title: 'everything signed is signed by an algorithm of the profile',
    check: ({ profile, accessTokenAlg, idToken }) =>
      [accessTokenAlg, idToken?.alg].every(alg => alg === undefined || profile.signingAlgs.includes(alg))
        ? pass
        : fail('invalid_request', 'the profile does not allow the signing algorithm'),
  },
]
