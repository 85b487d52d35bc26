import { firstRefusal, meet, type Rule, type SecurityProfile, tiers } from '@holdfast/protocol'
import {
  type OnboardingCertificateInput,
  onboardingCertificateRules,
  onboardingContactRules,
  onboardingKeyRules,
  onboardingRecordRules,
  onboardingRedirectRules,
} from '@holdfast/protocol/specs/holdfast-onboarding/check-rules.ts'
import { allMetadataRefusals } from '@holdfast/protocol/specs/rfc7591-client-metadata/judge.ts'
import { keyFits, secretMember, unfitKey } from '@holdfast/protocol/specs/rfc7591-client-metadata/keys.ts'
import { metadataDefaults } from '@holdfast/protocol/specs/rfc7591-client-metadata/metadata.ts'
import type { ClientSpec } from '../resources/client.ts'
import type { OnboardingContent, OnboardingFinding } from '../resources/client-onboarding.ts'

type Jwk = Readonly<Record<string, unknown>>

/** A certificate as the server read it. */
export type ReadCertificate = Omit<OnboardingCertificateInput, 'now'>

/** Everything that the automatic checks look at, gathered before they begin. */
export interface CheckFacts {
  readonly content: OnboardingContent
  readonly spec: ClientSpec
  readonly neededTier: number
  /** In what the client is registered otherwise than the record says. */
  readonly moved: readonly string[]
  /** `meet` of the issuer's floor, the client's profile and everything it may ask for. */
  readonly profile: SecurityProfile
  /** Registered, or behind the `jwks_uri`. */
  readonly keys: readonly Jwk[]
  readonly jwksUriProblem: string | undefined
  readonly certificates: readonly ReadCertificate[]
  readonly statementProblem: string | undefined
  readonly statementDiffers: readonly string[]
  /** Another client with this redirect URI. */
  readonly sharedWith: (uri: string) => string | undefined
  readonly now: number
}

/** Every rule that the client or its record breaks, each with what to do about it. Pure. */
export function findingsOf(facts: CheckFacts): readonly OnboardingFinding[] {
  const { content, spec, keys, certificates, now } = facts
  const { metadata } = spec
  const keyPlace = metadata.jwks_uri === undefined ? 'jwks' : 'jwks_uri'
  const kids = keys.map(({ kid }) => kid)
  return [
    ...movedFindings(facts),
    ...recordFindings(facts),
    ...(['securityOwner', 'incidentContact'] as const).flatMap(field =>
      broken(onboardingContactRules, { field, name: content[field].name, email: content[field].email }),
    ),
    ...keys.flatMap((jwk, index) =>
      broken(onboardingKeyRules, {
        ...{ jwk, field: `${keyPlace}.keys[${index}]`, profile: facts.profile },
        otherKids: kids.toSpliced(index, 1),
      }),
    ),
    ...certificates.flatMap(certificate => broken(onboardingCertificateRules, { ...certificate, now })),
    ...(metadata.redirect_uris ?? []).flatMap((uri, index) =>
      broken(onboardingRedirectRules, {
        ...{ uri, field: `redirect_uris[${index}]`, metadata, environment: content.environment },
        sharedWith: facts.sharedWith(uri),
      }),
    ),
    ...fitnessFindings(facts),
  ].slice(0, findingsMax)
}

const findingsMax = 200

function movedFindings({ moved }: CheckFacts): readonly OnboardingFinding[] {
  if (moved.length === 0) return []
  const reason = `the client is registered otherwise than the record says: ${moved.join(', ')}`
  const fix = 'register it as it was drafted, or draft it again'
  return [{ rule: 'onboarding.registration', level: 'error', field: 'registration', reason, fix }]
}

function recordFindings(facts: CheckFacts): readonly OnboardingFinding[] {
  const { content, spec, profile, keys } = facts
  const { metadata } = spec
  const isUsable = (jwk: Jwk): boolean =>
    secretMember(jwk) === undefined &&
    unfitKey(jwk) === undefined &&
    profile.signingAlgs.some(alg => keyFits(jwk, alg))
  const signsRequests =
    metadata.require_signed_request_object === true ||
    (profile.signedRequestObjects === 'required' &&
      metadataDefaults(metadata).grantTypes.includes('authorization_code'))
  return broken(onboardingRecordRules, {
    ...{ riskTier: content.riskTier, neededTier: facts.neededTier, metadata },
    evidenceCount: content.evidence.length + (content.softwareStatement === undefined ? 0 : 1),
    certificateCount: content.certificates.length,
    keyDays: content.rotation.keyDays,
    usableKeyCount: keys.filter(isUsable).length,
    needsKeys: signsRequests || metadata.token_endpoint_auth_method === 'self_signed_tls_client_auth',
    jwksUriProblem: facts.jwksUriProblem,
    statementProblem: facts.statementProblem,
    statementDiffers: facts.statementDiffers,
  })
}

/** Whether the client could meet the complete profile of the tier that it asks for. */
function fitnessFindings({ content, spec, profile }: CheckFacts): readonly OnboardingFinding[] {
  const tier = tiers[content.riskTier]
  if (tier === undefined) throw new TypeError(`there is no tier ${content.riskTier}`)
  const met = meet([profile, tier])
  if (!met.ok)
    return [
      {
        ...{ rule: met.ruleId, level: 'error', field: 'profile' },
        reason: `\`${spec.profile}\` and the tier contradict each other: ${met.reason}`,
        fix: `set \`spec.profile\` of the client to \`${tier.name}\``,
      },
    ]
  const { environment } = content
  return allMetadataRefusals({ metadata: spec.metadata, profile: met.value, environment }).map(refusal => {
    const field = String(refusal.facts?.field ?? '')
    const fix = `change \`${field}\` of the client so that it fits \`${tier.name}\``
    return { rule: refusal.ruleId, level: 'error', field, reason: refusal.reason, fix }
  })
}

/** A rule that SHOULD hold warns. */
function broken<Input>(rules: readonly Rule<Input>[], input: Input): readonly OnboardingFinding[] {
  return rules.flatMap(rule => {
    const refusal = firstRefusal([rule], input)
    if (refusal === undefined) return []
    const { field = '', fix = '' } = refusal.facts ?? {}
    const level = rule.level === 'SHOULD' ? 'warning' : 'error'
    return [{ rule: rule.id, level, field: String(field), reason: refusal.reason, fix: String(fix) }]
  })
}
