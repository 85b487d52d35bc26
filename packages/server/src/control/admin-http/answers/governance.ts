import { z } from 'zod'
import type {
  ApprovalList,
  ChangedApproval,
  ChangedOnboarding,
  ChangedScopeGrant,
  CheckedOnboarding,
  DueList,
  OnboardingFlags,
  OnboardingList,
  ScopeGrantList,
  ScopeReport,
} from '../../admin-api.ts'
import { clientOnboardingSpec, onboardingContent } from '../../resources/client-onboarding.ts'
import { scopeGrantContent, scopeGrantSpec } from '../../resources/scope-grant.ts'
import { answer, count, flag, paged, referenced, seconds, text, texts } from './answer.ts'

const { state: onboardingState, check, suspended, retired } = clientOnboardingSpec.shape
const grantState = scopeGrantSpec.shape.state
const scopeGrant = answer<ChangedScopeGrant>()(
  z.strictObject({
    ...{ name: text, ...referenced, revision: count, state: grantState, approvalsMissing: count },
    content: scopeGrantContent,
  }),
)
const changed = {
  ...{ name: text, client: text, ...referenced, revision: count, state: onboardingState },
  ...{ approvalsMissing: count, needsCertification: flag },
}
const onboarding = answer<ChangedOnboarding>()(z.strictObject(changed))
const drifts = z.array(
  z.strictObject({ kind: text, name: text, message: text, isNote: z.literal(true).optional() }),
)

/** Answers about who may have what, who approved it, and what waits for whom. */
export const governanceAnswers = {
  listScopeGrants: answer<ScopeGrantList>()(
    z.strictObject({
      ...paged,
      grants: z.array(
        z.strictObject({
          ...{ name: text, issuer: text, state: z.enum([...grantState.options, 'expired']) },
          ...{ content: scopeGrantContent, approvedBy: texts },
          ...{ reviewDueAt: seconds.optional(), isReviewDue: flag.optional() },
        }),
      ),
    }),
  ),
  requestScopeGrant: scopeGrant,
  changeScopeGrant: scopeGrant,
  reportScopes: answer<ScopeReport>()(
    z.strictObject({
      ...{ issuer: text, environment: text, accessUntold: count, isAuditLongEnough: flag },
      access: z.array(
        z.strictObject({
          ...{ client: text, api: text, operation: text, method: text, path: text, tier: count },
          ...{ dataTypes: texts, by: z.array(texts), grant: text.optional(), until: seconds.optional() },
        }),
      ),
      uncatalogued: z.array(z.strictObject({ api: text, clients: texts })),
      unused: z
        .array(
          z.strictObject({
            ...{ client: text, api: text, right: text },
            ...{ grant: text.optional(), lastUsedAt: seconds.optional() },
          }),
        )
        .optional(),
      auditFrom: seconds.optional(),
      broad: z.array(
        z.strictObject({
          ...{ api: text, scope: text, operations: count, tiers: z.array(count), dataTypes: texts },
          clients: count,
          reasons: z.array(z.enum(['operations', 'tiers', 'reads-and-writes', 'data-types'])),
        }),
      ),
      ...{ environments: drifts.optional(), gateway: drifts.optional() },
    }),
  ),
  listOnboardings: answer<OnboardingList>()(
    z.strictObject({
      ...paged,
      onboardings: z.array(
        z.strictObject({
          ...{ name: text, client: text, issuer: text, content: onboardingContent },
          state: z.enum([...onboardingState.options, 'uncertified', 'expired']),
          ...{ approvedBy: texts, approvalsMissing: count, certifiedBy: text.optional() },
          ...{ endsAt: seconds, reviewDueAt: seconds.optional(), check, suspended, retired },
          keys: z.array(
            z.strictObject({
              ...{ thumbprint: text, kid: text.optional(), since: seconds, until: seconds.optional() },
            }),
          ),
          proposedKey: z.strictObject({ thumbprint: text, by: text }).optional(),
          moved: texts,
        }),
      ),
    }),
  ),
  draftOnboarding: onboarding,
  changeOnboarding: onboarding,
  checkOnboarding: answer<CheckedOnboarding>()(
    z.strictObject({ ...changed, passed: flag, findings: check.unwrap().shape.findings }),
  ),
  listDueOnboardings: answer<DueList>()(
    z.strictObject({
      ...paged,
      due: z.array(
        z.strictObject({
          ...{ client: text, issuer: text, record: text, detail: text, todo: text },
          what: z.enum([
            ...['onboarding', 'certification', 'review', 'key', 'certificate', 'secret', 'registration'],
          ] as const),
          // What is due already may lie far back.
          at: z.number().int(),
        }),
      ),
    }),
  ),
  listOnboardingFlags: answer<OnboardingFlags>()(
    z.strictObject({
      clients: z.array(
        z.strictObject({
          ...{ client: text, issuer: text, isOnboarded: flag },
          flags: z.array(
            z.strictObject({ flag: text, count, reason: text, reference: text, lastAt: seconds }),
          ),
        }),
      ),
      untold: count,
    }),
  ),
  listApprovals: answer<ApprovalList>()(
    z.strictObject({
      ...paged,
      approvals: z.array(
        z.strictObject({
          ...{ name: text, issuer: text, client: text, user: text.optional(), txn: text },
          moment: z.enum(['authorize', 'mint']),
          scopes: z.array(z.strictObject({ name: text, title: text })),
          ...{ resources: texts, groups: texts, missing: texts, seconds: count, isReusable: flag },
          details: z.array(
            z.strictObject({
              title: text,
              description: text,
              parts: z.array(z.strictObject({ label: text, values: texts })),
            }),
          ),
          ...{ askedAt: seconds, waitsUntil: seconds },
        }),
      ),
    }),
  ),
  changeApproval: answer<ChangedApproval>()(
    z.strictObject({
      ...{ name: text, ...referenced, group: text, missing: texts },
      state: z.enum(['waiting', 'approved', 'denied']),
    }),
  ),
}
