import type { ExplainedField } from '@holdfast/protocol'
import type { RegistrationPolicy } from '@holdfast/protocol/specs/rfc7591-registration/policy.ts'
import type { ChainedAuditRecord } from '../store/records.ts'
import type { ApprovalChange, ApprovalList, ChangedApproval } from './approval-api.ts'
import type { OnboardingApi } from './onboarding/api.ts'
import type { Paged, PageRequest } from './page-api.ts'
import type { Problem } from './problem.ts'
import type {
  RevokeAccessRequest,
  RevokedAccess,
  RevokedTenant,
  RevokeTenantRequest,
} from './revocation-api.ts'
import type {
  ChangedScopeGrant,
  RequestScopeGrant,
  ScopeGrantChange,
  ScopeGrantList,
} from './scope-grant-api.ts'
import type { ScopeReport, ScopeReportRequest } from './scope-report-api.ts'

export type { ApprovalChange, ApprovalList, ChangedApproval, ListedApproval } from './approval-api.ts'
export type * from './onboarding/api.ts'
export type * from './page-api.ts'
export type {
  RevokeAccessRequest,
  RevokedAccess,
  RevokedTenant,
  RevokeTenantRequest,
} from './revocation-api.ts'
export type {
  ChangedScopeGrant,
  ListedScopeGrant,
  RequestScopeGrant,
  ScopeGrantChange,
  ScopeGrantList,
} from './scope-grant-api.ts'
export type { Drift, ScopeReport, ScopeReportRequest } from './scope-report-api.ts'

/**
 * What an operator may ask of a server: the same methods over the admin socket and, while no server runs, over
 * the store itself. Types only; the CLI knows the control plane by this file.
 */
export interface AdminApi extends OnboardingApi {
  readonly status: () => Promise<Answer<AdminStatus>>
  readonly apply: (request: ApplyRequest) => Promise<Answer<ApplyResult>>
  readonly documents: (asked?: PageRequest) => Promise<Answer<DocumentList>>
  /** Records of a reference id or transaction id, oldest first. */
  readonly audit: (id: string) => Promise<Answer<AuditList>>
  readonly verifyAudit: () => Promise<Answer<AuditVerification>>
  /** The answer is the only place where the secret ever stands. */
  readonly rotateSecret: (request: RotateSecretRequest) => Promise<Answer<RotatedSecret>>
  readonly revokeSecret: (request: RevokeSecretRequest) => Promise<Answer<RevokedSecret>>
  readonly secondFactors: (query: UserQuery) => Promise<Answer<SecondFactorList>>
  readonly resetSecondFactors: (query: UserQuery) => Promise<Answer<ResetSecondFactors>>
  /** Ends all access of a user or a client, or one grant. */
  readonly revokeAccess: (request: RevokeAccessRequest) => Promise<Answer<RevokedAccess>>
  /** Ends all access at every issuer of a tenant. */
  readonly revokeTenant: (request: RevokeTenantRequest) => Promise<Answer<RevokedTenant>>
  /** The answer is the only place where the token ever stands. */
  readonly createRegistrationToken: (
    request: CreateRegistrationTokenRequest,
  ) => Promise<Answer<CreatedRegistrationToken>>
  readonly registrationTokens: (asked?: PageRequest) => Promise<Answer<RegistrationTokenList>>
  readonly revokeRegistrationToken: (
    request: RevokeRegistrationTokenRequest,
  ) => Promise<Answer<RevokedRegistrationToken>>
  /** A new registration access token for a client that lost its own. */
  readonly renewRegistration: (request: RenewRegistrationRequest) => Promise<Answer<RenewedRegistration>>
  /** Asks for scopes of an API for a client; gives nothing yet. */
  readonly requestScopeGrant: (request: RequestScopeGrant) => Promise<Answer<ChangedScopeGrant>>
  readonly changeScopeGrant: (request: ScopeGrantChange) => Promise<Answer<ChangedScopeGrant>>
  readonly listScopeGrants: (asked?: PageRequest) => Promise<Answer<ScopeGrantList>>
  /** Who can do what, what nobody uses, and what does not fit together. */
  readonly reportScopes: (request: ScopeReportRequest) => Promise<Answer<ScopeReport>>
  /** What waits for the approval of a group. */
  readonly listApprovals: (asked?: PageRequest) => Promise<Answer<ApprovalList>>
  readonly changeApproval: (request: ApprovalChange) => Promise<Answer<ChangedApproval>>
  readonly submitPolicies: (request: SubmitPoliciesRequest) => Promise<Answer<SubmittedPolicies>>
  readonly changePolicies: (request: PolicyChange) => Promise<Answer<ChangedPolicies>>
  /** What these policies would have decided otherwise. */
  readonly simulatePolicies: (request: SimulatePoliciesRequest) => Promise<Answer<SimulatedPolicies>>
  /** Of every issuer, or of the one named. */
  readonly listPolicies: (issuer?: string) => Promise<Answer<PolicyList>>
  readonly explainClient: (clientId: string, asked?: ExplainRequest) => Promise<Answer<ClientExplanation>>
  /** Of every issuer, or of the one named. Answered by a running server only, as the two below. */
  readonly listKeys: (issuer?: string) => Promise<Answer<KeyList>>
  readonly rotateKeys: (request: RotateKeysRequest) => Promise<Answer<RotatedKeys>>
  readonly revokeKey: (request: RevokeKeyRequest) => Promise<Answer<RevokedKeyAnswer>>
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: ProblemDetails }

