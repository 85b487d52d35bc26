import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { importPublicJwk } from '../../jose/keys.ts'
import { oauth21 } from '../../profiles/oauth21.ts'
import { firstRefusal, type Refused, type Rule } from '../../rule.ts'
import { codeInstanceRules, refreshInstanceRules } from './instance-rules.ts'
import {
  type AttestationFieldsInput,
  type AttestationInput,
  attestationFieldRules,
  attestationRules,
  type ChallengeInput,
  challengeRules,
  freshAttestationRules,
  type PopInput,
  popRules,
} from './rules.ts'

const now = epochSeconds(1_800_000_000)
const jwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
const issuer = 'https://as.example'

const goodFields: AttestationFieldsInput = { attestations: ['a'], pops: ['p'] }
const goodAttestation: AttestationInput = {
  header: { typ: 'oauth-client-attestation+jwt' },
  claims: { exp: now + 1, iat: now + 30, nbf: now + 30 },
  profile: oauth21,
  now,
  instanceKey: importPublicJwk(jwk),
}
const withClaims = (claims: object): AttestationInput => ({
  ...goodAttestation,
  claims: { ...goodAttestation.claims, ...claims },
})
const goodPop: PopInput = {
  header: { typ: 'oauth-client-attestation-pop+jwt' },
  claims: { aud: issuer, jti: 'j'.repeat(256), iat: now },
  issuer,
  profile: oauth21,
  now,
}
const popWith = (claims: object): PopInput => ({ ...goodPop, claims: { ...goodPop.claims, ...claims } })
const goodChallenge: ChallengeInput = { challenge: 'c', isCurrent: challenge => challenge === 'c' }

const fieldRefusals: readonly Refused<AttestationFieldsInput>[] = [
  {
    name: 'two attestations',
    input: { ...goodFields, attestations: ['a', 'a'] },
    ruleId: 'client-auth.attestation-fields',
  },
  {
    name: 'two proofs',
    input: { ...goodFields, pops: ['p', 'p'] },
    ruleId: 'client-auth.attestation-fields',
  },
  {
    name: 'a proof alone',
    input: { ...goodFields, attestations: [] },
    ruleId: 'client-auth.attestation-missing',
  },
]
const attestationRefusals: readonly Refused<AttestationInput>[] = [
  { name: 'no typ', input: { ...goodAttestation, header: {} }, ruleId: 'client-auth.attestation-typ' },
  {
    name: 'the typ of a proof',
    input: { ...goodAttestation, header: { typ: 'oauth-client-attestation-pop+jwt' } },
    ruleId: 'client-auth.attestation-typ',
  },
  {
    name: 'a private key',
    input: { ...goodAttestation, instanceKey: importPublicJwk({ ...jwk, d: 'AA' }) },
    ruleId: 'client-auth.attestation-cnf',
  },
  {
    name: 'no key',
    input: { ...goodAttestation, instanceKey: importPublicJwk(undefined) },
    ruleId: 'client-auth.attestation-cnf',
  },
  { name: 'no exp', input: withClaims({ exp: undefined }), ruleId: 'client-auth.attestation-exp' },
  { name: 'an exp in text', input: withClaims({ exp: '9' }), ruleId: 'client-auth.attestation-exp' },
  { name: 'an iat ahead', input: withClaims({ iat: now + 31 }), ruleId: 'client-auth.attestation-future' },
  { name: 'an nbf ahead', input: withClaims({ nbf: now + 31 }), ruleId: 'client-auth.attestation-future' },
  { name: 'an iat in text', input: withClaims({ iat: '1' }), ruleId: 'client-auth.attestation-future' },
]
const popRefusals: readonly Refused<PopInput>[] = [
  { name: 'no typ', input: { ...goodPop, header: {} }, ruleId: 'client-auth.pop-typ' },
  {
    name: 'the typ of DPoP',
    input: { ...goodPop, header: { typ: 'dpop+jwt' } },
    ruleId: 'client-auth.pop-typ',
  },
  { name: 'no aud', input: popWith({ aud: undefined }), ruleId: 'client-auth.pop-aud' },
  { name: 'another aud', input: popWith({ aud: `${issuer}/token` }), ruleId: 'client-auth.pop-aud' },
  { name: 'two audiences', input: popWith({ aud: [issuer, 'https://b'] }), ruleId: 'client-auth.pop-aud' },
  { name: 'no jti', input: popWith({ jti: undefined }), ruleId: 'client-auth.pop-jti' },
  { name: 'an empty jti', input: popWith({ jti: '' }), ruleId: 'client-auth.pop-jti' },
  { name: 'a jti of 257 bytes', input: popWith({ jti: 'j'.repeat(257) }), ruleId: 'client-auth.pop-jti' },
  { name: 'no iat', input: popWith({ iat: undefined }), ruleId: 'client-auth.pop-iat' },
  { name: 'an iat 61 seconds ago', input: popWith({ iat: now - 61 }), ruleId: 'client-auth.pop-iat' },
  { name: 'an iat 31 seconds ahead', input: popWith({ iat: now + 31 }), ruleId: 'client-auth.pop-iat' },
]
const challengeRefusals: readonly Refused<ChallengeInput>[] = [
  {
    name: 'no challenge',
    input: { ...goodChallenge, challenge: undefined },
    ruleId: 'client-auth.attestation-challenge',
  },
  {
    name: 'an old challenge',
    input: { ...goodChallenge, challenge: 'b' },
    ruleId: 'client-auth.attestation-challenge',
  },
  {
    name: 'a challenge that is no text',
    input: { ...goodChallenge, challenge: 1 },
    ruleId: 'client-auth.attestation-challenge',
  },
]

