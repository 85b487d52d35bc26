import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'
import { keyFits, secretMember, unfitKey } from '../rfc7591-client-metadata/keys.ts'
import { type ClientMetadata, metadataDefaults } from '../rfc7591-client-metadata/metadata.ts'
import { malformedRedirectUri, unfitRedirectUri } from '../rfc7591-client-metadata/redirect-uri.ts'
import { highTier } from './step-rules.ts'

type Jwk = Readonly<Record<string, unknown>>

/** What is wrong and what to do about it. A rule of level SHOULD warns; every other one keeps the client out. */
const wrong = (field: string, reason: string, fix: string): Verdict =>
  fail('invalid_client_metadata', reason, { field, fix })

/** One key of the client. */
export interface OnboardingKeyInput {
  readonly jwk: Jwk
  /** Where it stands, e.g. `jwks.keys[0]`. */
  readonly field: string
  /** `kid` of every other key. */
  readonly otherKids: readonly unknown[]
  readonly profile: Pick<SecurityProfile, 'name' | 'signingAlgs'>
}

export const onboardingKeyRules: readonly Rule<OnboardingKeyInput>[] = [
  {
    id: 'onboarding.key-public',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a published key is a public one',
    check: ({ jwk, field }) => {
      const member = secretMember(jwk)
      return member === undefined
        ? pass
        : wrong(field, `the key shows \`${member}\``, 'make a new key pair; this one is known to others')
    },
  },
  {
    id: 'onboarding.key-strength',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a key is well formed and strong',
    check: ({ jwk, field }) => {
      const why = unfitKey(jwk)
      // Of two findings about one key the graver one is enough.
      return why === undefined || secretMember(jwk) !== undefined
        ? pass
        : wrong(field, `the key ${why}`, 'use P-256, Ed25519, or RSA of at least 2048 bits')
    },
  },
  {
    id: 'onboarding.key-alg',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a signature key fits an algorithm that the profile allows',
    check: ({ jwk, field, profile: { name, signingAlgs } }) =>
      jwk.use === 'enc' || unfitKey(jwk) !== undefined || signingAlgs.some(alg => keyFits(jwk, alg))
        ? pass
        : wrong(
            field,
            `the key signs with nothing that \`${name}\` allows`,
            `make a key for ${signingAlgs.join(', ')}`,
          ),
  },
  {
    id: 'onboarding.key-id',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'where there are several keys, each has a `kid` of its own',
    check: ({ jwk: { kid }, field, otherKids }) =>
      otherKids.length === 0 || (typeof kid === 'string' && kid !== '' && !otherKids.includes(kid))
        ? pass
        : wrong(field, 'the key has no `kid` of its own', 'give every key another `kid`'),
  },
  {
    id: 'onboarding.key-use',
    clauses: ['HFO-8'],
    level: 'SHOULD',
    title: 'a key says what it is for: `use` and `alg`',
    check: ({ jwk: { use, alg }, field }) =>
      typeof use === 'string' && typeof alg === 'string'
        ? pass
        : wrong(field, 'the key does not say `use` and `alg`', 'add both: a key is for one thing'),
  },
]

export interface OnboardingRedirectInput {
  readonly uri: string
  readonly field: string
  readonly metadata: ClientMetadata
  readonly environment: 'development' | 'production'
  /** Another client that registered the same one. */
  readonly sharedWith: string | undefined
}

const localNames = /^(localhost|127\.|\[::1\])|\.localhost$/

export const onboardingRedirectRules: readonly Rule<OnboardingRedirectInput>[] = [
  {
    id: 'onboarding.redirect-form',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a redirect URI is exact, and https where the client is not a native one',
    check: ({ uri, field, ...input }) => {
      const why = malformedRedirectUri(uri) ?? unfitRedirectUri(uri, input)
      return why === undefined
        ? pass
        : wrong(
            field,
            `the redirect URI ${why}`,
            'register the whole https address that the client listens at',
          )
    },
  },
  {
    id: 'onboarding.redirect-local',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'in production a web client is not on the machine of who opens the page',
    check: ({ uri, field, metadata, environment }) =>
      environment === 'production' &&
      metadata.application_type !== 'native' &&
      URL.canParse(uri) &&
      localNames.test(new URL(uri).hostname)
        ? wrong(field, 'the redirect URI is on this machine', 'register the public address')
        : pass,
  },
  {
    id: 'onboarding.redirect-shared',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'no other client has the same redirect URI',
    check: ({ field, sharedWith }) =>
      sharedWith === undefined
        ? pass
        : wrong(
            field,
            `\`${sharedWith}\` has the same redirect URI`,
            'give each client an address of its own: whoever answers there gets the codes of both',
          ),
  },
]

export interface OnboardingContactInput {
  readonly field: string
  readonly name: string
  readonly email: string
}

