import { profileFields, profileLattice, type SecurityProfile } from '@holdfast/protocol'
import { z } from 'zod'

/** Schema of one profile field, read from its lattice so that the two cannot drift apart. */
function fieldSchema(field: (typeof profileFields)[number]): z.ZodType {
  const lattice = profileLattice[field]
  switch (lattice.kind) {
    case 'ordered':
      return z.enum(lattice.strictestFirst as [string, ...string[]])
    case 'smallest':
      return z.number().int().min(lattice.least).max(lattice.most)
    case 'intersection':
      return z.array(z.string()).min(1)
    default:
      return lattice satisfies never
  }
}

const tightenShape = Object.fromEntries(profileFields.map(field => [field, fieldSchema(field).optional()]))

export const securityProfileSpec = z.strictObject({
  /** A shipped profile or another SecurityProfile document. */
  base: z.string(),
  /** Fields that this profile makes stricter than its base. Looser values are refused. */
  tighten: z.strictObject(tightenShape).default({}),
})

export interface SecurityProfileSpec {
  readonly base: string
  readonly tighten: Partial<Omit<SecurityProfile, 'name'>>
}
