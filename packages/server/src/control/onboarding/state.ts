import { highTier, type OnboardingState } from '@holdfast/protocol/specs/holdfast-onboarding/step-rules.ts'
import { approvalsNeeded, brokenApprovals, daySeconds, hashOfContent } from '../content-approvals.ts'
import type { ClientOnboardingSpec, KeyRotation, OnboardingContent } from '../resources/client-onboarding.ts'

/** The name says what it is the name of: other content is another document, without any approval. */
export function onboardingName(content: OnboardingContent): string {
  return `o-${hashOfContent(content)}`
}

export function needsCertification({ riskTier, certification }: OnboardingContent): boolean {
  return riskTier >= highTier || certification !== undefined
}

/** From this second on the client is not served by it, in seconds since the epoch. */
export function onboardingEndsAt({ content, certification }: ClientOnboardingSpec): number {
  return needsCertification(content) && certification !== undefined
    ? Math.min(content.expiresAt, certification.until)
    : content.expiresAt
}

/** @param now seconds since the epoch */
export function onboardingState(spec: ClientOnboardingSpec, now: number): OnboardingState {
  const { state, content } = spec
  if (state !== 'retired' && content.expiresAt <= now) return 'expired'
  return state === 'active' && onboardingEndsAt(spec) <= now ? 'uncertified' : state
}

/** When somebody has to look again, in seconds since the epoch; undefined while it was never active. */
export function onboardingReviewDueAt({
  content,
  activated,
  reviewed,
}: Pick<ClientOnboardingSpec, 'content' | 'activated' | 'reviewed'>): number | undefined {
  const last = reviewed ?? activated
  return last && last.at + content.reviewDays * daySeconds
}

/** A key that is the client's, since when, and until when if a newer one replaced it. */
export interface ApprovedKey {
  readonly thumbprint: string
  readonly kid: string | undefined
  /** Seconds since the epoch. */
  readonly since: number
  readonly until: number | undefined
}

/** Keys that were approved, with the record or by a rotation. */
export function approvedKeys({
  content,
  activated,
  rotations,
}: ClientOnboardingSpec): readonly ApprovedKey[] {
  const since = activated?.at ?? content.requestedAt
  const started = rotations.flatMap(rotation =>
    rotation.approved === undefined ? [] : [{ ...rotation, at: rotation.approved.at }],
  )
  const added = new Map(content.registration.keys.map(({ thumbprint, kid }) => [thumbprint, { kid, since }]))
  for (const { key, at } of started) added.set(key.thumbprint, { kid: key.kid, since: at })
  return [...added].map(([thumbprint, { kid, since: from }]) => {
    // A key that comes back after it was replaced is the client's again.
    const ends = started
      .filter(({ replaces, at }) => replaces.includes(thumbprint) && at >= from)
      .map(({ at, overlapDays }) => at + overlapDays * daySeconds)
    return { thumbprint, kid, since: from, until: ends.length === 0 ? undefined : Math.min(...ends) }
  })
}

/** What the approval of a key names: the key, what it replaces and in which record. */
export function hashOfRotation(record: string, { approved: _approved, ...rotation }: KeyRotation): string {
  return hashOfContent({ record, ...rotation })
}

const reached: Readonly<Record<ClientOnboardingSpec['state'], number>> = {
  draft: 0,
  submitted: 1,
  checked: 2,
  approved: 3,
  certified: 4,
  active: 5,
  suspended: 5,
  retired: 0,
}

/**
 * What contradicts the steps in a record; undefined when each step it took stands on the one before, and everybody who
 * said yes said yes to exactly this content.
 */
export function brokenOnboarding(name: string, spec: ClientOnboardingSpec): string | undefined {
  const { content, state, submitted, check, approvals, certification, activated } = spec
  if (name !== onboardingName(content)) return 'is not named after its content'
  const hash = hashOfContent(content)
  const asking = [content.requestedBy, submitted?.by]
  const broken = brokenApprovals(approvals, hash, asking)
  if (broken !== undefined) return broken
  if (check !== undefined && check.content !== hash) return 'has a check of other content'
  if (certification !== undefined && certification.content !== hash)
    return 'has a certification of other content'
  if (certification !== undefined && asking.includes(certification.by))
    return 'is certified by who asked for it'
  if (spec.reviewed !== undefined && asking.includes(spec.reviewed.by))
    return 'is reviewed by who asked for it'
  const step = reached[state]
  if (step >= reached.submitted && submitted === undefined) return 'was never submitted'
  if (step >= reached.checked && check === undefined) return 'was never checked'
  const isApproved = approvals.length >= approvalsNeeded(content.riskTier)
  if ((step >= reached.approved || activated !== undefined) && !isApproved)
    return `needs ${approvalsNeeded(content.riskTier)} approvals`
  if (step > reached.draft && step < reached.approved && isApproved) return `is further than \`${state}\``
  if (state === 'certified' && certification === undefined) return 'was never certified'
  if (activated !== undefined && needsCertification(content) && certification === undefined)
    return 'is active without a certification'
  if (step === reached.active ? activated === undefined : activated !== undefined && state !== 'retired')
    return 'is active without being activated, or activated without being active'
  if (spec.reviewed !== undefined && activated === undefined) return 'was reviewed and never active'
  if ((state === 'suspended') !== (spec.suspended !== undefined) && state !== 'retired')
    return 'does not say who suspended it'
  if ((state === 'retired') !== (spec.retired !== undefined)) return 'does not say who retired it'
  return brokenRotations(name, spec)
}

function brokenRotations(
  name: string,
  { rotations, activated }: Pick<ClientOnboardingSpec, 'rotations' | 'activated'>,
): string | undefined {
  if (rotations.length > 0 && activated === undefined) return 'rotates keys and was never active'
  for (const rotation of rotations) {
    const { approved, proposed } = rotation
    if (approved === undefined) continue
    if (approved.content !== hashOfRotation(name, rotation)) return 'has an approval of another key'
    if (approved.by === proposed.by) return 'has a key that is approved by who proposed it'
  }
  return undefined
}
