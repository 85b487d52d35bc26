import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { epochSeconds } from '../../brand.ts'
import { firstRefusal } from '../../rule.ts'
import {
  statusClaimRules,
  statusListHeaderRules,
  statusListQueryRules,
  statusListRules,
  statusReferenceOf,
  statusRules,
} from './rules.ts'
import { invalidBits, type StatusBits, statusAt } from './status-list.ts'

const issuer = 'https://as.example'
const uri = `${issuer}/status-lists/1`
const now = epochSeconds(1_800_000_000)

describe('the bytes of a list', () => {
  it('a list has the bytes of the checklist', () => {
    assert.equal(invalidBits([1, 3, 8, 15], 16).toString('hex'), '0a81')
    assert.equal(inflateSync(Buffer.from('eNrjagQAAJcAjA', 'base64url')).toString('hex'), '0a81')
    const twoBits = inflateSync(Buffer.from('eNpTZGkAAADuAKY', 'base64url'))
    assert.equal(twoBits.toString('hex'), '210480')
    const read = Array.from({ length: 13 }, (_, index) => statusAt(twoBits, 2, index))
    assert.deepEqual(read, [1, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 2, undefined])
  })

  it('what was set is read back, and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(299)), invalid => {
        const bytes = invalidBits(invalid, 300)
        const read = Array.from({ length: 300 }, (_, index) => statusAt(bytes, 1, index) === 1)
        assert.deepEqual(
          read.flatMap((isSet, index) => (isSet ? [index] : [])),
          [...invalid].sort((a, b) => a - b),
        )
        assert.equal(statusAt(bytes, 1, bytes.length * 8), undefined)
      }),
    )
  })

  it('wider entries are read from the lowest bits up', () => {
    const byte = Buffer.from([0b1110_0100])
    const cases: readonly (readonly [StatusBits, readonly number[]])[] = [
      [1, [0, 0, 1, 0, 0, 1, 1, 1]],
      [2, [0, 1, 2, 3]],
      [4, [4, 14]],
      [8, [228]],
    ]
    for (const [bits, expected] of cases)
      assert.deepEqual(
        expected.map((_, index) => statusAt(byte, bits, index)),
        expected,
      )
  })
})

describe('what a token says about its status', () => {
  const status = { status_list: { idx: 0, uri } }
  const good = { status, issuer, isRequired: true }
  const spoiled = (change: object): unknown => ({ status_list: { ...status.status_list, ...change } })
  const cases: readonly (readonly [
    string,
    Partial<typeof good> | { status: unknown },
    string | undefined,
  ])[] = [
    ['a reference', {}, undefined],
    ['none where none is needed', { status: undefined, isRequired: false }, undefined],
    ['none', { status: undefined }, 'status.present'],
    ['text', { status: uri }, 'status.claim'],
    ['another mechanism alone', { status: { identifier_list: {} } }, 'status.claim'],
    ['a list', { status: [status] }, 'status.claim'],
    ['index -1', { status: spoiled({ idx: -1 }) }, 'status.claim'],
    ['index 1.5', { status: spoiled({ idx: 1.5 }) }, 'status.claim'],
    ['index as text', { status: spoiled({ idx: '1' }) }, 'status.claim'],
    ['no index', { status: spoiled({ idx: undefined }) }, 'status.claim'],
    ['no URI', { status: spoiled({ uri: undefined }) }, 'status.claim'],
    ['a URI of 2048', { status: spoiled({ uri: `${issuer}/`.padEnd(2048, 'a') }) }, undefined],
    ['a URI of 2049', { status: spoiled({ uri: `${issuer}/`.padEnd(2049, 'a') }) }, 'status.claim'],
    ['another host', { status: spoiled({ uri: 'https://evil.example/1' }) }, 'status.uri'],
    [
      'a host that begins alike',
      { status: spoiled({ uri: 'https://as.example.evil.example/1' }) },
      'status.uri',
    ],
    ['a user name', { status: spoiled({ uri: 'https://as.example@evil.example/1' }) }, 'status.uri'],
    ['the issuer itself', { status: spoiled({ uri: issuer }) }, 'status.uri'],
    ['another scheme', { status: spoiled({ uri: 'http://as.example/1' }) }, 'status.uri'],
    ['steps up', { status: spoiled({ uri: `${issuer}/status-lists/../userinfo` }) }, 'status.uri'],
    ['a fragment', { status: spoiled({ uri: `${uri}#a` }) }, 'status.uri'],
    ['an empty fragment', { status: spoiled({ uri: `${uri}#` }) }, 'status.uri'],
    [
      'another issuer of the same host',
      { issuer: `${issuer}/a`, status: spoiled({ uri: `${issuer}/b/1` }) },
      'status.uri',
    ],
  ]
  for (const [name, change, ruleId] of cases)
    it(ruleId === undefined ? `is taken: ${name}` : `is refused by ${ruleId}: ${name}`, () => {
      const refusal = firstRefusal(statusClaimRules, { ...good, ...change })
      assert.equal(refusal?.ruleId, ruleId)
      if (refusal !== undefined) assert.equal(refusal.error, 'invalid_token')
    })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, isRequired) => {
        for (const one of [value, { status_list: value }, { status_list: { idx: value, uri: value } }]) {
          statusReferenceOf(one)
          firstRefusal(statusClaimRules, { status: one, issuer, isRequired })
        }
      }),
    )
  })
})

