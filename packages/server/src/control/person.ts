import { z } from 'zod'

/** Shapes that every document has which people move on. */

/** Small letters only, so that one person has one name. */
export const personName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._@+-]{0,127}$/, 'must be a name in small letters')

export const time = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
export const words = z.string().trim().min(1).max(400)

/** Who did something, and when. */
export const act = z.strictObject({ by: personName, at: time })
export const actWithReason = z.strictObject({ ...act.shape, reason: words })

/** Names the hash of what was approved. */
export const approval = z.strictObject({ ...act.shape, content: z.string().max(64) })

export type Act = z.infer<typeof act>
export type Approval = z.infer<typeof approval>
