import { z } from 'zod'
import { type AdminScope, adminScopes } from '../admin-scopes.ts'
import { personName } from '../person.ts'

/**
 * Who may use the admin API, and for what: a user, or a client that speaks for itself. The name of the document is
 * the name of the person in approvals and in the audit.
 */
export const administratorSpec = z
  .strictObject({
    /** Username at the issuer that protects the admin API. */
    user: z.string().min(1).max(256).optional(),
    /** Name of a Client there. */
    client: z.string().min(1).max(128).optional(),
    /** Names of the persons who answer for the client: what it proposes none of them confirms. */
    responsible: z.array(personName).min(1).max(20).optional(),
    /**
     * Names of the issuers to which their rights are limited; all of them when absent. Never the issuer that protects the
     * admin API: who administers that one administers the administrators.
     */
    issuers: z.array(z.string().min(1).max(128)).min(1).max(100).optional(),
    /** What a token of theirs may be used for; a token carries less, never more. */
    scopes: z
      .array(z.enum(adminScopes as readonly [AdminScope, ...AdminScope[]]))
      .min(1)
      .max(100),
  })
  .refine(
    ({ user, client }) => (user === undefined) !== (client === undefined),
    'names either a `user` or a `client`',
  )
  .refine(
    ({ client, responsible }) => (client === undefined) === (responsible === undefined),
    '`responsible` stands there when, and only when, `client` does',
  )

export type AdministratorSpec = z.infer<typeof administratorSpec>
