import type { DocumentsChange } from '../change-documents.ts'
import { approvalsNeeded } from '../content-approvals.ts'
import type { ClientOnboardingSpec } from '../resources/client-onboarding.ts'
import type { ChangedOnboarding } from './api.ts'
import { needsCertification } from './state.ts'

export type OnboardingAnswer = Omit<ChangedOnboarding, 'issuer' | 'reference' | 'revision'>
export type OnboardingStepTaken<T = OnboardingAnswer> = DocumentsChange<'ClientOnboarding', T>

/** The answer and the audit of a step. */
export function taken(
  event: string,
  { name, spec }: { readonly name: string; readonly spec: ClientOnboardingSpec },
  person: string,
  more: Partial<Pick<OnboardingStepTaken, 'put' | 'writes' | 'deleted' | 'facts'>> = {},
): OnboardingStepTaken {
  const { content, state, approvals } = spec
  const { client, riskTier, expiresAt } = content
  return {
    put: [{ name, spec }, ...(more.put ?? [])],
    ...(more.writes !== undefined && { writes: more.writes }),
    ...(more.deleted !== undefined && { put: [], deleted: more.deleted }),
    event: `onboarding.${event}`,
    clientId: client,
    facts: {
      ...{
        onboarding: name,
        person,
        state,
        tier: riskTier,
        approvals: approvals.length,
        expires_at: expiresAt,
      },
      ...more.facts,
    },
    answer: {
      ...{ name, client, state, needsCertification: needsCertification(content) },
      approvalsMissing: approvalsMissing(spec),
    },
  }
}

/** Persons who still have to approve. */
export function approvalsMissing({ content, approvals }: ClientOnboardingSpec): number {
  return Math.max(0, approvalsNeeded(content.riskTier) - approvals.length)
}