function judged<Input>(
  title: string,
  rules: readonly Rule<Input>[],
  good: readonly Input[],
  refusals: readonly Refused<Input>[],
): void {
  describe(title, () => {
    test('good ones pass', () => {
      for (const input of good) assert.equal(firstRefusal(rules, input), undefined)
    })
    for (const { name, input, ruleId } of refusals)
      test(`${name} is refused by ${ruleId}`, () => assert.equal(firstRefusal(rules, input)?.ruleId, ruleId))
  })
}

judged(
  'header fields of a client attestation',
  attestationFieldRules,
  [goodFields, { ...goodFields, pops: [] }],
  fieldRefusals,
)
judged(
  'a client attestation',
  attestationRules,
  [goodAttestation, withClaims({ iat: undefined, nbf: undefined }), withClaims({ exp: now - 1 })],
  attestationRefusals,
)
judged(
  'the age of a client attestation',
  freshAttestationRules,
  [goodAttestation],
  [
    {
      name: 'one in the second it expires',
      input: withClaims({ exp: now }),
      ruleId: 'client-auth.attestation-stale',
    },
  ],
)
judged(
  'a proof of possession',
  popRules,
  [goodPop, popWith({ aud: [issuer] }), popWith({ iat: now - 60 }), popWith({ iat: now + 30 })],
  popRefusals,
)
judged(
  'a code of a client instance',
  codeInstanceRules,
  [
    { bound: undefined, proven: undefined },
    { bound: undefined, proven: 'a' },
    { bound: 'a', proven: 'a' },
  ],
  [
    { name: 'another instance', input: { bound: 'a', proven: 'b' }, ruleId: 'code.instance-key' },
    { name: 'no instance', input: { bound: 'a', proven: undefined }, ruleId: 'code.instance-key' },
  ],
)
judged(
  'a refresh token of a client instance',
  refreshInstanceRules,
  [
    { bound: undefined, proven: undefined },
    { bound: undefined, proven: 'a' },
    { bound: 'a', proven: 'a' },
  ],
  [
    { name: 'another instance', input: { bound: 'a', proven: 'b' }, ruleId: 'refresh.instance-key' },
    { name: 'no instance', input: { bound: 'a', proven: undefined }, ruleId: 'refresh.instance-key' },
  ],
)
judged('the challenge in a proof', challengeRules, [goodChallenge], challengeRefusals)
