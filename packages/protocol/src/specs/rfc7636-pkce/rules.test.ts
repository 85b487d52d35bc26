import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fapi1Advanced } from '../../profiles/fapi1-advanced.ts'
import { fapi2Security } from '../../profiles/fapi2-security.ts'
import { oidcBaseline } from '../../profiles/oidc-baseline.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type PkceInput, type PkceVerifierInput, pkceRules, pkceVerifierRules } from './rules.ts'

const good: PkceInput = {
  profile: fapi2Security,
  isPublic: false,
  pushed: true,
  codeChallenge: 'a'.repeat(43),
  codeChallengeMethod: 'S256',
}

const refusals: readonly Refused<PkceInput>[] = [
  {
    name: 'no challenge where the profile requires one',
    input: { ...good, codeChallenge: undefined, codeChallengeMethod: undefined },
    ruleId: 'pkce.required',
  },
  {
    name: 'no challenge from a public client of a lax profile',
    input: {
      profile: oidcBaseline,
      isPublic: true,
      pushed: false,
      codeChallenge: undefined,
      codeChallengeMethod: undefined,
    },
    ruleId: 'pkce.required',
  },
  {
    name: 'no challenge in a push where pushes need one',
    input: { ...good, profile: fapi1Advanced, codeChallenge: undefined, codeChallengeMethod: undefined },
    ruleId: 'pkce.required',
  },
  {
    name: 'plain where only pushes need a challenge',
    input: { ...good, profile: fapi1Advanced, pushed: false, codeChallengeMethod: 'plain' },
    ruleId: 'pkce.method',
  },
  { name: 'plain method', input: { ...good, codeChallengeMethod: 'plain' }, ruleId: 'pkce.method' },
  { name: 'lower-case method', input: { ...good, codeChallengeMethod: 's256' }, ruleId: 'pkce.method' },
  {
    name: 'absent method, which means plain',
    input: { ...good, codeChallengeMethod: undefined },
    ruleId: 'pkce.method',
  },
  {
    name: 'a method without a challenge',
    input: { ...good, profile: oidcBaseline, codeChallenge: undefined },
    ruleId: 'pkce.method',
  },
  { name: 'one character short', input: { ...good, codeChallenge: 'a'.repeat(42) }, ruleId: 'pkce.format' },
  { name: 'one character long', input: { ...good, codeChallenge: 'a'.repeat(44) }, ruleId: 'pkce.format' },
  { name: 'padding', input: { ...good, codeChallenge: 'a'.repeat(42) + '=' }, ruleId: 'pkce.format' },
]

test('a challenge of 43 characters with S256 passes', () => {
  assert.equal(firstRefusal(pkceRules, good), undefined)
})

test('a confidential client of a profile that only allows PKCE may leave it out', () => {
  const input = { ...good, profile: oidcBaseline, codeChallenge: undefined, codeChallengeMethod: undefined }
  assert.equal(firstRefusal(pkceRules, input), undefined)
})

for (const { name, input, ruleId } of refusals) {
  test(`a challenge is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(pkceRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_request')
  })
}

const vectors: readonly PkceVerifierInput[] = [
  {
    codeVerifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  },
  {
    codeVerifier: 'dM8HYjgPw9HgF2udgLACpt72AABukQLUlULKTBH1pnk',
    codeChallenge: 'lyo-_fjHg_Yz6ooviR1z1B1muqUgh62AIjwE3qlPclE',
  },
  // SHA-256 of 128 times `a`.
  { codeVerifier: 'a'.repeat(128), codeChallenge: 'aDbPE7rEAOkQUHHNavRwhN-srU5eMCyUv-0k4BOvtz4' },
  { codeVerifier: undefined, codeChallenge: undefined },
]

for (const vector of vectors)
  test(`the verifier of ${vector.codeChallenge ?? 'no challenge'} passes`, () => {
    assert.equal(firstRefusal(pkceVerifierRules, vector), undefined)
  })

const [first] = vectors as [PkceVerifierInput]
const verifierRefusals: readonly Refused<PkceVerifierInput>[] = [
  { name: 'no verifier', input: { ...first, codeVerifier: undefined }, ruleId: 'pkce.verifier-present' },
  {
    name: 'a verifier nobody asked for',
    input: { ...first, codeChallenge: undefined },
    ruleId: 'pkce.downgrade',
  },
  {
    name: '42 characters',
    input: { ...first, codeVerifier: 'a'.repeat(42) },
    ruleId: 'pkce.verifier-format',
  },
  {
    name: '129 characters',
    input: { ...first, codeVerifier: 'a'.repeat(129) },
    ruleId: 'pkce.verifier-format',
  },
  { name: 'a space', input: { ...first, codeVerifier: ' '.repeat(43) }, ruleId: 'pkce.verifier-format' },
  {
    name: 'another verifier',
    input: { ...first, codeVerifier: 'a'.repeat(43) },
    ruleId: 'pkce.verifier-match',
  },
  {
    name: 'the challenge itself',
    input: { ...first, codeVerifier: first.codeChallenge },
    ruleId: 'pkce.verifier-match',
  },
]

for (const { name, input, ruleId } of verifierRefusals) {
  test(`a verifier is refused by ${ruleId}: ${name}`, () => {
    const refusal = firstRefusal(pkceVerifierRules, input)
    assert.equal(refusal?.ruleId, ruleId)
    assert.equal(refusal?.error, 'invalid_grant')
  })
}

test('a signed request in the browser needs no challenge where only pushes do', () => {
  const unpushed = { ...good, profile: fapi1Advanced, pushed: false }
  assert.equal(firstRefusal(pkceRules, unpushed), undefined)
  const bare = { ...unpushed, codeChallenge: undefined, codeChallengeMethod: undefined }
  assert.equal(firstRefusal(pkceRules, bare), undefined)
})
