import { z } from 'zod'
import { clientMetadata } from './client.ts'

const seconds = z.number().int().min(0).max(4_294_967_295)
const names = (max: number) => z.array(z.string().min(1).max(256)).max(max)

/** What a client that registers itself may ever have; also the shape in which a token is asked for. */
export const registrationPolicy = z.strictObject({
  profile: z.string().min(1).max(128),
  scopes: names(200),
  grantTypes: names(10),
  resources: names(50),
  /** Absent: none. */
  authorizationDetailsTypes: names(50).optional(),
  redirectHosts: names(100),
  requestUriHosts: names(100).optional(),
  softwareStatement: z.enum(['required', 'optional']),
})

/**
 * A client that registered itself. Written by the registration endpoint; `apply --prune` never deletes one. Operators
 * may suspend it or change its policy by applying the exported document with other values.
 */
export const registeredClientSpec = z.strictObject({
  metadata: clientMetadata,
  /** Human-readable members in further languages, e.g. `client_name#de`. */
  localized: z.record(z.string().max(128), z.string().max(2048)).default({}),
  /** The name of a deleted client is never used again: what was issued to it stays dead. */
  status: z.enum(['active', 'suspended', 'deleted']).default('active'),
  policy: registrationPolicy,
  /** Id of the initial access token. */
  token: z.string().min(1).max(64),
  registeredAt: seconds,
  /** As presented, to give it back unchanged. */
  softwareStatement: z.string().max(16_384).optional(),
})

export type RegisteredClientSpec = z.infer<typeof registeredClientSpec>
