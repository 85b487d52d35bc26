import { type EpochSeconds, firstRefusal } from '@holdfast/protocol'
import { onboardingStepRules } from '@holdfast/protocol/specs/holdfast-onboarding/step-rules.ts'
import { secretMember, unfitKey } from '@holdfast/protocol/specs/rfc7591-client-metadata/keys.ts'
import { revocationOfClient } from '../../store/revocations.ts'
import { approvalsNeeded, daySeconds, hashOfContent } from '../content-approvals.ts'
import { type ControlDocument, type DocumentOf, ofKind } from '../document.ts'
import { type Checked, checked, wrong } from '../problem.ts'
import { type ClientOnboardingSpec, type KeyRotation, rotationsMax } from '../resources/client-onboarding.ts'
import type { KeyRotationRequest, OnboardingChange } from './api.ts'
import { neededTier } from './needed-tier.ts'
import { findClientSpec, onboardedKeyOf } from './registration.ts'
import { movedNow } from './registration-now.ts'
import { approvedKeys, hashOfRotation, needsCertification, onboardingState } from './state.ts'
import { type OnboardingStepTaken, taken } from './taken.ts'

type RecordDocument = DocumentOf<'ClientOnboarding'>

export interface StepInput {
  readonly request: OnboardingChange
  readonly now: EpochSeconds
  readonly own: readonly ControlDocument[]
  /** URL. */
  readonly issuer: string
}

/** The rules first, then the step; what is refused says by which rule. */
export function takeStep(record: RecordDocument, input: StepInput): Checked<OnboardingStepTaken> {
  const refusal = judgeStep(record, input)
  return refusal ?? steps[input.request.step](record, input)
}

/** @returns undefined when the person may take the step now */
export function judgeStep(
  { name, spec }: RecordDocument,
  {
    request: { step, as },
    now,
    own,
  }: Omit<StepInput, 'request' | 'issuer'> & {
    readonly request: { readonly step: OnboardingChange['step'] | 'check'; readonly as: string }
  },
): Checked<never> | undefined {
  const { content, check, certification } = spec
  const client = findClientSpec(own, content.client)
  const refusal = firstRefusal(onboardingStepRules, {
    ...{ step, person: as, now, state: onboardingState(spec, now) },
    ...{ requestedBy: content.requestedBy, submittedBy: spec.submitted?.by },
    approvedBy: spec.approvals.map(({ by }) => by),
    suspendedBy: spec.suspended?.by,
    keyProposedBy: spec.rotations.find(({ approved }) => approved === undefined)?.proposed.by,
    riskTier: content.riskTier,
    neededTier: client === undefined ? 0 : neededTier(own, client),
    moved: movedNow(spec, own),
    check: check && { passed: check.passed, at: check.at },
    needsCertification: needsCertification(content),
    certifiedUntil: certification?.until,
  })
  if (refusal === undefined) return undefined
  return refused(name, refusal.reason, refusal)
}

function refused(
  name: string,
  message: string,
  rule: { readonly ruleId?: string; readonly clauses?: readonly string[] } = {},
  field = 'spec.state',
): Checked<never> {
  return wrong({ document: `ClientOnboarding/${name}`, field, message, ...rule })
}

type Step = (record: RecordDocument, input: StepInput) => Checked<OnboardingStepTaken>