/** RFC 9457, with everything that is wrong listed. */
export interface ProblemDetails {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly problems?: readonly Problem[]
}

export interface AdminStatus {
  readonly version: string
  readonly pid: number
  readonly startedAt: number
  /** Revision in the store, and the one being served: they differ while a new one does not compile. */
  readonly revision: number
  readonly servedRevision: number
  readonly issuers: readonly {
    readonly name: string
    readonly url: string
    readonly environment: string
    readonly floor: string
    readonly clients: number
  }[]
}

export interface ApplyRequest {
  readonly files: readonly { readonly path: string; readonly text: string }[]
  readonly dryRun: boolean
  /** Deletes what the files do not name, within the kinds and issuers that they do name. */
  readonly prune: boolean
}

export interface ApplyResult {
  readonly changes: readonly Change[]
  /** Clients that may have less afterwards: their access tokens that say more end. */
  readonly narrowed: readonly { readonly issuer: string; readonly name: string }[]
  readonly dryRun: boolean
  /** After the apply; unchanged when there was nothing to do. */
  readonly revision: number
  /** Reference id of the audit record; absent when nothing was written. */
  readonly reference?: string
}

export interface Change {
  readonly action: 'create' | 'update' | 'unchanged' | 'delete'
  readonly kind: string
  readonly name: string
  readonly issuer: string
  readonly fields: readonly FieldChange[]
}

/** Values as JSON text; a secret shows as `(secret)`. */
export interface FieldChange {
  readonly field: string
  readonly from: string | undefined
  readonly to: string | undefined
}

export interface DocumentList extends Paged {
  readonly revision: number
  readonly documents: readonly {
    readonly kind: string
    readonly name: string
    readonly issuer: string
    readonly document: Readonly<Record<string, unknown>>
  }[]
}

export interface AuditList {
  readonly records: readonly ChainedAuditRecord[]
}

export interface AuditVerification {
  readonly chains: readonly {
    readonly chain: string
    readonly records: number
    readonly intact: boolean
    /** First record that does not stand where and as it was written. */
    readonly brokenAt?: number
    readonly reason?: string
  }[]
}

export interface RotateSecretRequest {
  readonly clientId: string
  /** Name or URL; needed when several issuers have a client of this name. */
  readonly issuer?: string | undefined
  /** How long the secret in use works on. */
  readonly overlapSeconds: number
  /** Absent: the new secret never expires. */
  readonly lifetimeSeconds?: number | undefined
}

export interface RotatedSecret {
  readonly clientId: string
  readonly issuer: string
  readonly secretId: string
  readonly secret: string
  /** As `client_secret_expires_at`: 0 is never. */
  readonly expiresAt: number
  /** Until when the secret before this one works; absent when there is none. */
  readonly previousUntil?: number
  readonly revision: number
  readonly reference: string
}

