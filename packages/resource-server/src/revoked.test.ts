import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { type RevocationTopic, revocationDigest } from '@holdfast/protocol/revocation-event.ts'
import { type Revocation, Revoked, rememberedSeconds } from './revoked.ts'
import { factsOf, type TokenFacts } from './token.ts'

const issuer = 'https://as.example'
const now = 1_800_000_000
const facts = (changes: Readonly<Record<string, unknown>> = {}): TokenFacts =>
  factsOf(
    {
      ...{ iss: issuer, sub: 'u', client_id: 'c', aud: 'a', jti: 'j', iat: now, exp: now + 300 },
      ...{ txn: 't' },
      ...changes,
    },
    'jwt',
  )
const ended = (topic: RevocationTopic, name: string, at = now): Revocation => ({
  topic,
  digest: revocationDigest(topic, issuer, name),
  at: epochSeconds(at),
})

describe('what the feed said', () => {
  const cases: readonly [string, Revocation, TokenFacts, string][] = [
    ['its token', ended('token', 'j'), facts(), 'revoked'],
    ['its grant', ended('grant', 't'), facts(), 'revoked'],
    ['its user', ended('subject', 'u'), facts(), 'doubtful'],
    ['its client', ended('client', 'c'), facts(), 'doubtful'],
    ['the client it is of', ended('client', 'u'), facts(), 'doubtful'],
    ['any client, and it was exchanged', ended('client', 'x'), facts({ act: { sub: 'c' } }), 'doubtful'],
    ['another token', ended('token', 'k'), facts(), 'good'],
    ['a token called as its grant is', ended('token', 't'), facts(), 'good'],
    ['another user', ended('subject', 'v'), facts(), 'good'],
    ['another client', ended('client', 'd'), facts(), 'good'],
    [
      'everything of its issuer, a second after it was issued',
      ended('issuer', issuer, now + 1),
      facts(),
      'revoked',
    ],
    ['everything of its issuer, in the second it was issued', ended('issuer', issuer), facts(), 'doubtful'],
    [
      'everything of its issuer, ten seconds before it was issued',
      ended('issuer', issuer, now - 10),
      facts(),
      'doubtful',
    ],
    [
      'everything of its issuer, eleven seconds before it was issued',
      ended('issuer', issuer, now - 11),
      facts(),
      'good',
    ],
    ['its user, ten seconds before it was issued', ended('subject', 'u', now - 10), facts(), 'doubtful'],
    ['its user, eleven seconds before it was issued', ended('subject', 'u', now - 11), facts(), 'good'],
  ]
  for (const [name, revocation, token, standing] of cases)
    test(`a token is ${standing} when what ended is ${name}`, () => {
      const revoked = new Revoked(issuer, () => 0)
      assert.equal(revoked.add(revocation), true)
      assert.equal(revoked.standingOf(token), standing)
    })

  test('the end of everything of an issuer is never moved back, takes no room and is not forgotten', () => {
    const clock = { ms: 0 }
    const revoked = new Revoked(issuer, () => clock.ms)
    const [older, newer] = [ended('issuer', issuer, now - 100), ended('issuer', issuer, now + 1)]
    assert.deepEqual(
      [older, newer, older, newer].map(one => revoked.add(one)),
      [true, true, false, false],
    )
    assert.equal(revoked.add(ended('issuer', 'https://other.example', now + 60)), false)
    assert.equal(revoked.size, 0)
    clock.ms = rememberedSeconds * 2000
    revoked.add(ended('token', 'other'))
    assert.equal(revoked.standingOf(facts()), 'revoked')
    assert.equal(revoked.standingOf(facts({ iat: now + 12 })), 'good')
  })

  test('the same again and an older one later change nothing, in any order', () => {
    const revoked = new Revoked(issuer, () => 0)
    const [older, newer] = [ended('subject', 'u', now - 100), ended('subject', 'u', now)]
    assert.deepEqual(
      [newer, older, newer].map(one => revoked.add(one)),
      [true, false, false],
    )
    assert.equal(revoked.standingOf(facts()), 'doubtful')
    assert.equal(revoked.size, 1)
  })

  test('is remembered on a clock that never steps, longer than any token lives', () => {
    const clock = { ms: 0 }
    const revoked = new Revoked(issuer, () => clock.ms)
    revoked.add(ended('token', 'j'))
    clock.ms = rememberedSeconds * 1000 - 1
    revoked.add(ended('token', 'other'))
    assert.equal(revoked.standingOf(facts()), 'revoked')
    clock.ms += 1
    revoked.add(ended('token', 'another'))
    assert.equal(revoked.size, 2)
    assert.equal(revoked.isComplete, true)
  })

  test('has an end, and what was dropped too early makes everything doubtful until its time is over', () => {
    const clock = { ms: 0 }
    const revoked = new Revoked(issuer, () => clock.ms, 3)
    for (const name of ['1', '2', '3']) revoked.add(ended('token', name))
    assert.equal(revoked.isComplete, true)
    revoked.add(ended('token', '4'))
    assert.equal(revoked.size, 3)
    assert.equal(revoked.isComplete, false)
    clock.ms = rememberedSeconds * 1000
    assert.equal(revoked.isComplete, true)
  })

  test('a key is known by its thumbprint', () => {
    const revoked = new Revoked(issuer, () => 0)
    revoked.add(ended('key', 'thumb'))
    assert.equal(revoked.isKeyRevoked('thumb'), true)
    assert.equal(revoked.isKeyRevoked('other'), false)
  })
})
