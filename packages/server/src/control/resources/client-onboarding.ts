import { z } from 'zod'
import { act, actWithReason, approval, personName, time, words } from '../person.ts'

const name = z.string().min(1).max(128)
const names = (max: number) => z.array(z.string().min(1).max(2048)).max(max)
const line = z.string().trim().min(1).max(200)
const tier = z.number().int().min(0).max(4)
const days = (most: number) => z.number().int().min(1).max(most)
const thumbprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/)

const contact = z.strictObject({
  name: line,
  email: z.string().min(3).max(254),
  phone: z.string().min(3).max(40).optional(),
})

/** What the people who want a client served write: a file, or the answer of a pipeline. */
export const onboardingForm = z.strictObject({
  /** Name of the client, which is registered already. */
  client: name,
  /** Who answers for the client in law. */
  legalEntity: z.strictObject({
    name: line,
    /** In the register of its country. */
    registrationNumber: line,
    /** ISO 3166, e.g. `DE` or `US-DE`. */
    jurisdiction: z
      .string()
      .regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, 'must be a country such as `DE` or `US-DE`'),
    /** ISO 17442. */
    lei: z
      .string()
      .regex(/^[A-Z0-9]{18}[0-9]{2}$/, 'must be a legal entity identifier')
      .optional(),
    address: words.optional(),
  }),
  purpose: words,
  /** Documents that were seen: contracts, licences, reports. */
  evidence: z
    .array(
      z.strictObject({
        title: line,
        /** Where it is kept: an address or a file number. */
        reference: z.string().trim().min(1).max(1000),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
          .optional(),
      }),
    )
    .max(20),
  /** RFC 7591; of an issuer of statements that is trusted here. */
  softwareStatement: z.string().min(1).max(16_384).optional(),
  /** PEM certificates that the client presents, for `tls_client_auth`. */
  certificates: z.array(z.string().min(1).max(16_384)).max(10),
  riskTier: tier,
  securityOwner: contact,
  incidentContact: contact,
  rotation: z.strictObject({
    /** How old a key may become. */
    keyDays: days(1095),
    /** How long the key before works on beside a new one, at most. */
    overlapDays: z.number().int().min(0).max(90),
    /** How old a client secret may become. */
    secretDays: days(1095).optional(),
  }),
  /** What somebody has to certify the client against; from tier 3 on it is certified in any case. */
  certification: z.strictObject({ against: words }).optional(),
  reviewDays: days(366),
})

export type OnboardingForm = z.infer<typeof onboardingForm>

const key = z.strictObject({
  /** RFC 7638; of a key with a certificate (`x5c`) of both. */
  thumbprint,
  kid: z.string().max(256).optional(),
  kty: z.string().max(16),
  use: z.string().max(16).optional(),
  alg: z.string().max(32).optional(),
})

export type OnboardedKey = z.infer<typeof key>

/** What a client is registered for, as it is approved. */
export const clientRegistration = z.strictObject({
  profile: name,
  /** RFC 7591 members with their defaults, without keys. */
  metadata: z.record(z.string().max(128), z.unknown()),
  /** Resource identifiers that it may ask tokens for. */
  audiences: names(50),
  /** Resource identifiers whose tokens it may introspect. */
  introspects: names(50),
  exchangesTokensOf: names(50),
  exchangesTokensFor: names(50),
  mayAct: z.string().max(128).optional(),
  attesters: names(20),
  ownAuthorizationDetails: z.array(z.record(z.string(), z.unknown())).max(20),
  allowedOrigins: names(20),
  /** Of a registered key set; empty for clients with a `jwks_uri` or without keys. */
  keys: z.array(key).max(20),
})

export type ClientRegistration = z.infer<typeof clientRegistration>

/**
 * What the people who approve read. Its hash is the name of the document: a field that comes later has no default, or
 * every approval would be of other content.
 */
export const onboardingContent = z.strictObject({
  ...onboardingForm.shape,
  environment: z.enum(['development', 'production']),
  registration: clientRegistration,
  requestedBy: personName,
  requestedAt: time,
  /** From this second on the client is not served by it. */
  expiresAt: time,
})

export type OnboardingContent = z.infer<typeof onboardingContent>

const finding = z.strictObject({
  rule: z.string().max(64),
  level: z.enum(['error', 'warning']),
  field: z.string().max(200),
  reason: z.string().max(1000),
  fix: z.string().max(1000),
})

export type OnboardingFinding = z.infer<typeof finding>

/** A new key beside those that were approved. */
const keyRotation = z.strictObject({
  key,
  /** Thumbprints of the keys that end when the overlap is over. */
  replaces: z.array(thumbprint).max(20),
  overlapDays: z.number().int().min(0).max(90),
  proposed: act,
  /** From then on the key is the client's. Names the hash of the other members. */
  approved: approval.optional(),
})

export type KeyRotation = z.infer<typeof keyRotation>

/** Rotations of one record; a record lives two years at most. */
export const rotationsMax = 50

/**
 * The onboarding of one client, from draft to end. Written and moved on by `holdfast onboard` only; `apply` never
 * changes one and `--prune` never deletes one.
 */
export const clientOnboardingSpec = z.strictObject({
  content: onboardingContent,
  /** When it expired is not a state of its own: time alone says so. */
  state: z.enum(['draft', 'submitted', 'checked', 'approved', 'certified', 'active', 'suspended', 'retired']),
  submitted: act.optional(),
  /** The last automatic check, with the content and the keys it looked at. */
  check: z
    .strictObject({
      ...approval.shape,
      passed: z.boolean(),
      findings: z.array(finding).max(200),
      /** With the second in which a check first saw each. */
      keysSeen: z.array(z.strictObject({ thumbprint, since: time })).max(40),
      /** When certificates of the record or of the key set end. */
      certificatesEnd: z.array(time).max(30),
    })
    .optional(),
  /** Each names the hash of what was approved. */
  approvals: z.array(approval).max(2),
  certification: z
    .strictObject({ ...approval.shape, against: words, evidence: words, until: time })
    .optional(),
  activated: act.optional(),
  reviewed: act.optional(),
  rotations: z.array(keyRotation).max(rotationsMax),
  suspended: actWithReason.optional(),
  retired: actWithReason.optional(),
})

export type ClientOnboardingSpec = z.infer<typeof clientOnboardingSpec>
