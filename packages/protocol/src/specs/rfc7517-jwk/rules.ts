import { fail, pass, type Rule } from '../../rule.ts'
import { mlDsaKeyRules } from '../rfc9964-ml-dsa/rules.ts'
import { bytesOf, type JwkInput, memberOf } from './member.ts'

/** Members of private and symmetric keys: RFC 7518 sections 6.2.2, 6.3.2, 6.4; RFC 8037 section 2; RFC 9964 section 3. */
export const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

const modulusBitsMin = 2048
const modulusBitsMax = 8192

/** What makes a JSON value a public signature key that we may import. In this order; the first says why not. */
export const jwkRules: readonly Rule<JwkInput>[] = [
  {
    id: 'jwk.form',
    clauses: ['RFC7517-4'],
    level: 'MUST',
    title: 'a key is a JSON object with `kty`',
    check: ({ jwk }) =>
      typeof memberOf(jwk, 'kty') === 'string' && !Array.isArray(jwk)
        ? pass
        : fail('invalid_client_metadata', 'key is not a JSON object with `kty`'),
  },
  {
    id: 'jwk.public',
    clauses: ['RFC9449-4.3-7', 'RFC7591-2', 'RFC9964-3-priv'],
    level: 'MUST',
    title: 'a key we are given has no private or symmetric member',
    check: ({ jwk }) => {
      const found = secretMembers.find(name => memberOf(jwk, name) !== undefined)
      return found === undefined
        ? pass
        : fail('invalid_client_metadata', `key has the private or symmetric member \`${found}\``)
    },
  },
  {
    id: 'jwk.curve',
    clauses: ['RFC7518-3.4', 'RFC8037-3.1', 'FAPI2-SP-FINAL-5.4.1-1', 'FAPI2-SP-FINAL-5.4.1-3'],
    level: 'MUST',
    title: 'a key is RSA, EC on P-256, OKP on Ed25519 or AKP',
    check: ({ jwk }) => {
      const kty = memberOf(jwk, 'kty')
      const crv = memberOf(jwk, 'crv')
      const fits =
        kty === 'RSA' ||
        kty === 'AKP' ||
        (kty === 'EC' && crv === 'P-256') ||
        (kty === 'OKP' && crv === 'Ed25519')
      return fits ? pass : fail('invalid_client_metadata', 'key type or curve is not supported')
    },
  },
  {
    id: 'jwk.coordinates',
    clauses: ['RFC7518-6.2.1.2', 'RFC7518-6.2.1.3', 'RFC8037-2'],
    level: 'MUST',
    title: 'the coordinates of a curve point are canonical base64url of 32 bytes',
    check: ({ jwk }) => {
      const kty = memberOf(jwk, 'kty')
      if (kty === 'RSA' || kty === 'AKP') return pass
      const names = kty === 'EC' ? ['x', 'y'] : ['x']
      return names.every(name => bytesOf(memberOf(jwk, name))?.length === 32)
        ? pass
        : fail('invalid_client_metadata', 'key coordinates are not base64url of 32 bytes')
    },
  },
  {
    id: 'jwk.order',
    clauses: ['RFC8032-5.1.7'],
    level: 'OURS',
    title: 'an Ed25519 key is a canonical point that is not of small order, for which anybody could sign',
    check: ({ jwk }) => {
      if (memberOf(jwk, 'kty') !== 'OKP') return pass
      const point = bytesOf(memberOf(jwk, 'x'))
      return point !== undefined && isStrongPoint(point)
        ? pass
        : fail('invalid_client_metadata', 'Ed25519 key is not a canonical point of full order')
    },
  },
  {
    id: 'jwk.modulus',
    clauses: ['FAPI2-SP-FINAL-5.4.1-2', 'RFC7518-3.3', 'RFC7518-6.3.1.1'],
    level: 'MUST',
    title: 'an RSA modulus has 2048 bits or more, in minimal base64url',
    check: ({ jwk }) => {
      if (memberOf(jwk, 'kty') !== 'RSA') return pass
      const bits = bitsOf(bytesOf(memberOf(jwk, 'n')))
      return bits !== undefined && bits >= modulusBitsMin && bits <= modulusBitsMax
        ? pass
        : fail('invalid_client_metadata', `RSA modulus is not of ${modulusBitsMin} to ${modulusBitsMax} bits`)
    },
  },
  {
    id: 'jwk.exponent',
    clauses: ['RFC7518-6.3.1.2'],
    level: 'MUST',
    title: 'an RSA exponent is odd, from 65537 to 32 bits, in minimal base64url',
    check: ({ jwk }) => {
      if (memberOf(jwk, 'kty') !== 'RSA') return pass
      const bytes = bytesOf(memberOf(jwk, 'e'))
      const bits = bitsOf(bytes)
      const exponent =
        bytes !== undefined && bits !== undefined && bits <= 32 ? bytes.readUIntBE(0, bytes.length) : 0
      return exponent >= 65_537 && exponent % 2 === 1
        ? pass
        : fail('invalid_client_metadata', 'RSA exponent is not an odd number from 65537 to 32 bits')
    },
  },
  ...mlDsaKeyRules,
  {
    id: 'jwk.labels',
    clauses: ['RFC7517-4.2', 'RFC7517-4.3', 'RFC7517-4.4', 'RFC7517-4.5'],
    level: 'MUST',
    title: '`use`, `alg`, `kid` are strings and `key_ops` is a list of strings',
    check: ({ jwk }) => {
      const ops = memberOf(jwk, 'key_ops')
      const areStrings = ['use', 'alg', 'kid'].every(name =>
        ['string', 'undefined'].includes(typeof memberOf(jwk, name)),
      )
      const isList = ops === undefined || (Array.isArray(ops) && ops.every(op => typeof op === 'string'))
      return areStrings && isList
        ? pass
        : fail('invalid_client_metadata', '`use`, `alg`, `kid` or `key_ops` of the key has the wrong type')
    },
  },
]

/** The y coordinates of the points whose order divides 8, as little-endian hex without the sign bit. */
const smallOrder: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
])

/** @param point 32 bytes: y, little-endian, with the sign of x in the top bit */
function isStrongPoint(point: Buffer): boolean {
  const y = Buffer.from(point)
  y[31] = (point[31] ?? 0) & 0x7f
  const hex = y.toString('hex')
  // y must be below p = 2^255 - 19, whose little-endian form is ed ff … ff 7f.
  const isReduced = !(hex.endsWith(`${'ff'.repeat(30)}7f`) && (y[0] ?? 0) >= 0xed)
  return isReduced && !smallOrder.has(hex)
}

/** Bit length of a big-endian number; undefined when it has a leading zero byte, which base64urlUInt forbids. */
function bitsOf(bytes: Buffer | undefined): number | undefined {
  const first = bytes?.[0]
  if (bytes === undefined || first === undefined || first === 0) return undefined
  return (bytes.length - 1) * 8 + (32 - Math.clz32(first))
}