export interface RevokeSecretRequest {
  readonly clientId: string
  readonly issuer?: string | undefined
  /** Absent: all. */
  readonly secretId?: string | undefined
}

export interface RevokedSecret {
  readonly clientId: string
  readonly issuer: string
  /** Ids. */
  readonly revoked: readonly string[]
  readonly revision: number
  readonly reference: string
}

export interface UserQuery {
  readonly username: string
  /** Name or URL; needed when several issuers have a user of this name. */
  readonly issuer?: string | undefined
}

export interface SecondFactorList {
  readonly username: string
  readonly issuer: string
  readonly secondFactors: readonly {
    readonly kind: 'passkey' | 'totp'
    /** What the user calls it. */
    readonly name: string
    readonly createdAt: number
    readonly usedAt?: number
  }[]
}

export interface ResetSecondFactors {
  readonly username: string
  readonly issuer: string
  readonly removed: SecondFactorList['secondFactors']
  /** How many ended. */
  readonly sessions: number
  readonly reference: string
}

export interface CreateRegistrationTokenRequest {
  /** Name or URL; needed when there are several issuers. */
  readonly issuer?: string | undefined
  /** How many clients it may register. */
  readonly uses: number
  readonly lifetimeSeconds: number
  /** What a client registered with it may ever have. */
  readonly policy: RegistrationPolicy
  /** What it is for, in the operator's words. */
  readonly note: string
}

export interface CreatedRegistrationToken {
  readonly id: string
  readonly token: string
  readonly issuer: string
  readonly uses: number
  readonly expiresAt: number
  readonly reference: string
}

export interface RegistrationTokenInfo {
  readonly id: string
  readonly issuer: string
  readonly uses: number
  readonly usesLeft: number
  readonly policy: RegistrationPolicy
  readonly note: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly revokedAt?: number
}

export interface RegistrationTokenList extends Paged {
  readonly tokens: readonly RegistrationTokenInfo[]
}

export interface RevokeRegistrationTokenRequest {
  readonly id: string
}

export interface RevokedRegistrationToken {
  readonly id: string
  readonly issuer: string
  readonly reference: string
}

export interface RenewRegistrationRequest {
  readonly clientId: string
  readonly issuer?: string | undefined
}

export interface RenewedRegistration {
  readonly clientId: string
  readonly issuer: string
  readonly registrationAccessToken: string
  readonly registrationClientUri: string
  readonly reference: string
}

/** Policies and their tests, by name of the file. */
export interface SubmitPoliciesRequest {
  /** Name of the set; its versions are named after it and their content. */
  readonly set: string
  /** Name or URL; needed when there are several issuers. */
  readonly issuer?: string | undefined
  readonly policies: Readonly<Record<string, string>>
  readonly tests: Readonly<Record<string, string>>
}

export interface SubmittedPolicies {
  /** Of this version. */
  readonly name: string
  /** Hash of its content. */
  readonly version: string
  readonly state: ListedPolicies['state']
  /** Why it stays a draft. */
  readonly problems: readonly { readonly place: string; readonly message: string }[]
  readonly issuer: string
  readonly reference: string
  /** After it. */
  readonly revision: number
}

/** One step of one version. */
export type PolicyChange = NamedPolicyChange | PolicyRollback | PolicyUnshadow

export interface NamedPolicyChange {
  readonly step: 'approve' | 'activate' | 'shadow' | 'remove'
  /** May be shortened as long as it means one. */
  readonly name: string
  readonly issuer?: string | undefined
}

export interface PolicyRollback {
  readonly step: 'rollback'
  readonly issuer?: string | undefined
}

export interface PolicyUnshadow {
  readonly step: 'unshadow'
  readonly issuer?: string | undefined
}

export interface ChangedPolicies {
  /** The version it is about; after a roll-back the one that is active again. */
  readonly name: string
  readonly issuer: string
  readonly reference: string
  /** After it. */
  readonly revision: number
}

export interface SimulatePoliciesRequest {
  readonly issuer?: string | undefined
  readonly policies: Readonly<Record<string, string>>
  /** How far back. */
  readonly days: number
}

