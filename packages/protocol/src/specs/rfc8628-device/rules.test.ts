import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { PollInput } from './poll-input.ts'
import {
  type DeviceRequestInput,
  deviceGrantType,
  devicePollRules,
  deviceRequestRules,
  normaliseUserCode,
  shownUserCode,
} from './rules.ts'

const asked: DeviceRequestInput = {
  grantTypes: [deviceGrantType],
  profile: { deviceGrant: 'allowed' },
  scopes: ['openid', 'accounts'],
  isDefined: scope => scope === 'accounts' || scope === 'payments',
  allowedScopes: ['openid', 'accounts', 'ghost'],
  hasDetails: false,
}
const requestRefusals: readonly Refused<DeviceRequestInput>[] = [
  { name: 'another grant', input: { ...asked, grantTypes: ['refresh_token'] }, ruleId: 'device.registered' },
  { name: 'FAPI', input: { ...asked, profile: { deviceGrant: 'forbidden' } }, ruleId: 'device.profile' },
  { name: 'no scope', input: { ...asked, scopes: undefined }, ruleId: 'device.scope' },
  { name: 'empty scope', input: { ...asked, scopes: [] }, ruleId: 'device.scope' },
  { name: 'a scope of others', input: { ...asked, scopes: ['payments'] }, ruleId: 'device.scope' },
  { name: 'a scope that is gone', input: { ...asked, scopes: ['ghost'] }, ruleId: 'device.scope' },
]

describe('a device request', () => {
  for (const { name, input, ruleId } of requestRefusals)
    test(`is refused by ${ruleId}: ${name}`, () => {
      assert.equal(firstRefusal(deviceRequestRules, input)?.ruleId, ruleId)
    })
  test('passes', () => assert.equal(firstRefusal(deviceRequestRules, asked), undefined))
  test('passes with details and no scope', () =>
    assert.equal(
      firstRefusal(deviceRequestRules, { ...asked, scopes: undefined, hasDetails: true }),
      undefined,
    ))
})

const now = epochSeconds(1000)
const waiting = {
  clientId: 'tv',
  binding: 'jkt:a',
  isSpent: false,
  isApproved: false,
  isDenied: false,
  polledAt: undefined,
  intervalSeconds: 5,
  expiresAt: epochSeconds(1001),
}
const code = { ...waiting, isApproved: true }
const good: PollInput = {
  now,
  clientId: 'tv',
  binding: 'jkt:a',
  asked: code,
  grant: { isFound: true, isRevoked: false, expiresAt: epochSeconds(1001), isUserActive: true },
}
const spoil = (change: Partial<typeof code>): PollInput => ({ ...good, asked: { ...code, ...change } })
const grant = (change: Partial<PollInput['grant']>): PollInput => ({
  ...good,
  grant: { ...good.grant, ...change },
})
const polled = (at: number): PollInput => ({
  ...good,
  asked: { ...waiting, polledAt: epochSeconds(at) as never },
})

const refusals: readonly (Refused<PollInput> & { readonly error: string })[] = [
  ...(
    [
      ['unknown', { ...good, asked: undefined }, 'device.known'],
      ['of another client', { ...good, clientId: 'x' }, 'device.client'],
      ['another key', { ...good, binding: 'jkt:b' }, 'device.binding'],
      ['no key any more', { ...good, binding: undefined }, 'device.binding'],
      ['used', spoil({ isSpent: true }), 'device.spent'],
      ['grant gone', grant({ isFound: false }), 'device.grant'],
      ['grant revoked', grant({ isRevoked: true }), 'device.grant'],
      ['grant at its end', grant({ expiresAt: now }), 'device.grant'],
      ['user disabled', grant({ isUserActive: false }), 'device.grant'],
    ] as const
  ).map(([name, input, ruleId]) => ({ name, input, ruleId, error: 'invalid_grant' })),
  { name: 'denied', input: spoil({ isDenied: true }), ruleId: 'device.denied', error: 'access_denied' },
  { name: 'at its end', input: spoil({ expiresAt: now }), ruleId: 'device.expired', error: 'expired_token' },
  { name: 'after 4 s', input: polled(996), ruleId: 'device.too-fast', error: 'slow_down' },
  { name: 'after 5 s', input: polled(995), ruleId: 'device.pending', error: 'authorization_pending' },
  {
    name: 'first poll',
    input: { ...good, asked: waiting },
    ruleId: 'device.pending',
    error: 'authorization_pending',
  },
]

describe('a device poll', () => {
  for (const { name, input, ruleId, error } of refusals)
    test(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(devicePollRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, error)
    })
  const soon = spoil({ polledAt: epochSeconds(999) as never })
  for (const [name, input] of [
    ['approved', good],
    ['not yet bound', spoil({ binding: undefined as never })],
    ['approved, and asked again at once', soon],
  ] as const)
    test(`passes: ${name}`, () => assert.equal(firstRefusal(devicePollRules, input), undefined))
})

describe('a code that people type', () => {
  for (const typed of ['BCDFGHJK', 'bcdf-ghjk', ' bcdf ghjk ', 'BCDF\u2013GHJK'])
    test(`reads as it was issued: ${typed}`, () => assert.equal(normaliseUserCode(typed), 'BCDFGHJK'))
  for (const typed of ['', 'BCDFGHJ', 'BCDFGHJKL', 'ACDFGHJK', 'BCDFGHJ1', 'BCDFGHJ\u0130'])
    test(`is no code: ${typed}`, () => assert.equal(normaliseUserCode(typed), undefined))
  test('is shown in two halves', () => assert.equal(shownUserCode('BCDFGHJK'), 'BCDF-GHJK'))
})
