import { z } from 'zod'
import { personName } from '../person.ts'

const names = z.array(z.string().max(128)).max(100)

/** What was proposed and what the person who confirms reads. Its hash is the name of the document. */
export const pendingChangeContent = z.strictObject({
  /** Id of the operation of the admin API. */
  operation: z.string().max(64),
  /** Its validated body. */
  request: z.json(),
  /** What it will do to documents; empty for other operations. */
  changes: z
    .array(
      z.strictObject({
        action: z.enum(['create', 'update', 'delete']),
        kind: z.string().max(64),
        name: z.string().max(2048),
        issuer: z.string().max(2048),
        fields: z.array(
          z.strictObject({ field: z.string(), from: z.string().optional(), to: z.string().optional() }),
        ),
      }),
    )
    .max(1000),
  /** Why one person is not enough. */
  reasons: z.array(z.string().max(400)).min(1).max(2000),
  /** Entity tags of what it was decided on; empty: there was nothing. */
  base: z.record(z.string().max(2400), z.string().max(128)),
  /** Scopes of which the person who confirms needs every one. */
  approveScopes: names.min(1),
  proposedBy: personName,
  /** Names of the issuers within the reach of who proposed it; absent: all. It is done to no other. */
  issuers: z.array(z.string().max(128)).max(100).optional(),
  /** Client of the token. */
  client: z.string().max(128),
  /** None of them confirms it: who proposed it, and for a client who answers for it. */
  persons: z.array(personName).min(1).max(21),
  proposedAt: z.number().int().min(0),
  expiresAt: z.number().int().min(0),
})

/** A change that waits for a second person. Written by the admin API only; `apply` never makes or changes one. */
export const pendingChangeSpec = z.strictObject({ content: pendingChangeContent })

export type PendingChangeContent = z.infer<typeof pendingChangeContent>
export type PendingChangeSpec = z.infer<typeof pendingChangeSpec>
