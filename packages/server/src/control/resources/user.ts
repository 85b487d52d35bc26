import { z } from 'zod'

/** PHC string of argon2id; the only kind of stored password there is. */
const argon2id = /^\$argon2id\$v=19\$m=\d{1,7},t=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]{16,}\$[A-Za-z0-9+/]{32,}$/

export const userSpec = z
  .strictObject({
    /** What the user types; the document's name when absent. */
    username: z.string().min(1).max(256).optional(),
    /** Hashed on the way in; the clear text is stored nowhere. */
    password: z.string().min(8, 'must have at least 8 characters').max(256).optional(),
    passwordHash: z.string().regex(argon2id, 'must be an argon2id PHC string').optional(),
    status: z.enum(['active', 'disabled']).default('active'),
    /** Stable subject identifier; made once when absent. The prefix keeps it apart from every client id. */
    subject: z
      .string()
      .regex(/^u_[A-Za-z0-9_-]{8,128}$/, 'must be `u_` and 8 to 128 letters, digits, `_` or `-`')
      .optional(),
    /** Groups for which the user approves what policies want approved (`@require_approval`). */
    groups: z
      .array(
        z
          .string()
          .regex(/^[\x21\x23-\x5B\x5D-\x7E]{1,64}$/, 'must be 1 to 64 characters without spaces or quotes'),
      )
      .max(20)
      .refine(names => new Set(names).size === names.length, 'names a group twice')
      .default([]),
    /** OpenID Connect standard claims about the user. */
    claims: z.record(z.string().max(64), z.json()).default({}),
  })
  .refine(spec => spec.password === undefined || spec.passwordHash === undefined, {
    path: ['passwordHash'],
    message: '`password` and `passwordHash` do not stand together',
  })

export type UserSpec = z.infer<typeof userSpec>
