import { firstRefusal, type Refusal } from '@holdfast/protocol'
import { essentialAcrRules, wantedSubjectRules } from '@holdfast/protocol/specs/oidc-core-claims/rules.ts'
import type { AuthorizationRequest } from '../../store/records.ts'

/** What a request says about who must sign in, and how strongly. */
export type Demands = Pick<AuthorizationRequest, 'claims' | 'hintedSubject'>

/**
 * Whether this user is the one the request names; a request that names nobody takes everybody.
 * @param subject as the client knows it: pairwise for a client of a sector
 */
export function judgeSubject({ claims, hintedSubject }: Demands, subject: string): Refusal | undefined {
  return firstRefusal(wantedSubjectRules, { claims, hintedSubject, subject })
}

/**
 * The one place where the authentication a request insists on meets the one there is.
 * @param acrs before the login what could be reached, after it the one that was
 */
export function judgeAcr({ claims }: Demands, acrs: readonly string[]): Refusal | undefined {
  return firstRefusal(essentialAcrRules, { claims, acrs })
}
