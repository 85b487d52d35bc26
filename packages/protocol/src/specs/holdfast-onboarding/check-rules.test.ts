import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { firstRefusal, type Refused, type Rule } from '../../rule.ts'
import {
  type OnboardingCertificateInput,
  type OnboardingContactInput,
  type OnboardingKeyInput,
  type OnboardingRecordInput,
  type OnboardingRedirectInput,
  onboardingCertificateRules,
  onboardingContactRules,
  onboardingKeyRules,
  onboardingRecordRules,
  onboardingRedirectRules,
} from './check-rules.ts'

const ec = (namedCurve: string) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve })
  return { public: publicKey.export({ format: 'jwk' }), private: privateKey.export({ format: 'jwk' }) }
}
const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
const labels = { kid: 'k1', use: 'sig', alg: 'ES256' }
const p256 = ec('P-256')

const key: OnboardingKeyInput = {
  jwk: { ...p256.public, ...labels },
  field: 'jwks.keys[0]',
  otherKids: ['k2'],
  profile: fapi2Security,
}
const keyRefusals: readonly Refused<OnboardingKeyInput>[] = [
  {
    name: 'a private key',
    input: { ...key, jwk: { ...p256.private, ...labels } },
    ruleId: 'onboarding.key-public',
  },
  {
    name: 'a shared secret',
    input: { ...key, jwk: { kty: 'oct', k: 'AA', ...labels } },
    ruleId: 'onboarding.key-public',
  },
  {
    name: 'RSA of 1024 bits',
    input: { ...key, jwk: { ...rsa(1024), ...labels, alg: 'PS256' } },
    ruleId: 'onboarding.key-strength',
  },
  {
    name: 'a point that is none',
    input: { ...key, jwk: { ...key.jwk, y: 'AAAA' } },
    ruleId: 'onboarding.key-strength',
  },
  {
    name: 'an algorithm that the profile does not have',
    input: { ...key, jwk: { ...rsa(2048), ...labels, alg: 'RS256' } },
    ruleId: 'onboarding.key-alg',
  },
  {
    name: 'a curve that signs nothing here',
    input: { ...key, jwk: { ...ec('P-384').public, ...labels, alg: 'ES384' } },
    ruleId: 'onboarding.key-alg',
  },
  {
    name: 'no `kid` beside another key',
    input: { ...key, jwk: { ...key.jwk, kid: undefined } },
    ruleId: 'onboarding.key-id',
  },
  { name: 'the `kid` of another key', input: { ...key, otherKids: ['k1'] }, ruleId: 'onboarding.key-id' },
  { name: 'no `use`', input: { ...key, jwk: { ...key.jwk, use: undefined } }, ruleId: 'onboarding.key-use' },
  { name: 'no `alg`', input: { ...key, jwk: { ...key.jwk, alg: undefined } }, ruleId: 'onboarding.key-use' },
]
const keyFine: readonly OnboardingKeyInput[] = [
  key,
  { ...key, jwk: { ...rsa(2048), ...labels, alg: 'PS256' } },
  { ...key, otherKids: [], jwk: { ...key.jwk, kid: undefined } },
  { ...key, jwk: { ...ec('P-384').public, kid: 'e', use: 'enc', alg: 'ECDH-ES' } },
]

const redirect: OnboardingRedirectInput = {
  ...{ uri: 'https://app.example/cb', field: 'redirect_uris[0]', metadata: {} },
  ...{ environment: 'production', sharedWith: undefined },
}
const redirectRefusals: readonly Refused<OnboardingRedirectInput>[] = [
  {
    name: 'a wildcard',
    input: { ...redirect, uri: 'https://*.example/cb' },
    ruleId: 'onboarding.redirect-form',
  },
  {
    name: 'a fragment',
    input: { ...redirect, uri: 'https://app.example/cb#x' },
    ruleId: 'onboarding.redirect-form',
  },
  { name: 'http', input: { ...redirect, uri: 'http://app.example/cb' }, ruleId: 'onboarding.redirect-form' },
  {
    name: 'localhost in production',
    input: { ...redirect, uri: 'https://localhost/cb' },
    ruleId: 'onboarding.redirect-form',
  },
  {
    name: 'a name below localhost',
    input: { ...redirect, uri: 'https://app.localhost/cb' },
    ruleId: 'onboarding.redirect-local',
  },
  {
    name: 'another loopback address',
    input: { ...redirect, uri: 'https://127.0.0.2/cb' },
    ruleId: 'onboarding.redirect-local',
  },
  {
    name: 'that of another client',
    input: { ...redirect, sharedWith: 'shop' },
    ruleId: 'onboarding.redirect-shared',
  },
]
const redirectFine: readonly OnboardingRedirectInput[] = [
  redirect,
  { ...redirect, environment: 'development', uri: 'https://localhost/cb' },
  { ...redirect, uri: 'http://127.0.0.1/cb', metadata: { application_type: 'native' } },
]