describe('a status list token', () => {
  const header = { typ: 'statuslist+jwt', alg: 'ES256' }
  const headers: readonly (readonly [string, object, string | undefined])[] = [
    ['the short type', {}, undefined],
    ['the whole type', { typ: 'application/StatusList+JWT' }, undefined],
    ['an access token', { typ: 'at+jwt' }, 'status-list.typ'],
    ['no type', { typ: undefined }, 'status-list.typ'],
    ['another algorithm', { alg: 'PS256' }, 'status-list.alg'],
    ['none', { alg: 'none' }, 'status-list.alg'],
    ['a critical extension', { crit: ['x'] }, 'status-list.alg'],
  ]
  for (const [name, change, ruleId] of headers)
    it(`${ruleId ?? 'is taken'}: ${name}`, () => {
      const input = { header: { ...header, ...change }, algs: ['ES256'] as const }
      assert.equal(firstRefusal(statusListHeaderRules, input)?.ruleId, ruleId)
    })

  const claims = {
    sub: uri,
    iss: issuer,
    iat: now,
    exp: now + 60,
    ttl: 10,
    status_list: { bits: 1, lst: 'eNo' },
  }
  const bodies: readonly (readonly [string, object, string | undefined])[] = [
    ['all of it', {}, undefined],
    ['without iss', { iss: undefined }, undefined],
    ['without ttl', { ttl: undefined }, undefined],
    ['a ttl below one', { ttl: 0.5 }, undefined],
    ['another list', { sub: `${uri}2` }, 'status-list.sub'],
    ['no sub', { sub: undefined }, 'status-list.sub'],
    ['another issuer', { iss: 'https://other.example' }, 'status-list.iss'],
    ['no iat', { iat: undefined }, 'status-list.iat'],
    ['iat ahead by 10', { iat: now + 10 }, undefined],
    ['iat ahead by 11', { iat: now + 11 }, 'status-list.iat'],
    ['exp in a second', { exp: now + 1 }, undefined],
    ['exp now', { exp: now }, 'status-list.exp'],
    ['no exp', { exp: undefined }, 'status-list.exp'],
    ['ttl 0', { ttl: 0 }, 'status-list.ttl'],
    ['ttl as text', { ttl: '10' }, 'status-list.ttl'],
    ['no list', { status_list: undefined }, 'status-list.form'],
    ['3 bits', { status_list: { bits: 3, lst: 'eNo' } }, 'status-list.form'],
    ['8 bits', { status_list: { bits: 8, lst: 'eNo' } }, undefined],
    ['bits as text', { status_list: { bits: '1', lst: 'eNo' } }, 'status-list.form'],
    ['no lst', { status_list: { bits: 1 } }, 'status-list.form'],
  ]
  for (const [name, change, ruleId] of bodies)
    it(`${ruleId ?? 'is taken'}: ${name}`, () => {
      const input = { claims: { ...claims, ...change }, uri, issuer, now, futureSeconds: 10 }
      const refusal = firstRefusal(statusListRules, input)
      assert.equal(refusal?.ruleId, ruleId)
      // Nothing is wrong with the token: whoever holds it may try again.
      if (refusal !== undefined) assert.equal(refusal.error, 'temporarily_unavailable')
    })
})

describe('a status', () => {
  it('is a yes only when it is VALID', () => {
    assert.equal(firstRefusal(statusRules, { status: 0 }), undefined)
    for (const status of [1, 2, 3, 0x0c, 0xff])
      assert.equal(firstRefusal(statusRules, { status })?.ruleId, 'status.valid')
    assert.equal(firstRefusal(statusRules, { status: undefined })?.ruleId, 'status.index')
  })

  it('of another time is not to be had', () => {
    assert.equal(firstRefusal(statusListQueryRules, { parameters: ['x'] }), undefined)
    const refusal = firstRefusal(statusListQueryRules, { parameters: ['x', 'time'] })
    assert.equal(refusal?.ruleId, 'status-list.time')
  })
})