export interface SimulatedPolicies {
  /** Decisions of the audit. */
  readonly asked: number
  readonly same: number
  /** Of them, those for which remote engines were asked, too: what those said then is not asked again. */
  readonly remote: number
  /** Neither the same nor known to be others: attributes had a part, and what they were is not kept. */
  readonly unsure: number
  /** The most frequent first. */
  readonly changes: readonly SimulatedChange[]
  /** Decisions that would be others, too, of further kinds. */
  readonly untold: number
}

/** Decisions that were one thing and would be another. */
export interface SimulatedChange {
  readonly moment: 'authorize' | 'mint' | 'register' | 'access'
  readonly clientId: string
  /** Empty at a registration. */
  readonly grantType: string
  /** `permit` or `deny`, then what it obliged to. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly determining: readonly string[]
  readonly failed: readonly string[]
  /** Reference id of the newest of them. */
  readonly reference: string
  readonly count: number
}

export interface ListedPolicies {
  readonly name: string
  readonly issuer: string
  readonly state: 'draft' | 'checked' | 'approved' | 'active' | 'retired'
  readonly shadow: boolean
  /** Names of files. */
  readonly policies: readonly string[]
  /** What a roll-back goes to; absent: the shipped policies. */
  readonly replaced?: string
}

export interface PolicyList {
  readonly policies: readonly ListedPolicies[]
}

/** Absent lists: everything the client may ask for. */
export interface ExplainRequest {
  /** Name or URL; needed when several issuers have a client of this name. */
  readonly issuer?: string | undefined
  readonly scopes?: readonly string[] | undefined
  /** Names of resource servers, or resource identifiers. */
  readonly resources?: readonly string[] | undefined
  /** Types of authorization details. */
  readonly details?: readonly string[] | undefined
}

export interface KeyList {
  readonly keys: readonly ListedKey[]
  /** By issuer, the version of the key set it publishes; `holds` of a verifier that has it is the same. */
  readonly published: readonly { readonly issuer: string; readonly version: string }[]
  /** Processes that verify with these keys and reported so within the last three minutes. */
  readonly verifiers: readonly ListedVerifier[]
}

export interface ListedVerifier {
  readonly issuer: string
  readonly clientId: string
  readonly instance: string
  /** Version of the key set it holds, and since when. */
  readonly holds: string
  readonly since: number
  readonly seenAt: number
  /** Keys whose signature does not verify there. */
  readonly unverified: readonly string[]
}

export interface ListedKey {
  readonly issuer: string
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly alg: string
  readonly state: 'announced' | 'active' | 'retiring' | 'retired' | 'revoked'
  /** Seconds since 1970, as all times here. */
  readonly createdAt: number
  /** From when on it signs. */
  readonly activeAt: number
  /** From when on it is no longer published. */
  readonly removedAt?: number | undefined
  readonly revokedAt?: number | undefined
  /** When it was rolled back. */
  readonly withdrawnAt?: number | undefined
  /** Why an announced key does not sign yet, verifier by verifier. */
  readonly waitsFor: readonly string[]
}

export interface RotateKeysRequest {
  /** Name or URL; absent: every issuer. */
  readonly issuer?: string | undefined
  /** Absent: every algorithm that has a key. */
  readonly alg?: string | undefined
}

export interface RotatedKeys {
  readonly rotated: readonly {
    readonly issuer: string
    readonly kid: string
    readonly alg: string
    /** Not before; from then on once every verifier has it. */
    readonly earliestAt: number
    /** From then on in any case. */
    readonly activeAt: number
    readonly previousKid: string
    readonly previousRemovedAt: number
  }[]
  /** Where a rotation was under way already. */
  readonly skipped: readonly { readonly issuer: string; readonly alg: string }[]
  readonly reference: string
}

export interface RevokeKeyRequest {
  readonly kid: string
}

export interface RevokedKeyAnswer {
  readonly issuer: string
  readonly kid: string
  readonly replacementKid?: string | undefined
  readonly reference: string
}

export interface ClientExplanation {
  readonly clientId: string
  readonly issuer: string
  readonly fields: readonly ExplainedField[]
}
