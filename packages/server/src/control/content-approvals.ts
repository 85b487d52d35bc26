import { createHash } from 'node:crypto'
import { highTier } from '@holdfast/protocol/specs/holdfast-onboarding/step-rules.ts'
import { canonicalJson } from './document.ts'
import type { Approval } from './person.ts'

export { highTier }

export const daySeconds = 86_400

/** SHA-256 of the content, base64url: what a document that people approve is named after. */
export function hashOfContent(content: object): string {
  return createHash('sha256').update(canonicalJson(content)).digest('base64url')
}

/** Persons besides the one who asks. */
export function approvalsNeeded(tier: number): 1 | 2 {
  return tier >= highTier ? 2 : 1
}

/**
 * What contradicts approvals: each must be of exactly this content, of another person than who asked, and of another
 * person than the others. Undefined when nothing does.
 * @param asking who may not approve
 */
export function brokenApprovals(
  approvals: readonly Approval[],
  hash: string,
  asking: readonly (string | undefined)[],
): string | undefined {
  if (approvals.some(({ content }) => content !== hash)) return 'has an approval of other content'
  if (approvals.some(({ by }) => asking.includes(by))) return 'is approved by who asked for it'
  if (new Set(approvals.map(({ by }) => by)).size !== approvals.length)
    return 'is approved twice by one person'
  return undefined
}
