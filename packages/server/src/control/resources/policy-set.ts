import { z } from 'zod'

/** Characters of one text; all of a set together stay below what one commit may hold. */
const text = z.string().max(262_144)
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/)
const files = (max: number) =>
  z.record(fileName, text).refine(found => Object.keys(found).length <= max, `has more than ${max} files`)

/** Name of a set, without its version. */
export const policySetName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Policies in Cedar and their tests, by name of the file. */
export const policyContent = z.strictObject({
  policies: files(100),
  tests: files(100).default({}),
})

/**
 * One version of a set of policies; its content never changes, its name ends in the hash of it. Written by
 * `holdfast policy submit`; only `holdfast policy` moves one on. `apply --prune` never deletes one.
 */
export const policySetSpec = z.strictObject({
  ...policyContent.shape,
  /** `draft`: as submitted. `checked`: compiles, its tests pass. `approved`: may become active. `retired`: was active. */
  state: z.enum(['draft', 'checked', 'approved', 'active', 'retired']),
  /** Asked beside the active one; only differences are recorded. */
  shadow: z.boolean().default(false),
  /** Name of the version that was active before this one; absent: the shipped policies were, or it never was active. */
  replaced: z.string().max(128).optional(),
})

export type PolicyContent = z.infer<typeof policyContent>
export type PolicySetSpec = z.infer<typeof policySetSpec>
