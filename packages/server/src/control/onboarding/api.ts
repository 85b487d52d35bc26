import type {
  OnboardingState,
  OnboardingStep,
} from '@holdfast/protocol/specs/holdfast-onboarding/step-rules.ts'
import type { Answer } from '../admin-api.ts'
import type { Paged, PageRequest } from '../page-api.ts'
import type {
  ClientOnboardingSpec,
  OnboardingContent,
  OnboardingFinding,
} from '../resources/client-onboarding.ts'

/** The part of the admin API that is about onboarding clients. */
export interface OnboardingApi {
  /** Writes down what is to be approved of a registered client; gives nothing yet. */
  readonly draftOnboarding: (request: DraftOnboarding) => Promise<Answer<ChangedOnboarding>>
  readonly changeOnboarding: (request: OnboardingChange) => Promise<Answer<ChangedOnboarding>>
  /** Runs the automatic checks and records what they found. */
  readonly checkOnboarding: (request: CheckOnboarding) => Promise<Answer<CheckedOnboarding>>
  readonly listOnboardings: (asked?: PageRequest) => Promise<Answer<OnboardingList>>
  /** What ends soon or waits for somebody. */
  readonly dueOnboardings: (request: DueRequest) => Promise<Answer<DueList>>
  /** What the audit holds against clients. */
  readonly onboardingFlags: (request: FlagsRequest) => Promise<Answer<OnboardingFlags>>
}

export interface DraftOnboarding {
  /** The person who drafts. */
  readonly as: string
  readonly issuer?: string | undefined
  /** An `OnboardingForm`, from a file of the operator. */
  readonly form: Readonly<Record<string, unknown>>
  /** Until it ends. */
  readonly days: number
}

/** One step of one record. */
export interface OnboardingChange {
  readonly step: Exclude<OnboardingStep, 'check'>
  /** The person who takes it. */
  readonly as: string
  /** Name of the record. Steps that bind nobody to its content also take the name of its client. */
  readonly record: string
  readonly issuer?: string | undefined
  /** Of a suspension or the end. */
  readonly reason?: string | undefined
  /** Of a certification. */
  readonly certification?:
    | { readonly against: string; readonly evidence: string; readonly days: number }
    | undefined
  /** Of the rotation of a key. */
  readonly rotation?: KeyRotationRequest | undefined
  /** Of the approval of a key: its thumbprint. */
  readonly thumbprint?: string | undefined
}

export interface KeyRotationRequest {
  /** Public. */
  readonly jwk: Readonly<Record<string, unknown>>
  /** Thumbprints; absent: every key of the same use. */
  readonly replaces?: readonly string[] | undefined
  /** Absent: as planned. */
  readonly overlapDays?: number | undefined
}

export interface CheckOnboarding {
  readonly as: string
  readonly record: string
  readonly issuer?: string | undefined
}

export interface ChangedOnboarding {
  readonly name: string
  readonly client: string
  readonly issuer: string
  readonly state: ClientOnboardingSpec['state']
  /** Persons who still have to approve. */
  readonly approvalsMissing: number
  readonly needsCertification: boolean
  readonly reference: string
  /** After it. */
  readonly revision: number
}

export interface CheckedOnboarding extends ChangedOnboarding {
  readonly passed: boolean
  readonly findings: readonly OnboardingFinding[]
}

export interface ListedOnboarding {
  readonly name: string
  readonly client: string
  readonly issuer: string
  readonly state: OnboardingState
  readonly content: OnboardingContent
  readonly approvedBy: readonly string[]
  readonly approvalsMissing: number
  readonly certifiedBy?: string
  /** Seconds since the epoch. */
  readonly endsAt: number
  readonly reviewDueAt?: number
  readonly check?: NonNullable<ClientOnboardingSpec['check']>
  readonly keys: readonly ListedClientKey[]
  /** A key that waits for approval. */
  readonly proposedKey?: { readonly thumbprint: string; readonly by: string }
  readonly suspended?: NonNullable<ClientOnboardingSpec['suspended']>
  readonly retired?: NonNullable<ClientOnboardingSpec['retired']>
  /** In what the client is registered otherwise now; what was not approved is not there for it. */
  readonly moved: readonly string[]
}

export interface ListedClientKey {
  readonly thumbprint: string
  readonly kid?: string
  readonly since: number
  readonly until?: number
}

export interface DueRequest extends PageRequest {
  /** What ends within this time, or ended. */
  readonly days: number
}

/** Something that ends, or that somebody has to do. */
export interface DueItem {
  readonly client: string
  readonly issuer: string
  /** Name of the record. */
  readonly record: string
  readonly what: 'onboarding' | 'certification' | 'review' | 'key' | 'certificate' | 'secret' | 'registration'
  /** Seconds since the epoch; what is due already may lie far back. */
  readonly at: number
  readonly detail: string
  /** What to do. */
  readonly todo: string
}

export interface FlagsRequest {
  readonly issuer?: string | undefined
  /** How far back. */
  readonly days: number
  readonly client?: string | undefined
}

export interface OnboardingFlags {
  readonly clients: readonly FlaggedClient[]
  /** Clients that had flags, too, beyond those that are told. */
  readonly untold: number
}

export interface FlaggedClient {
  readonly client: string
  readonly issuer: string
  readonly isOnboarded: boolean
  readonly flags: readonly ClientFlag[]
}

export interface ClientFlag {
  readonly flag: string
  readonly count: number
  readonly reason: string
  /** Reference id of the newest record. */
  readonly reference: string
  readonly lastAt: number
}

export interface OnboardingList extends Paged {
  readonly onboardings: readonly ListedOnboarding[]
}

export interface DueList extends Paged {
  readonly due: readonly DueItem[]
}
