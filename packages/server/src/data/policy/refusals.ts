import { isBeforeToken } from '@holdfast/policy'
import { type AuthenticationLevel, type Refusal, reachesLevel, refuse } from '@holdfast/protocol'
import type { MissingApproval } from './approval.ts'
import type { Answered } from './ask.ts'

/**
 * Why an answer lets nobody go on, whatever the moment: a deny, or a permit that waits for somebody.
 * @param acr of the user; undefined where none is known
 * @returns undefined when nothing stands in the way
 */
export function refusalOf(
  answered: Answered,
  acr: string | undefined,
  levels: readonly AuthenticationLevel[],
): Refusal | undefined {
  const { question, decision } = answered
  const { errors } = decision
  if (errors.length > 0) {
    const failed = errors.map(({ place, message }) => `${place}: ${message}`).join('; ')
    return refuse('policy.failed', [], 'access_denied', 'the policies could not decide', {
      ...factsOf(answered),
      failed: failed.slice(0, failedLengthMax),
    })
  }
  const { stepUp, requireApproval } = decision.obligations
  if (unmetStepUp(stepUp, acr, levels).length > 0)
    return refuse(
      'policy.step-up',
      [],
      'access_denied',
      'the policies want a stronger authentication first',
      {
        ...factsOf(answered),
        acr_values: stepUp.map(acrs => acrs.join(' ')).join(', '),
      },
    )
  const approvedBy = (isBeforeToken(question) ? question.approvedBy : undefined) ?? []
  const missing = requireApproval.filter(group => !approvedBy.includes(group))
  if (missing.length > 0)
    return refuse('policy.approval', [], 'access_denied', 'the policies want an approval first', {
      ...factsOf(answered),
      approval: missing.join(' '),
    })
  if (decision.decision === 'permit') return undefined
  return refuse('policy.denied', [], 'access_denied', 'the policies do not permit it', factsOf(answered))
}

/** Of every refusal by policies. */
function factsOf({ decision, policies }: Answered): NonNullable<Refusal['facts']> {
  return {
    policies: policies.name,
    policy_version: policies.version,
    determining: decision.determining.join(' '),
  }
}

/** The refusal, with what became of the request for approval. */
export function refusalOfApproval(refusal: Refusal, { standing, record }: MissingApproval): Refusal {
  const facts = { ...refusal.facts, approval_name: record.name, approval_standing: standing }
  return standing === 'denied'
    ? refuse('policy.approval-denied', [], 'access_denied', 'it was not approved', facts)
    : { ...refusal, facts }
}

/** Of what failed, so much stands in the audit. */
const failedLengthMax = 500

/** Levels of the issuer that would meet every list of a decision, the weakest first; undefined: none would. */
export function acrsFor(
  { decision }: Answered,
  acr: string | undefined,
  levels: readonly AuthenticationLevel[],
): readonly string[] | undefined {
  const unmet = unmetStepUp(decision.obligations.stepUp, acr, levels)
  const acrs = levels
    .map(level => level.acr)
    .filter(level => unmet.every(list => list.some(wanted => reachesLevel(levels, level, wanted))))
  return acrs.length === 0 ? undefined : acrs
}

/** Lists of which the user reaches no entry. */
export function unmetStepUp(
  stepUp: readonly (readonly string[])[],
  acr: string | undefined,
  levels: readonly AuthenticationLevel[],
): readonly (readonly string[])[] {
  return stepUp.filter(acrs => !acrs.some(wanted => acr !== undefined && reachesLevel(levels, acr, wanted)))
}
