import { approvalsNeeded, brokenApprovals, daySeconds, hashOfContent } from './content-approvals.ts'
import type { ApiOperationsSpec } from './resources/api-operations.ts'
import type { ScopeGrantContent, ScopeGrantSpec } from './resources/scope-grant.ts'

/** Requested and approved ones end by time too: nobody approves today what was to end yesterday. */
export type ScopeGrantState = ScopeGrantSpec['state'] | 'expired'

/** The name says what it is the name of: other content is another document, without any approval. */
export function scopeGrantName(content: ScopeGrantContent): string {
  return `g-${hashOfContent(content)}`
}

/** @param now seconds since the epoch */
export function scopeGrantState({ state, content }: ScopeGrantSpec, now: number): ScopeGrantState {
  return state !== 'revoked' && content.expiresAt <= now ? 'expired' : state
}

/** When somebody has to look again, in seconds since the epoch; undefined while it gives nothing. */
export function reviewDueAt({ content, activated, reviewed }: ScopeGrantSpec): number | undefined {
  const last = reviewed ?? activated
  return last && last.at + content.reviewDays * daySeconds
}

/**
 * Operations that the scopes and types together let into. A client has one active grant at an API, and a governed scope
 * belongs to one API: so nothing that a grant lacks comes from elsewhere.
 */
export function operationsReached(
  { operations }: ApiOperationsSpec,
  { scopes, authorizationDetailsTypes }: Pick<ScopeGrantContent, 'scopes' | 'authorizationDetailsTypes'>,
): ApiOperationsSpec['operations'] {
  return operations.filter(({ coveredBy }) =>
    coveredBy.some(
      way =>
        way.scopes.every(scope => scopes.includes(scope)) &&
        way.authorizationDetailsTypes.every(type => authorizationDetailsTypes.includes(type)),
    ),
  )
}

/** As it stands in a request, in the order of their ids. */
export function operationsOf(
  catalogue: ApiOperationsSpec,
  asked: Pick<ScopeGrantContent, 'scopes' | 'authorizationDetailsTypes'>,
): ScopeGrantContent['operations'] {
  return operationsReached(catalogue, asked)
    .map(({ id, method, path, tier }) => ({ id, method, path, tier }))
    .toSorted((left, right) => (left.id < right.id ? -1 : 1))
}

/**
 * What contradicts the steps in a grant; undefined when each step it took stands on the one before and approves
 * exactly this content.
 */
export function brokenSteps(name: string, { content, state, ...spec }: ScopeGrantSpec): string | undefined {
  const hash = hashOfContent(content)
  const { approvals, activated } = spec
  if (name !== scopeGrantName(content)) return 'is not named after its content'
  const broken = brokenApprovals(approvals, hash, [content.requestedBy])
  if (broken !== undefined) return broken
  const isApproved = approvals.length >= approvalsNeeded(content.tier)
  if ((state === 'approved' || state === 'active' || activated !== undefined) && !isApproved)
    return `needs ${approvalsNeeded(content.tier)} approvals`
  if (state === 'requested' && (isApproved || activated !== undefined)) return 'is further than `requested`'
  if ((state === 'active') !== (activated !== undefined) && state !== 'revoked')
    return 'is active without being activated, or activated without being active'
  if (spec.reviewed !== undefined && activated === undefined) return 'was reviewed and never active'
  return (state === 'revoked') === (spec.revoked !== undefined) ? undefined : 'does not say who revoked it'
}
