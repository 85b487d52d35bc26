import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type EvidenceInput, evidenceRules, type ForwardedInput, forwardedRules } from './rules.ts'

const now = epochSeconds(1_800_000_000)
const forwarded: ForwardedInput = {
  isSecure: true,
  evidences: ['e'],
  phantoms: ['p'],
  credentials: [],
  peer: 'thumb-2',
  peers: ['thumb-1', 'thumb-2'],
}

const misplaced: readonly Refused<ForwardedInput>[] = [
  { name: 'plain HTTP', input: { ...forwarded, isSecure: false }, ruleId: 'evidence.tls' },
  { name: 'no certificate', input: { ...forwarded, peer: undefined }, ruleId: 'evidence.peer' },
  { name: 'another certificate', input: { ...forwarded, peer: 'thumb-3' }, ruleId: 'evidence.peer' },
  { name: 'no peer is listed', input: { ...forwarded, peers: [] }, ruleId: 'evidence.peer' },
  { name: 'two evidences', input: { ...forwarded, evidences: ['e', 'e'] }, ruleId: 'evidence.one' },
  { name: 'no phantom', input: { ...forwarded, phantoms: [] }, ruleId: 'evidence.one' },
  { name: 'two phantoms', input: { ...forwarded, phantoms: ['p', 'p'] }, ruleId: 'evidence.one' },
  { name: 'credentials too', input: { ...forwarded, credentials: ['DPoP t'] }, ruleId: 'evidence.alone' },
]

test('accepts a forwarded request, also of an API that asks for no certificate', () => {
  assert.equal(firstRefusal(forwardedRules, forwarded), undefined)
  assert.equal(firstRefusal(forwardedRules, { ...forwarded, peer: undefined, peers: undefined }), undefined)
})

for (const { name, input, ruleId } of misplaced)
  test(`refuses a forwarded request: ${name}`, () =>
    assert.equal(firstRefusal(forwardedRules, input)?.ruleId, ruleId))

const claims = {
  iss: 'https://gw.example',
  aud: 'urn:api',
  iat: now,
  exp: now + 30,
  jti: 'j'.repeat(256),
  rid: 'r-1',
  cnf: {},
  htm: 'GET',
  target: '/a?b=c',
  pth: 'hash',
}
const good: EvidenceInput = {
  header: { typ: 'holdfast-evidence+jwt', alg: 'ES256' },
  claims,
  issuer: 'https://gw.example',
  audience: 'urn:api',
  algs: ['ES256'],
  method: 'GET',
  target: '/a?b=c',
  phantomHash: 'hash',
  now,
}
const spoilt = (changes: Readonly<Record<string, unknown>>): EvidenceInput => ({
  ...good,
  claims: { ...claims, ...changes },
})

const refusals: readonly Refused<EvidenceInput>[] = [
  { name: 'at+jwt', input: { ...good, header: { typ: 'at+jwt', alg: 'ES256' } }, ruleId: 'evidence.typ' },
  { name: 'no typ', input: { ...good, header: { alg: 'ES256' } }, ruleId: 'evidence.typ' },
  { name: 'another alg', input: { ...good, algs: ['PS256'] }, ruleId: 'evidence.alg' },
  { name: 'another gateway', input: spoilt({ iss: 'https://gw.example/' }), ruleId: 'evidence.iss' },
  { name: 'another API', input: spoilt({ aud: 'urn:other' }), ruleId: 'evidence.aud' },
  { name: 'a list as aud', input: spoilt({ aud: ['urn:api'] }), ruleId: 'evidence.aud' },
  { name: 'no jti', input: spoilt({ jti: undefined }), ruleId: 'evidence.members' },
  { name: 'a jti too long', input: spoilt({ jti: 'j'.repeat(257) }), ruleId: 'evidence.members' },
  { name: 'an empty rid', input: spoilt({ rid: '' }), ruleId: 'evidence.members' },
  { name: 'no cnf', input: spoilt({ cnf: undefined }), ruleId: 'evidence.members' },
  { name: 'a cnf that is null', input: spoilt({ cnf: null }), ruleId: 'evidence.members' },
  { name: 'a life of 31 s', input: spoilt({ exp: now + 31 }), ruleId: 'evidence.time' },
  { name: 'expired this second', input: spoilt({ iat: now - 30, exp: now }), ruleId: 'evidence.time' },
  { name: '6 s ahead', input: spoilt({ iat: now + 6, exp: now + 30 }), ruleId: 'evidence.time' },
  { name: 'a time as text', input: spoilt({ iat: String(now) }), ruleId: 'evidence.time' },
  { name: 'half a second', input: spoilt({ exp: now + 10.5 }), ruleId: 'evidence.time' },
  { name: 'another method', input: { ...good, method: 'POST' }, ruleId: 'evidence.method' },
  { name: 'another path', input: { ...good, target: '/b?b=c' }, ruleId: 'evidence.target' },
  { name: 'another query', input: { ...good, target: '/a?b=d' }, ruleId: 'evidence.target' },
  { name: 'another phantom', input: { ...good, phantomHash: 'other' }, ruleId: 'evidence.token' },
]

test('accepts the good evidence, which lies on the edges', () => {
  assert.equal(firstRefusal(evidenceRules, good), undefined)
  assert.equal(firstRefusal(evidenceRules, spoilt({ iat: now + 5, exp: now + 35 })), undefined)
  assert.equal(firstRefusal(evidenceRules, spoilt({ iat: now - 29, exp: now + 1 })), undefined)
})

for (const { name, input, ruleId } of refusals)
  test(`refuses evidence: ${name}`, () => assert.equal(firstRefusal(evidenceRules, input)?.ruleId, ruleId))
