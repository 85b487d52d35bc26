import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { importPublicJwk } from '../../jose/keys.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import type { JwkInput } from './member.ts'
import { jwkRules } from './rules.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })

const encode = (...bytes: readonly number[]): string => Buffer.from(bytes).toString('base64url')

/** A number of exactly so many bits, as base64urlUInt. */
function modulus(bits: number): string {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff)
  bytes[0] = 0xff >> (bytes.length * 8 - bits)
  return bytes.toString('base64url')
}

const point = (hex: string): object => ({ ...ed, x: Buffer.from(hex, 'hex').toString('base64url') })

const refusals: readonly Refused<JwkInput>[] = [
  { name: 'nothing', input: { jwk: undefined }, ruleId: 'jwk.form' },
  { name: 'null', input: { jwk: null }, ruleId: 'jwk.form' },
  { name: 'text', input: { jwk: 'EC' }, ruleId: 'jwk.form' },
  { name: 'a list', input: { jwk: Object.assign([], ec) }, ruleId: 'jwk.form' },
  { name: 'no `kty`', input: { jwk: { ...ec, kty: undefined } }, ruleId: 'jwk.form' },
  { name: 'an inherited `kty`', input: { jwk: Object.create(ec) }, ruleId: 'jwk.form' },
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'].map(member => ({
    name: `the private or symmetric member \`${member}\``,
    input: { jwk: { ...rsa, [member]: 'AQ' } },
    ruleId: 'jwk.public',
  })),
  { name: 'an empty private member', input: { jwk: { ...ec, d: '' } }, ruleId: 'jwk.public' },
  { name: 'a private member that is null', input: { jwk: { ...ec, d: null } }, ruleId: 'jwk.public' },
  { name: 'a symmetric key without `k`', input: { jwk: { kty: 'oct' } }, ruleId: 'jwk.curve' },
  { name: 'curve P-384', input: { jwk: { ...ec, crv: 'P-384' } }, ruleId: 'jwk.curve' },
  { name: 'curve secp256k1', input: { jwk: { ...ec, crv: 'secp256k1' } }, ruleId: 'jwk.curve' },
  { name: 'curve X25519', input: { jwk: { ...ed, crv: 'X25519' } }, ruleId: 'jwk.curve' },
  { name: 'curve Ed448', input: { jwk: { ...ed, crv: 'Ed448' } }, ruleId: 'jwk.curve' },
  { name: 'the curve of the other type', input: { jwk: { ...ec, crv: 'Ed25519' } }, ruleId: 'jwk.curve' },
  { name: 'an unknown type', input: { jwk: { kty: 'LMS' } }, ruleId: 'jwk.curve' },
  { name: 'no x', input: { jwk: { ...ec, x: undefined } }, ruleId: 'jwk.coordinates' },
  { name: 'no y', input: { jwk: { ...ec, y: undefined } }, ruleId: 'jwk.coordinates' },
  {
    name: 'x of 31 bytes',
    input: { jwk: { ...ec, x: encode(...Array(31).fill(1)) } },
    ruleId: 'jwk.coordinates',
  },
  {
    name: 'x of 33 bytes',
    input: { jwk: { ...ec, x: encode(0, ...Array(32).fill(1)) } },
    ruleId: 'jwk.coordinates',
  },
  { name: 'padded x', input: { jwk: { ...ed, x: `${ed.x}=` } }, ruleId: 'jwk.coordinates' },
  { name: 'x that is a number', input: { jwk: { ...ed, x: 1 } }, ruleId: 'jwk.coordinates' },
  { name: 'a point of order 4', input: { jwk: point('00'.repeat(32)) }, ruleId: 'jwk.order' },
  {
    name: 'a point of order 4 with sign',
    input: { jwk: point(`${'00'.repeat(31)}80`) },
    ruleId: 'jwk.order',
  },
  { name: 'the neutral element', input: { jwk: point(`01${'00'.repeat(31)}`) }, ruleId: 'jwk.order' },
  { name: 'a point of order 2', input: { jwk: point(`ec${'ff'.repeat(30)}7f`) }, ruleId: 'jwk.order' },
  {
    name: 'a point of order 8',
    input: { jwk: point('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05') },
    ruleId: 'jwk.order',
  },
  {
    name: 'the other point of order 8',
    input: { jwk: point('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa') },
    ruleId: 'jwk.order',
  },
  {
    name: 'y = p, which is 0 spelt otherwise',
    input: { jwk: point(`ed${'ff'.repeat(30)}7f`) },
    ruleId: 'jwk.order',
  },
  { name: 'y = p + 1', input: { jwk: point(`ee${'ff'.repeat(31)}`) }, ruleId: 'jwk.order' },
  { name: 'a modulus of 2047 bits', input: { jwk: { ...rsa, n: modulus(2047) } }, ruleId: 'jwk.modulus' },
  { name: 'a modulus of 1024 bits', input: { jwk: { ...rsa, n: modulus(1024) } }, ruleId: 'jwk.modulus' },
  { name: 'a modulus of 8193 bits', input: { jwk: { ...rsa, n: modulus(8193) } }, ruleId: 'jwk.modulus' },
  { name: 'no modulus', input: { jwk: { ...rsa, n: undefined } }, ruleId: 'jwk.modulus' },
  {
    name: 'a modulus with a leading zero',
    input: {
      jwk: {
        ...rsa,
        n: Buffer.concat([Buffer.of(0), Buffer.from(rsa.n ?? '', 'base64url')]).toString('base64url'),
      },
    },
    ruleId: 'jwk.modulus',
  },
  { name: 'no exponent', input: { jwk: { ...rsa, e: undefined } }, ruleId: 'jwk.exponent' },
  { name: 'exponent 1', input: { jwk: { ...rsa, e: encode(1) } }, ruleId: 'jwk.exponent' },
  { name: 'exponent 3', input: { jwk: { ...rsa, e: encode(3) } }, ruleId: 'jwk.exponent' },
  { name: 'exponent 65535', input: { jwk: { ...rsa, e: encode(0xff, 0xff) } }, ruleId: 'jwk.exponent' },
  { name: 'exponent 65536', input: { jwk: { ...rsa, e: encode(1, 0, 0) } }, ruleId: 'jwk.exponent' },
  {
    name: 'an exponent of 33 bits',
    input: { jwk: { ...rsa, e: encode(1, 0, 0, 0, 1) } },
    ruleId: 'jwk.exponent',
  },
  {
    name: 'an exponent with a leading zero',
    input: { jwk: { ...rsa, e: encode(0, 1, 0, 1) } },
    ruleId: 'jwk.exponent',
  },
  { name: 'a `kid` that is a number', input: { jwk: { ...ec, kid: 1 } }, ruleId: 'jwk.labels' },
  { name: 'a `use` that is a list', input: { jwk: { ...ec, use: ['sig'] } }, ruleId: 'jwk.labels' },
  { name: 'an `alg` that is null', input: { jwk: { ...ec, alg: null } }, ruleId: 'jwk.labels' },
  { name: 'a `key_ops` that is text', input: { jwk: { ...ec, key_ops: 'verify' } }, ruleId: 'jwk.labels' },
  { name: 'a `key_ops` of numbers', input: { jwk: { ...ec, key_ops: [1] } }, ruleId: 'jwk.labels' },
]

