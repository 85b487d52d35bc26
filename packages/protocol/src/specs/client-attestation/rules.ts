import type { EpochSeconds } from '../../brand.ts'
import type { PublicKey } from '../../jose/keys.ts'
import type { SecurityProfile } from '../../profile.ts'
import type { Outcome } from '../../refusal.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

/** Longest attestation, longest proof of possession and longest `jti` that are read. */
export const attestationBytesMax = 8192
export const popBytesMax = 8192
export const popJtiBytesMax = 256

const reject = (reason: string): Verdict => fail('invalid_client', reason)

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** What the header fields say, before anything is decoded. */
export interface AttestationFieldsInput {
  readonly attestations: readonly string[]
  readonly pops: readonly string[]
}

export const attestationFieldRules: readonly Rule<AttestationFieldsInput>[] = [
  {
    id: 'client-auth.attestation-fields',
    clauses: ['CLIENT-ATTESTATION-7.1-1', 'CLIENT-ATTESTATION-7.2-1'],
    level: 'MUST',
    title: 'attestation and proof of possession stand in one header field each',
    check: ({ attestations, pops }) =>
      attestations.length > 1 || pops.length > 1
        ? fail('invalid_request', 'a header field of the client attestation is repeated')
        : pass,
  },
  {
    id: 'client-auth.attestation-missing',
    clauses: ['CLIENT-ATTESTATION-7.1-1'],
    level: 'MUST',
    title: 'a proof of possession comes with its attestation',
    check: ({ attestations }) =>
      attestations.length === 0 ? reject('a proof of possession without its attestation') : pass,
  },
]

/** A decoded attestation whose signature was checked already, and what it must fit. */
export interface AttestationInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly profile: SecurityProfile
  readonly now: EpochSeconds
  /** The key of `cnf.jwk`, as imported. */
  readonly instanceKey: Outcome<PublicKey>
}

export const attestationRules: readonly Rule<AttestationInput>[] = [
  {
    id: 'client-auth.attestation-typ',
    clauses: ['CLIENT-ATTESTATION-4-typ'],
    level: 'MUST',
    title: '`typ` of the attestation is `oauth-client-attestation+jwt`',
    check: ({ header: { typ } }) =>
      isTyp(typ, 'oauth-client-attestation+jwt') ? pass : reject('the attestation is another kind of JWT'),
  },
  {
    id: 'client-auth.attestation-cnf',
    clauses: ['CLIENT-ATTESTATION-4-cnf'],
    level: 'MUST',
    title: '`cnf.jwk` of the attestation is a public key',
    check: ({ instanceKey }) =>
      instanceKey.ok ? pass : reject(`\`cnf.jwk\` of the attestation is unfit: ${instanceKey.reason}`),
  },
  {
    id: 'client-auth.attestation-exp',
    clauses: ['CLIENT-ATTESTATION-4-exp'],
    level: 'MUST',
    title: 'the attestation says when it expires',
    check: ({ claims: { exp } }) => (isTime(exp) ? pass : reject('the attestation has no `exp`')),
  },
  {
    id: 'client-auth.attestation-future',
    clauses: ['CLIENT-ATTESTATION-4-iat'],
    level: 'MUST',
    title: '`iat` and `nbf` of the attestation are not further ahead than clocks may differ',
    check: ({ claims: { iat, nbf }, now, profile: { futureSeconds } }) =>
      [iat, nbf].every(time => time === undefined || (isTime(time) && time <= now + futureSeconds))
        ? pass
        : reject('`iat` or `nbf` of the attestation lies ahead or is no time'),
  },
]

/** Asked when the proof of possession holds: only who has the key is told that its attestation is old. */
export const freshAttestationRules: readonly Rule<AttestationInput>[] = [
  {
    id: 'client-auth.attestation-stale',
    clauses: ['CLIENT-ATTESTATION-7.4-fresh'],
    level: 'MUST',
    title: 'the attestation has not expired',
    check: ({ claims: { exp }, now }) =>
      isTime(exp) && now < exp ? pass : fail('use_fresh_attestation', 'the attestation has expired'),
  },
]

/** A decoded proof of possession whose signature was checked already. */
export interface PopInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly issuer: string
  readonly profile: SecurityProfile
  readonly now: EpochSeconds
}

export const popRules: readonly Rule<PopInput>[] = [
  {
    id: 'client-auth.pop-typ',
    clauses: ['CLIENT-ATTESTATION-5.1-typ'],
    level: 'MUST',
    title: '`typ` of the proof is `oauth-client-attestation-pop+jwt`',
    check: ({ header: { typ } }) =>
      isTyp(typ, 'oauth-client-attestation-pop+jwt') ? pass : reject('the proof is another kind of JWT'),
  },
  {
    id: 'client-auth.pop-aud',
    clauses: ['CLIENT-ATTESTATION-5.1-aud'],
    level: 'MUST',
    title: '`aud` of the proof is this issuer alone',
    check: ({ claims: { aud }, issuer }) =>
      aud === issuer || (Array.isArray(aud) && aud.length === 1 && aud[0] === issuer)
        ? pass
        : reject('`aud` of the proof is not this issuer alone'),
  },
  {
    id: 'client-auth.pop-jti',
    clauses: ['CLIENT-ATTESTATION-5.1-jti'],
    level: 'MUST',
    title: `\`jti\` of the proof is there and has at most ${popJtiBytesMax} bytes`,
    check: ({ claims: { jti } }) =>
      typeof jti === 'string' && jti !== '' && Buffer.byteLength(jti) <= popJtiBytesMax
        ? pass
        : reject('the proof has no `jti`, or one that is too long'),
  },
  {
    id: 'client-auth.pop-iat',
    clauses: ['CLIENT-ATTESTATION-5.1-iat', 'CLIENT-ATTESTATION-11.1'],
    level: 'MUST',
    title: 'the proof was made just now',
    check: ({ claims: { iat }, now, profile: { proofAgeSeconds, futureSeconds } }) =>
      isTime(iat) && iat >= now - proofAgeSeconds && iat <= now + futureSeconds
        ? pass
        : reject('`iat` of the proof is absent, too old or ahead'),
  },
]

export interface ChallengeInput {
  readonly challenge: unknown
  readonly isCurrent: (challenge: string) => boolean
}

export const challengeRules: readonly Rule<ChallengeInput>[] = [
  {
    id: 'client-auth.attestation-challenge',
    clauses: ['CLIENT-ATTESTATION-7.4-challenge'],
    level: 'MUST',
    title: 'the proof carries a challenge of ours that still counts',
    check: ({ challenge, isCurrent }) =>
      typeof challenge === 'string' && isCurrent(challenge)
        ? pass
        : fail('use_attestation_challenge', 'the proof carries no current challenge of ours'),
  },
]

function isTyp(typ: unknown, wanted: string): boolean {
  return typeof typ === 'string' && typ.toLowerCase().replace(/^application\//, '') === wanted
}
