import { z } from 'zod'
import { act, actWithReason, approval, personName, time, words } from '../person.ts'

const names = z.array(z.string().min(1).max(128)).max(200).default([])
/**
 * What is asked for and what the people who approve read. Its hash is the name of the document: a field that comes later
 * has no default, or every approval would be of other content.
 */
export const scopeGrantContent = z.strictObject({
  /** Name of the client that may use the scopes. */
  client: z.string().min(1).max(128),
  /** Name of the resource server they belong to. */
  resourceServer: z.string().min(1).max(128),
  scopes: names,
  authorizationDetailsTypes: names,
  purpose: words,
  requestedBy: personName,
  requestedAt: time,
  /** From this second on it gives nothing. */
  expiresAt: time,
  /** How often somebody has to look whether it is still needed. */
  reviewDays: z.number().int().min(1).max(366),
  /** The highest tier of what it lets into. */
  tier: z.number().int().min(0).max(4),
  /** What it lets into, as of the request. */
  operations: z
    .array(
      z.strictObject({
        id: z.string().max(128),
        method: z.string().max(16),
        path: z.string().max(2048),
        tier: z.number().int().min(0).max(4),
      }),
    )
    .min(1)
    .max(2000),
})

/**
 * Scopes of one API for one client, from request to end. Written and moved on by `holdfast govern` only; `apply`
 * never changes one and `--prune` never deletes one.
 */
export const scopeGrantSpec = z.strictObject({
  content: scopeGrantContent,
  /** When it expired is not a state of its own: time alone says so. */
  state: z.enum(['requested', 'approved', 'active', 'revoked']),
  /** Each names the hash of what was approved. */
  approvals: z.array(approval).max(2),
  activated: act.optional(),
  reviewed: act.optional(),
  revoked: actWithReason.optional(),
})

export type ScopeGrantContent = z.infer<typeof scopeGrantContent>
export type ScopeGrantSpec = z.infer<typeof scopeGrantSpec>
