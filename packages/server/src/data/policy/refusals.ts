import { type AuthenticationLevel, type Refusal, reachesLevel, refuse } from '@holdfast/protocol'
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
  const { decision, policies } = answered
  const facts = {
    policies: policies.name,
    policy_version: policies.version,
    determining: decision.determining.join(' '),
  }
  const { errors } = decision
  if (errors.length > 0) {
    const failed = errors.map(({ place, message }) => `${place}: ${message}`).join('; ')
    return refuse('policy.failed', [], 'access_denied', 'the policies could not decide', {
      ...facts,
      failed: failed.slice(0, failedLengthMax),
    })
  }
  const { stepUp, requireApproval } = decision.obligations
  if (requireApproval.length > 0)
    return refuse('policy.approval', [], 'access_denied', 'the policies want an approval first', {
      ...facts,
      approval: requireApproval.join(' '),
    })
  if (unmetStepUp(stepUp, acr, levels).length > 0)
    return refuse(
      'policy.step-up',
      [],
      'access_denied',
      'the policies want a stronger authentication first',
      {
        ...facts,
        acr_values: stepUp.map(acrs => acrs.join(' ')).join(', '),
      },
    )
  if (decision.decision === 'permit') return undefined
  return refuse('policy.denied', [], 'access_denied', 'the policies do not permit it', facts)
}

/** Of what failed, so much stands in the audit. */
const failedLengthMax = 500

/** Lists of which the user reaches no entry. */
export function unmetStepUp(
  stepUp: readonly (readonly string[])[],
  acr: string | undefined,
  levels: readonly AuthenticationLevel[],
): readonly (readonly string[])[] {
  return stepUp.filter(acrs => !acrs.some(wanted => acr !== undefined && reachesLevel(levels, acr, wanted)))
}