describe('JWK rules', () => {
  for (const [name, jwk] of [
    ['P-256', ec],
    ['Ed25519', ed],
    ['RSA', rsa],
    ['an RSA modulus of 2048 bits', { ...rsa, n: modulus(2048) }],
    ['an RSA modulus of 8192 bits', { ...rsa, n: modulus(8192) }],
    ['an RSA exponent of 65537', { ...rsa, e: encode(1, 0, 1) }],
    ['an RSA exponent of 65539', { ...rsa, e: encode(1, 0, 3) }],
    ['an RSA exponent of 32 bits', { ...rsa, e: encode(0xff, 0xff, 0xff, 0xff) }],
    ['labels', { ...ec, kid: 'a', use: 'sig', alg: 'ES256', key_ops: ['verify'], x5c: ['a'] }],
    ['y just below p and not of small order', point(`eb${'ff'.repeat(30)}7f`)],
  ] as const) {
    it(`take ${name}`, () => assert.equal(firstRefusal(jwkRules, { jwk }), undefined))
  }

  for (const { name, input, ruleId } of refusals) {
    it(`refuse as \`${ruleId}\`: ${name}`, () => {
      assert.equal(firstRefusal(jwkRules, input)?.ruleId, ruleId)
      assert.ok(!importPublicJwk(input.jwk).ok)
    })
  }
})
