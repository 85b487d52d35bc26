import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { PollInput } from '../rfc8628-device/poll-input.ts'
import { cibaPollRules } from './poll-rules.ts'

type Asked = NonNullable<PollInput['asked']>

const now = epochSeconds(1000)
const waiting: Asked = {
  clientId: 'pos',
  binding: 'jkt:a',
  isSpent: false,
  isApproved: false,
  isDenied: false,
  polledAt: undefined,
  intervalSeconds: 5,
  expiresAt: epochSeconds(1001),
}
const asked: Asked = { ...waiting, isApproved: true }
const good: PollInput = {
  now,
  clientId: 'pos',
  binding: 'jkt:a',
  asked,
  grant: { isFound: true, isRevoked: false, expiresAt: epochSeconds(1001), isUserActive: true },
}
const spoil = (change: Partial<Asked>): PollInput => ({ ...good, asked: { ...asked, ...change } })
const grant = (change: Partial<PollInput['grant']>): PollInput => ({
  ...good,
  grant: { ...good.grant, ...change },
})
const polled = (at: number | undefined): PollInput => ({
  ...good,
  asked: { ...waiting, polledAt: at === undefined ? undefined : epochSeconds(at) },
})

const refusals: readonly (Refused<PollInput> & { readonly error: string })[] = [
  ...(
    [
      ['unknown', { ...good, asked: undefined }, 'ciba.known'],
      ['of another client', { ...good, clientId: 'x' }, 'ciba.client'],
      ['another key', { ...good, binding: 'jkt:b' }, 'ciba.binding'],
      ['no key any more', { ...good, binding: undefined }, 'ciba.binding'],
      ['used', spoil({ isSpent: true }), 'ciba.spent'],
      ['grant gone', grant({ isFound: false }), 'ciba.grant'],
      ['grant revoked', grant({ isRevoked: true }), 'ciba.grant'],
      ['grant at its end', grant({ expiresAt: now }), 'ciba.grant'],
      ['user disabled', grant({ isUserActive: false }), 'ciba.grant'],
    ] as const
  ).map(([name, input, ruleId]) => ({ name, input, ruleId, error: 'invalid_grant' })),
  { name: 'denied', input: spoil({ isDenied: true }), ruleId: 'ciba.denied', error: 'access_denied' },
  { name: 'at its end', input: spoil({ expiresAt: now }), ruleId: 'ciba.expired', error: 'expired_token' },
  { name: 'after 4 s', input: polled(996), ruleId: 'ciba.too-fast', error: 'slow_down' },
  { name: 'after 5 s', input: polled(995), ruleId: 'ciba.pending', error: 'authorization_pending' },
  { name: 'first', input: polled(undefined), ruleId: 'ciba.pending', error: 'authorization_pending' },
]

describe('a poll', () => {
  for (const { name, input, ruleId, error } of refusals)
    test(`is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(cibaPollRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      assert.equal(refusal?.error, error)
    })
  for (const [name, input] of [
    ['approved', good],
    ['not yet bound', spoil({ binding: undefined })],
    ['approved, and asked again at once', spoil({ polledAt: epochSeconds(999) })],
  ] as const)
    test(`passes: ${name}`, () => assert.equal(firstRefusal(cibaPollRules, input), undefined))
})