const contact: OnboardingContactInput = {
  field: 'securityOwner',
  name: 'Security',
  email: 'sec@bank.example',
}
const contactRefusals: readonly Refused<OnboardingContactInput>[] = [
  ...['sec', 'sec@bank', 'sec @bank.example', '@bank.example', 'a@b@c.example', '<sec@bank.example>'].map(
    email => ({
      name: `the address ${email}`,
      input: { ...contact, email },
      ruleId: 'onboarding.contact',
    }),
  ),
  { name: 'no name', input: { ...contact, name: ' ' }, ruleId: 'onboarding.contact' },
]

const now = 1_800_000_000
const day = 86_400
const certificate: OnboardingCertificateInput = {
  ...{ field: 'certificates[0]', isReadable: true, isTrusted: true, matchesSubject: true, now },
  ...{ notBefore: now, notAfter: now + 30 * day },
}
const certificateRefusals: readonly Refused<OnboardingCertificateInput>[] = [
  {
    name: 'no certificate at all',
    input: { ...certificate, isReadable: false },
    ruleId: 'onboarding.certificate-form',
  },
  {
    name: 'a foreign authority',
    input: { ...certificate, isTrusted: false },
    ruleId: 'onboarding.certificate-chain',
  },
  {
    name: 'a second too early',
    input: { ...certificate, notBefore: now + 1 },
    ruleId: 'onboarding.certificate-dates',
  },
  {
    name: 'a second too late',
    input: { ...certificate, notAfter: now - 1 },
    ruleId: 'onboarding.certificate-dates',
  },
  {
    name: 'less than 30 days left',
    input: { ...certificate, notAfter: now + 30 * day - 1 },
    ruleId: 'onboarding.certificate-ends',
  },
  {
    name: 'another subject',
    input: { ...certificate, matchesSubject: false },
    ruleId: 'onboarding.certificate-subject',
  },
]

const record: OnboardingRecordInput = {
  ...{ riskTier: 3, neededTier: 3, metadata: {}, evidenceCount: 1, certificateCount: 0, keyDays: 398 },
  ...{ usableKeyCount: 1, jwksUriProblem: undefined, statementProblem: undefined, statementDiffers: [] },
  needsKeys: false,
}
const recordRefusals: readonly Refused<OnboardingRecordInput>[] = [
  { name: 'a tier too low', input: { ...record, riskTier: 2 }, ruleId: 'onboarding.tier-stated' },
  {
    name: 'no evidence from tier 2 on',
    input: { ...record, riskTier: 2, neededTier: 2, evidenceCount: 0 },
    ruleId: 'onboarding.evidence',
  },
  {
    name: 'keys that cannot be fetched',
    input: { ...record, jwksUriProblem: 'status 404' },
    ruleId: 'onboarding.jwks-uri',
  },
  { name: 'no key to sign with', input: { ...record, usableKeyCount: 0 }, ruleId: 'onboarding.keys' },
  {
    name: 'no key although requests are signed',
    input: {
      ...record,
      metadata: { token_endpoint_auth_method: 'none' },
      usableKeyCount: 0,
      needsKeys: true,
    },
    ruleId: 'onboarding.keys',
  },
  {
    name: 'no certificate for mutual TLS',
    input: { ...record, metadata: { token_endpoint_auth_method: 'tls_client_auth' } },
    ruleId: 'onboarding.certificate-present',
  },
  {
    name: 'a statement of nobody',
    input: { ...record, statementProblem: 'nobody trusts it' },
    ruleId: 'onboarding.statement',
  },
  {
    name: 'a statement about something else',
    input: { ...record, statementDiffers: ['redirect_uris'] },
    ruleId: 'onboarding.statement',
  },
  { name: 'keys of 399 days', input: { ...record, keyDays: 399 }, ruleId: 'onboarding.rotation-plan' },
]
const recordFine: readonly OnboardingRecordInput[] = [
  record,
  { ...record, riskTier: 1, neededTier: 0, evidenceCount: 0, keyDays: 1095 },
  { ...record, metadata: { token_endpoint_auth_method: 'none' }, usableKeyCount: 0 },
  {
    ...record,
    metadata: { token_endpoint_auth_method: 'tls_client_auth' },
    certificateCount: 1,
    usableKeyCount: 0,
  },
]

/** Good ones pass, and each bad one is refused by its rule, which says where and what to do. */
function judged<Input>(
  what: string,
  rules: readonly Rule<Input>[],
  fine: readonly Input[],
  refusals: readonly Refused<Input>[],
): void {
  describe(`the check of ${what}`, () => {
    for (const [index, input] of fine.entries())
      test(`passes (${index})`, () => assert.equal(firstRefusal(rules, input), undefined))
    for (const { name, input, ruleId } of refusals)
      test(`finds ${name}`, () => {
        const refusal = firstRefusal(rules, input)
        assert.equal(refusal?.ruleId, ruleId)
        assert.ok(refusal.facts?.field)
        assert.ok(refusal.facts.fix)
      })
  })
}

judged('a key', onboardingKeyRules, keyFine, keyRefusals)
judged('a redirect URI', onboardingRedirectRules, redirectFine, redirectRefusals)
judged('a contact', onboardingContactRules, [contact], contactRefusals)
judged('a certificate', onboardingCertificateRules, [certificate], certificateRefusals)
judged('a record', onboardingRecordRules, recordFine, recordRefusals)
