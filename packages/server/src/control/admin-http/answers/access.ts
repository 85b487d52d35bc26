import { z } from 'zod'
import type {
  AdminStatus,
  AuditList,
  AuditVerification,
  ChangedPolicies,
  ClientExplanation,
  CreatedRegistrationToken,
  KeyList,
  PolicyList,
  RegistrationTokenList,
  RenewedRegistration,
  ResetSecondFactors,
  RevokedAccess,
  RevokedKeyAnswer,
  RevokedRegistrationToken,
  RevokedSecret,
  RevokedTenant,
  RotatedKeys,
  RotatedSecret,
  SecondFactorList,
  SimulatedPolicies,
  SubmittedPolicies,
} from '../../admin-api.ts'
import { registrationPolicy } from '../../resources/registered-client.ts'
import { answer, count, flag, paged, referenced, seconds, text, texts } from './answer.ts'

const secondFactors = z.array(
  z.strictObject({
    kind: z.enum(['passkey', 'totp']),
    name: text,
    createdAt: seconds,
    usedAt: seconds.optional(),
  }),
)
const fact = z.union([text, z.number(), flag, texts])
const policyState = z.enum(['draft', 'checked', 'approved', 'active', 'retired'])

/** Answers about the server, its keys, its policies and its audit, and about secrets and access. */
export const accessAnswers = {
  readStatus: answer<AdminStatus>()(
    z.strictObject({
      ...{ version: text, pid: count, startedAt: seconds, revision: count, servedRevision: count },
      issuers: z.array(
        z.strictObject({ name: text, url: text, environment: text, floor: text, clients: count }),
      ),
    }),
  ),
  readSelf: z.strictObject({
    ...{ name: text, isPerson: flag, scopes: texts, clientId: text, issuers: texts.optional() },
  }),
  explainClient: answer<ClientExplanation>()(
    z.strictObject({
      ...{ clientId: text, issuer: text },
      fields: z.array(z.strictObject({ field: text, value: text, origins: texts })),
    }),
  ),
  rotateSecret: answer<RotatedSecret>()(
    z.strictObject({
      ...{ clientId: text, ...referenced, secretId: text, secret: text, revision: count },
      ...{ expiresAt: seconds, previousUntil: seconds.optional() },
    }),
  ),
  revokeSecret: answer<RevokedSecret>()(
    z.strictObject({ clientId: text, ...referenced, revoked: texts, revision: count }),
  ),
  renewRegistration: answer<RenewedRegistration>()(
    z.strictObject({
      ...{ clientId: text, ...referenced, registrationAccessToken: text, registrationClientUri: text },
    }),
  ),
  listSecondFactors: answer<SecondFactorList>()(
    z.strictObject({ username: text, issuer: text, secondFactors }),
  ),
  resetSecondFactors: answer<ResetSecondFactors>()(
    z.strictObject({ username: text, ...referenced, removed: secondFactors, sessions: count }),
  ),
  revokeAccess: answer<RevokedAccess>()(
    z.strictObject({ ...referenced, of: z.enum(['user', 'client', 'grant']), name: text }),
  ),
  revokeTenant: answer<RevokedTenant>()(z.strictObject({ tenant: text, issuers: texts, reference: text })),
  listRegistrationTokens: answer<RegistrationTokenList>()(
    z.strictObject({
      ...paged,
      tokens: z.array(
        z.strictObject({
          ...{ id: text, issuer: text, uses: count, usesLeft: count, note: text },
          ...{ policy: registrationPolicy, issuedAt: seconds, expiresAt: seconds },
          revokedAt: seconds.optional(),
        }),
      ),
    }),
  ),
  createRegistrationToken: answer<CreatedRegistrationToken>()(
    z.strictObject({ id: text, token: text, ...referenced, uses: count, expiresAt: seconds }),
  ),
  revokeRegistrationToken: answer<RevokedRegistrationToken>()(z.strictObject({ id: text, ...referenced })),
  listPolicies: answer<PolicyList>()(
    z.strictObject({
      policies: z.array(
        z.strictObject({
          ...{ name: text, issuer: text, state: policyState, shadow: flag, policies: texts },
          replaced: text.optional(),
        }),
      ),
    }),
  ),
  submitPolicies: answer<SubmittedPolicies>()(
    z.strictObject({
      ...{ name: text, version: text, state: policyState, ...referenced, revision: count },
      problems: z.array(z.strictObject({ place: text, message: text })),
    }),
  ),
  changePolicies: answer<ChangedPolicies>()(z.strictObject({ name: text, ...referenced, revision: count })),
  simulatePolicies: answer<SimulatedPolicies>()(
    z.strictObject({
      ...{ asked: count, same: count, remote: count, unsure: count, untold: count },
      changes: z.array(
        z.strictObject({
          moment: z.enum(['authorize', 'mint', 'register', 'access']),
          ...{ clientId: text, grantType: text, before: texts, after: texts, determining: texts },
          ...{ failed: texts, reference: text, count },
        }),
      ),
    }),
  ),
  listKeys: answer<KeyList>()(
    z.strictObject({
      keys: z.array(
        z.strictObject({
          ...{ issuer: text, kid: text, alg: text },
          state: z.enum(['announced', 'active', 'retiring', 'retired', 'revoked']),
          ...{ createdAt: seconds, activeAt: seconds, removedAt: seconds.optional() },
          ...{ revokedAt: seconds.optional(), withdrawnAt: seconds.optional(), waitsFor: texts },
        }),
      ),
      published: z.array(z.strictObject({ issuer: text, version: text })),
      verifiers: z.array(
        z.strictObject({
          ...{ issuer: text, clientId: text, instance: text, holds: text, unverified: texts },
          ...{ since: seconds, seenAt: seconds },
        }),
      ),
    }),
  ),
  rotateKeys: answer<RotatedKeys>()(
    z.strictObject({
      rotated: z.array(
        z.strictObject({
          ...{ issuer: text, kid: text, alg: text, earliestAt: seconds, activeAt: seconds },
          ...{ previousKid: text, previousRemovedAt: seconds },
        }),
      ),
      skipped: z.array(z.strictObject({ issuer: text, alg: text })),
      reference: text,
    }),
  ),
  revokeKey: answer<RevokedKeyAnswer>()(
    z.strictObject({ ...referenced, kid: text, replacementKid: text.optional() }),
  ),
  readAudit: answer<AuditList>()(
    z.strictObject({
      records: z.array(
        z.strictObject({
          ...{ at: seconds, issuer: text, event: text, requestId: text },
          outcome: z.enum(['accepted', 'refused', 'alert']),
          ...{ txn: text.optional(), clientId: text.optional(), subject: text.optional() },
          ...{ ruleId: text.optional(), clauses: texts.optional(), error: text.optional() },
          ...{ reason: text.optional(), facts: z.record(text, fact) },
          ...{ chain: text, sequence: count, previousHash: text, hash: text },
        }),
      ),
    }),
  ),
  verifyAudit: answer<AuditVerification>()(
    z.strictObject({
      chains: z.array(
        z.strictObject({
          ...{ chain: text, records: count, intact: flag },
          ...{ brokenAt: count.optional(), reason: text.optional() },
        }),
      ),
    }),
  ),
}
