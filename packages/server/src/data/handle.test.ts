import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import fc from 'fast-check'
import type { Clock } from '../ports.ts'
import { fineTime, type HandleKind, hashOfHandle, hashOfJti, newHandle, sortableTime } from './handle.ts'
import { seededEntropy } from './testing/world.ts'

const issuer = 'https://as.example'
const kinds: readonly HandleKind[] = ['code', 'access_token', 'refresh_token', 'request_uri', 'session']

test('a handle carries 256 random bits and its hash tells its kind', () => {
  const asked: number[] = []
  const entropy = {
    bytes: (count: number) => {
      asked.push(count)
      return Buffer.alloc(count, 7)
    },
  }
  const hashes = kinds.map(kind => newHandle(entropy, kind, issuer, epochSeconds(1_800_000_000)).hash)
  assert.deepEqual(new Set(asked), new Set([32]))
  assert.equal(new Set(hashes).size, kinds.length)
})

test('a presented value hashes to what was stored, of its own kind and issuer only', () => {
  const { value, hash } = newHandle(seededEntropy('h'), 'code', issuer, epochSeconds(1_800_000_000))
  assert.equal(hashOfHandle('code', issuer, value), hash)
  assert.notEqual(hashOfHandle('refresh_token', issuer, value), hash)
  assert.notEqual(hashOfHandle('code', 'https://other.example', value), hash)
  assert.ok(!hash.includes(value.slice(-43)))
})

test('sortable time sorts as the seconds do', () => {
  const seconds = fc.integer({ min: 0, max: 4_294_967_295 })
  fc.assert(
    fc.property(seconds, seconds, (left, right) => {
      const [first, second] = [sortableTime(epochSeconds(left)), sortableTime(epochSeconds(right))]
      assert.equal(first < second, left < right)
    }),
  )
})

test('sortable time tells sixteenths of a second apart, and nothing finer', () => {
  const at = 1_800_000_000
  const parts = Array.from({ length: 17 }, (_, part) => sortableTime(at + part / 16))
  assert.deepEqual(parts.toSorted(), parts)
  assert.equal(new Set(parts).size, 17)
  assert.equal(sortableTime(at + 0.06), sortableTime(at))
})

test('fine time never runs back and never leaves its second, whatever the interval clock does', () => {
  const time = { at: 1_800_000_000, monotonicMs: 70 }
  const clock: Clock = { now: () => epochSeconds(time.at), monotonicMs: () => time.monotonicMs }
  assert.equal(fineTime(clock), 1_800_000_000)
  time.monotonicMs += 62
  assert.equal(fineTime(clock), 1_800_000_000)
  time.monotonicMs += 1
  assert.equal(fineTime(clock), 1_800_000_000 + 1 / 16)
  time.monotonicMs += 5000
  assert.equal(fineTime(clock), 1_800_000_000 + 15 / 16)
  time.at += 1
  assert.equal(fineTime(clock), 1_800_000_001)
})

test('no two lists of parts share a key', () => {
  const at = epochSeconds(1)
  assert.notEqual(
    hashOfJti('dpop-proof', issuer, at, ['ab', 'c']),
    hashOfJti('dpop-proof', issuer, at, ['a', 'bc']),
  )
  assert.notEqual(
    hashOfJti('dpop-proof', issuer, at, ['a']),
    hashOfJti('client-assertion', issuer, at, ['a']),
  )
})

test('any text has a hash', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      assert.ok(hashOfHandle('access_token', issuer, text).length >= 43)
    }),
  )
})
