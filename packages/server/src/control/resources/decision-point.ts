import { z } from 'zod'

const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/)
const typeName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_:]{0,127}$/, 'must be the name of an entity type')

/**
 * A decision point of AuthZEN for APIs and gateways: Cedar policies, their schema, and what it knows about people and
 * things. One for each issuer.
 */
export const decisionPointSpec = z.strictObject({
  /** In Cedar's schema language. */
  schema: z.string().min(1).max(262_144),
  /** Policies in Cedar, by name of the file. */
  policies: z
    .record(fileName, z.string().max(1_048_576))
    .refine(files => Object.keys(files).length <= 100, 'has more than 100 files'),
  /** In Cedar's JSON format, each with its parents. */
  entities: z.array(z.json()).max(20_000).default([]),
  /** Entity types of which whoever asks tells everything, as `properties`. */
  givenTypes: z.array(typeName).max(100).default([]),
})

export type DecisionPointSpec = z.infer<typeof decisionPointSpec>
