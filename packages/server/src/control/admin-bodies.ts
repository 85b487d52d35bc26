import { z } from 'zod'
import { personName } from './person.ts'
import { registrationPolicy } from './resources/registered-client.ts'

/** Bodies of the admin API: the socket and the HTTPS listener hold what they are sent to the same shapes. */

/** SEC-07. */
const overlapSecondsMax = 30 * 86_400
const lifetimeSecondsMax = 10 * 365 * 86_400

const registrationUsesMax = 10_000
const registrationLifetimeSecondsMax = 365 * 86_400

export const applyBody = z.strictObject({
  files: z.array(z.strictObject({ path: z.string().max(4096), text: z.string() })).max(1000),
  dryRun: z.boolean().default(false),
  prune: z.boolean().default(false),
})

export const rotateBody = z.strictObject({
  clientId: z.string().max(128),
  issuer: z.string().max(2048).optional(),
  overlapSeconds: z.number().int().min(0).max(overlapSecondsMax),
  lifetimeSeconds: z.number().int().min(1).max(lifetimeSecondsMax).optional(),
})
export const userBody = z.strictObject({
  username: z.string().min(1).max(256),
  issuer: z.string().max(2048).optional(),
})
export const revokeBody = z.strictObject({
  clientId: z.string().max(128),
  issuer: z.string().max(2048).optional(),
  secretId: z.string().max(64).optional(),
})

export const createTokenBody = z.strictObject({
  issuer: z.string().max(2048).optional(),
  uses: z.number().int().min(1).max(registrationUsesMax),
  lifetimeSeconds: z.number().int().min(60).max(registrationLifetimeSecondsMax),
  policy: registrationPolicy,
  note: z.string().max(200),
})
export const revokeTokenBody = z.strictObject({ id: z.string().max(64) })
export const renewBody = z.strictObject({
  clientId: z.string().max(128),
  issuer: z.string().max(2048).optional(),
})
export const revokeAccessBody = z.strictObject({
  of: z.enum(['user', 'client', 'grant']),
  name: z.string().min(1).max(255),
  issuer: z.string().max(2048).optional(),
})
export const revokeTenantBody = z.strictObject({
  tenant: z.string().min(1).max(63),
  issuer: z.string().max(2048).optional(),
})
export const reportBody = z.strictObject({
  issuer: z.string().max(2048).optional(),
  unusedDays: z.number().int().min(1).max(3660).optional(),
  operationsMax: z.number().int().min(1).max(2000),
  client: z.string().max(128).optional(),
  resourceServer: z.string().max(128).optional(),
  against: z.string().max(2048).optional(),
  documents: z.strictObject({ path: z.string().max(4096), text: z.string() }).optional(),
  gateway: z.string().optional(),
})
/** Two years: what is needed longer is asked for again. */
const grantDaysMax = 732
const grantNames = z.array(z.string().min(1).max(128)).max(200)
export const requestGrantBody = z.strictObject({
  as: personName,
  issuer: z.string().max(2048).optional(),
  client: z.string().max(128),
  resourceServer: z.string().max(128),
  scopes: grantNames,
  authorizationDetailsTypes: grantNames,
  purpose: z.string().trim().min(1).max(400),
  days: z.number().int().min(1).max(grantDaysMax),
  reviewDays: z.number().int().min(1).max(366),
})
export const changeGrantBody = z.strictObject({
  step: z.enum(['approve', 'activate', 'review', 'revoke', 'remove']),
  as: personName,
  name: z.string().max(128),
  issuer: z.string().max(2048).optional(),
  reason: z.string().trim().min(1).max(400).optional(),
})
const policyFiles = z.record(z.string().max(128), z.string().max(262_144))
export const submitPoliciesBody = z.strictObject({
  set: z.string().max(64),
  issuer: z.string().max(2048).optional(),
  policies: policyFiles,
  tests: policyFiles,
})
export const simulatePoliciesBody = z.strictObject({
  issuer: z.string().max(2048).optional(),
  policies: policyFiles,
  days: z.number().int().min(1).max(3650),
})
export const changePoliciesBody = z.union([
  z.strictObject({
    step: z.enum(['approve', 'activate', 'shadow', 'remove']),
    name: z.string().min(1).max(128),
    issuer: z.string().max(2048).optional(),
  }),
  z.strictObject({ step: z.enum(['rollback', 'unshadow']), issuer: z.string().max(2048).optional() }),
])
export const changeApprovalBody = z.strictObject({
  step: z.enum(['approve', 'deny']),
  as: z.string().min(1).max(256),
  name: z.string().min(1).max(128),
  issuer: z.string().max(2048).optional(),
  group: z.string().min(1).max(64).optional(),
})
export const rotateKeysBody = z.strictObject({
  issuer: z.string().max(2048).optional(),
  alg: z.string().max(32).optional(),
})
export const revokeKeyBody = z.strictObject({ kid: z.string().max(128) })
