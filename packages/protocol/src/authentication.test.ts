import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type AuthenticationMethod,
  amrOf,
  defaultAuthenticationLevels as levels,
  type MethodTimes,
  missingMethods,
  reachesLevel,
  stateAuthentication,
} from './authentication.ts'
import { epochSeconds } from './brand.ts'

const [pwd, mfa, phr] = levels.map(({ acr }) => acr) as [string, string, string]
const at = epochSeconds
const all: readonly AuthenticationMethod[] = ['pwd', 'otp', 'passkey']

describe('levels of authentication', () => {
  it('the strongest level reached is stated when none is asked for', () => {
    assert.equal(stateAuthentication(levels, [], { pwd: at(5) })?.acr, pwd)
    assert.equal(stateAuthentication(levels, [], { pwd: at(5), otp: at(6) })?.acr, mfa)
    assert.equal(stateAuthentication(levels, [], { passkey: at(7) })?.acr, phr)
    assert.equal(stateAuthentication(levels, [], { otp: at(7) }), undefined)
  })

  it('the first value asked for that is reached is stated, also by something stronger', () => {
    assert.equal(stateAuthentication(levels, [mfa], { passkey: at(7) })?.acr, mfa)
    assert.equal(stateAuthentication(levels, [mfa, phr], { passkey: at(7) })?.acr, mfa)
    assert.equal(stateAuthentication(levels, [phr, pwd], { pwd: at(7) })?.acr, pwd)
    assert.equal(stateAuthentication(levels, [phr], { pwd: at(7), otp: at(7) }), undefined)
    assert.equal(stateAuthentication(levels, ['urn:unknown'], { passkey: at(7) }), undefined)
  })

  it('a level is as old as the oldest method it needs, by the freshest way there is', () => {
    assert.equal(stateAuthentication(levels, [mfa], { pwd: at(100), otp: at(900) })?.authTime, 100)
    const both = { pwd: at(100), otp: at(900), passkey: at(500) }
    assert.equal(stateAuthentication(levels, [mfa], both)?.authTime, 500)
    assert.deepEqual(stateAuthentication(levels, [pwd], { pwd: at(800), otp: at(1) })?.amr, ['pwd'])
  })

  it('amr names what was used, as RFC 8176 registers it', () => {
    assert.deepEqual(amrOf(['pwd']), ['pwd'])
    assert.deepEqual(amrOf(['pwd', 'otp']), ['pwd', 'otp', 'mfa'])
    assert.deepEqual(amrOf(['passkey']), ['pop', 'user', 'mfa'])
  })

  it('what is missing is only what the user has', () => {
    assert.deepEqual(missingMethods(levels, [mfa], { pwd: at(1) }, all), [['otp'], ['passkey']])
    assert.deepEqual(missingMethods(levels, [mfa], { pwd: at(1) }, ['pwd', 'passkey']), [['passkey']])
    assert.deepEqual(missingMethods(levels, [phr, mfa], { pwd: at(1) }, ['pwd', 'otp']), [['otp']])
    assert.deepEqual(missingMethods(levels, [phr], { pwd: at(1) }, ['pwd', 'otp']), [])
    assert.deepEqual(missingMethods(levels, ['urn:unknown'], {}, all), [])
  })

  it('a stronger level reaches every weaker one and no other', () => {
    assert.ok(reachesLevel(levels, phr, pwd) && reachesLevel(levels, mfa, mfa))
    assert.ok(!reachesLevel(levels, pwd, mfa) && !reachesLevel(levels, mfa, phr))
    assert.ok(!reachesLevel(levels, 'urn:unknown', pwd) && !reachesLevel(levels, phr, 'urn:unknown'))
  })

  it('doing what is missing reaches what was asked for, and more methods never reach less', () => {
    const times = fc.record(
      {
        pwd: fc.integer({ min: 1, max: 99 }),
        otp: fc.integer({ min: 1, max: 99 }),
        passkey: fc.constant(50),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(times, fc.subarray([pwd, mfa, phr], { minLength: 1 }), (found, asked) => {
        const had = found as unknown as MethodTimes
        for (const way of missingMethods(levels, asked, had, all)) {
          const done = { ...had, ...Object.fromEntries(way.map(method => [method, at(100)])) }
          assert.ok(stateAuthentication(levels, asked, done))
        }
        if (stateAuthentication(levels, asked, had))
          assert.ok(stateAuthentication(levels, asked, { ...had, passkey: at(100) }))
      }),
    )
  })
})