const steps: Readonly<Record<OnboardingChange['step'], Step>> = {
  submit: ({ name, spec }, { request: { as: by }, now: at }) =>
    checked(taken('submitted', { name, spec: { ...spec, state: 'submitted', submitted: { by, at } } }, by)),

  approve: ({ name, spec }, { request: { as: by }, now: at }) => {
    const approvals = [...spec.approvals, { by, at, content: hashOfContent(spec.content) }]
    const isApproved = approvals.length >= approvalsNeeded(spec.content.riskTier)
    const state = isApproved ? 'approved' : spec.state
    return checked(taken('approved', { name, spec: { ...spec, state, approvals } }, by))
  },

  certify: ({ name, spec }, { request: { as: by, certification }, now: at }) => {
    if (certification === undefined)
      return refused(name, 'says neither against what nor until when', {}, 'certification')
    const { against, evidence, days } = certification
    const until = Math.min(at + days * daySeconds, spec.content.expiresAt)
    const content = hashOfContent(spec.content)
    const state = spec.state === 'approved' ? 'certified' : spec.state
    const after = { ...spec, state, certification: { by, at, content, against, evidence, until } }
    return checked(
      taken('certified', { name, spec: after }, by, { facts: { against, certified_until: until } }),
    )
  },

  activate: ({ name, spec }, { request: { as: by }, now: at, own }) => {
    const replaced = ofKind(own, 'ClientOnboarding')
      .filter(({ spec: { state } }) => state === 'active' || state === 'suspended')
      .filter(other => other.spec.content.client === spec.content.client)
      .map(other => {
        const retired = { by, at, reason: `replaced by ${name}` }
        return { name: other.name, spec: { ...other.spec, state: 'retired' as const, retired } }
      })
    const after: ClientOnboardingSpec = { ...spec, state: 'active', activated: { by, at } }
    const facts = { replaced: replaced.map(one => one.name) }
    return checked(taken('activated', { name, spec: after }, by, { put: replaced, facts }))
  },

  review: ({ name, spec }, { request: { as: by }, now: at }) =>
    checked(taken('reviewed', { name, spec: { ...spec, reviewed: { by, at } } }, by)),

  'rotate-key': ({ name, spec }, { request: { as: by, rotation }, now: at }) => {
    const proposed = rotation && rotationOf(name, spec, rotation, { by, at })
    if (proposed === undefined) return refused(name, 'says no key', {}, 'rotation')
    if (!proposed.ok) return proposed
    // One key waits at a time; another proposal takes its place.
    const rotations = [...spec.rotations.filter(({ approved }) => approved !== undefined), proposed.value]
    const { key, replaces, overlapDays } = proposed.value
    const facts = { key: key.thumbprint, replaces, overlap_days: overlapDays }
    return checked(taken('key-proposed', { name, spec: { ...spec, rotations } }, by, { facts }))
  },

  'approve-key': ({ name, spec }, { request: { as: by, thumbprint }, now: at }) => {
    const waiting = spec.rotations.find(({ approved }) => approved === undefined)
    if (waiting === undefined || waiting.key.thumbprint !== thumbprint)
      return refused(name, 'another key waits than the one named', {}, 'rotation')
    const approved = { by, at, content: hashOfRotation(name, waiting) }
    const rotations = spec.rotations.map(one => (one === waiting ? { ...one, approved } : one))
    const facts = { key: thumbprint, replaces: waiting.replaces, overlap_days: waiting.overlapDays }
    return checked(taken('key-approved', { name, spec: { ...spec, rotations } }, by, { facts }))
  },

  suspend: ({ name, spec }, { request: { as: by, reason = 'not said' }, now: at, issuer }) => {
    const after: ClientOnboardingSpec = { ...spec, state: 'suspended', suspended: { by, at, reason } }
    const writes = revocationOfClient(issuer, spec.content.client, at)
    return checked(taken('suspended', { name, spec: after }, by, { writes, facts: { reason } }))
  },

  resume: ({ name, spec }, { request: { as: by } }) => {
    const { suspended: _suspended, ...rest } = spec
    return checked(taken('resumed', { name, spec: { ...rest, state: 'active' } }, by))
  },

  retire: ({ name, spec }, { request: { as: by, reason = 'not needed' }, now: at, issuer }) => {
    const after: ClientOnboardingSpec = { ...spec, state: 'retired', retired: { by, at, reason } }
    // A draft that nobody wants any more ends nothing: the client may stand by another record.
    const writes = spec.activated === undefined ? [] : revocationOfClient(issuer, spec.content.client, at)
    return checked(taken('retired', { name, spec: after }, by, { writes, facts: { reason } }))
  },

  remove: (record, { request: { as: by }, own }) => {
    const { name, spec } = record
    if (spec.activated !== undefined && isLastMark(record, own))
      return refused(name, 'is what keeps the client from being served: remove the client first')
    return checked(taken('removed', { name, spec }, by, { deleted: name }))
  },
}

/** Whether the client would be as if it had never been onboarded: served again where nobody must be. */
function isLastMark({ name, spec: { content } }: RecordDocument, own: readonly ControlDocument[]): boolean {
  if (findClientSpec(own, content.client) === undefined) return false
  return !ofKind(own, 'ClientOnboarding').some(
    other =>
      other.name !== name &&
      other.spec.content.client === content.client &&
      other.spec.activated !== undefined,
  )
}

function rotationOf(
  name: string,
  spec: ClientOnboardingSpec,
  { jwk, replaces, overlapDays = spec.content.rotation.overlapDays }: KeyRotationRequest,
  proposed: KeyRotation['proposed'],
): Checked<KeyRotation> {
  const field = 'rotation'
  const { metadata } = spec.content.registration
  if (metadata.jwks_uri !== undefined)
    return refused(name, 'the client rotates behind its `jwks_uri`: no key is registered here', {}, field)
  const why = secretMember(jwk) === undefined ? unfitKey(jwk) : 'is not public'
  if (why !== undefined) return refused(name, `the key ${why}`, { ruleId: 'onboarding.key-strength' }, field)
  const planned = spec.content.rotation.overlapDays
  if (overlapDays > planned)
    return refused(name, `an overlap of more than the ${planned} days that were approved`, {}, field)
  if (spec.rotations.length >= rotationsMax)
    return refused(name, `has ${rotationsMax} rotations: draft it again`, {}, field)
  const key = onboardedKeyOf(jwk)
  const standing = approvedKeys(spec).filter(({ until }) => until === undefined || until > proposed.at)
  if (standing.some(({ thumbprint, until }) => thumbprint === key.thumbprint && until === undefined))
    return refused(name, 'the client has this key already', {}, field)
  const useOf = new Map(
    [...spec.content.registration.keys, ...spec.rotations.map(one => one.key)].map(one => [
      one.thumbprint,
      one.use,
    ]),
  )
  const known = standing.filter(({ thumbprint }) => thumbprint !== key.thumbprint)
  const unknown = replaces?.find(thumbprint => !known.some(one => one.thumbprint === thumbprint))
  if (unknown !== undefined) return refused(name, `the client has no key \`${unknown}\``, {}, field)
  const replaced =
    replaces ?? known.flatMap(({ thumbprint }) => (useOf.get(thumbprint) === key.use ? [thumbprint] : []))
  return checked({ key, replaces: [...replaced], overlapDays, proposed })
}