export const onboardingContactRules: readonly Rule<OnboardingContactInput>[] = [
  {
    id: 'onboarding.contact',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a contact has a name and a mail address',
    check: ({ field, name, email }) =>
      name.trim() !== '' && /^[^\s@<>"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(email)
        ? pass
        : wrong(
            field,
            'the contact cannot be reached',
            'write a name and an address such as `team@bank.example`',
          ),
  },
]

/** A certificate of the client as the server read it. */
export interface OnboardingCertificateInput {
  readonly field: string
  readonly isReadable: boolean
  /** Signed by an authority of the issuer, or registered itself where the method asks for no authority. */
  readonly isTrusted: boolean
  /** Seconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly matchesSubject: boolean
  readonly now: number
}

/** What ends within this time is told before it ends. */
const soonSeconds = 30 * 86_400

export const onboardingCertificateRules: readonly Rule<OnboardingCertificateInput>[] = [
  {
    id: 'onboarding.certificate-form',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a certificate can be read',
    check: ({ field, isReadable }) =>
      isReadable ? pass : wrong(field, 'is not a certificate', 'paste it as PEM, as it is presented'),
  },
  {
    id: 'onboarding.certificate-chain',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a certificate is signed by a trust anchor of the issuer',
    check: ({ field, isReadable, isTrusted }) =>
      !isReadable || isTrusted
        ? pass
        : wrong(
            field,
            'no trust anchor of the issuer signed the certificate, or it is not for clients',
            'get one from a trusted authority, or add its authority to `clientTrustAnchorFiles`',
          ),
  },
  {
    id: 'onboarding.certificate-dates',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a certificate is within its dates',
    check: ({ field, isReadable, notBefore, notAfter, now }) =>
      !isReadable || (notBefore <= now && now <= notAfter)
        ? pass
        : wrong(field, 'the certificate is outside its dates', 'get a new certificate'),
  },
  {
    id: 'onboarding.certificate-ends',
    clauses: ['HFO-8'],
    level: 'SHOULD',
    title: 'a certificate does not end within 30 days',
    check: ({ field, isReadable, notAfter, now }) =>
      !isReadable || notAfter < now || notAfter - now >= soonSeconds
        ? pass
        : wrong(field, 'the certificate ends within 30 days', 'get the next certificate now'),
  },
  {
    id: 'onboarding.certificate-subject',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a certificate is of the registered subject',
    check: ({ field, isReadable, matchesSubject }) =>
      !isReadable || matchesSubject
        ? pass
        : wrong(
            field,
            'the certificate is not of the registered subject',
            'register the subject that stands in the certificate (`tls_client_auth_…`)',
          ),
  },
]

/** The record as a whole. */
export interface OnboardingRecordInput {
  readonly riskTier: number
  readonly neededTier: number
  readonly metadata: ClientMetadata
  readonly evidenceCount: number
  readonly certificateCount: number
  readonly keyDays: number
  /** Keys found, registered or fetched, that fit the profile. */
  readonly usableKeyCount: number
  /** Why nothing came from the `jwks_uri`; undefined: something did, or there is none. */
  readonly jwksUriProblem: string | undefined
  /** What is wrong with the software statement; undefined: nothing, or there is none. */
  readonly statementProblem: string | undefined
  /** What the software statement certifies and the client is registered otherwise for. */
  readonly statementDiffers: readonly string[]
  /** Members whose encryption or signature needs keys, beside the method. */
  readonly needsKeys: boolean
}

const keyDaysMax = 398

export const onboardingRecordRules: readonly Rule<OnboardingRecordInput>[] = [
  {
    id: 'onboarding.tier-stated',
    clauses: ['HFO-3', 'HFO-8'],
    level: 'MUST',
    title: 'the stated risk tier is at least that of what the client may ask for',
    check: ({ riskTier, neededTier }) =>
      riskTier >= neededTier
        ? pass
        : wrong(
            'riskTier',
            `what the client may ask for has tier ${neededTier}`,
            `draft it again with \`riskTier: ${neededTier}\`, or take from the client what has that tier`,
          ),
  },
  {
    id: 'onboarding.evidence',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'from tier 2 on there is evidence of who the client is: documents or a software statement',
    check: ({ riskTier, evidenceCount }) =>
      riskTier < 2 || evidenceCount > 0
        ? pass
        : wrong(
            'evidence',
            'there is no evidence',
            'name the documents that were seen, or add the software statement',
          ),
  },
  {
    id: 'onboarding.jwks-uri',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'the keys behind `jwks_uri` can be fetched',
    check: ({ jwksUriProblem }) =>
      jwksUriProblem === undefined
        ? pass
        : wrong(
            'jwks_uri',
            `the keys cannot be fetched: ${jwksUriProblem}`,
            'serve a JWK Set as JSON over https at a public address, without redirects',
          ),
  },
  {
    id: 'onboarding.keys',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a client that signs has a key that it can sign with',
    check: ({ metadata, usableKeyCount, jwksUriProblem, needsKeys }) =>
      jwksUriProblem !== undefined ||
      usableKeyCount > 0 ||
      !(needsKeys || metadataDefaults(metadata).authMethod === 'private_key_jwt')
        ? pass
        : wrong(
            'jwks',
            'there is no key that the profile allows',
            'publish a signature key that fits the profile',
          ),
  },
  {
    id: 'onboarding.certificate-present',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a client of `tls_client_auth` shows its certificate before it is active',
    check: ({ metadata, certificateCount }) =>
      metadata.token_endpoint_auth_method === 'tls_client_auth' && certificateCount === 0
        ? wrong('certificates', 'the certificate is not there', 'add it to the record as PEM')
        : pass,
  },
  {
    id: 'onboarding.statement',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: 'a software statement is of a trusted issuer, valid, and about this client',
    check: ({ statementProblem, statementDiffers }) => {
      if (statementProblem !== undefined)
        return wrong('softwareStatement', statementProblem, 'get a new statement from its issuer')
      return statementDiffers.length === 0
        ? pass
        : wrong(
            'softwareStatement',
            `the statement says otherwise: ${statementDiffers.join(', ')}`,
            'register the client as its statement says',
          )
    },
  },
  {
    id: 'onboarding.rotation-plan',
    clauses: ['HFO-8'],
    level: 'MUST',
    title: `from tier ${highTier} on keys live at most ${keyDaysMax} days`,
    check: ({ riskTier, keyDays }) =>
      riskTier < highTier || keyDays <= keyDaysMax
        ? pass
        : wrong(
            'rotation.keyDays',
            `keys of ${keyDays} days are too old for tier ${riskTier}`,
            `plan at most ${keyDaysMax} days`,
          ),
  },
]
