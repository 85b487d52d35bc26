import { constants, createHash, type KeyObject, privateEncrypt, randomBytes, sign } from 'node:crypto'

/** Signatures over a digest as a key service makes them; `node:crypto` wants the text itself. */
export function signDigest(algorithm: string, digest: Buffer, key: KeyObject): Buffer | undefined {
  switch (algorithm) {
    case 'ECDSA_SHA_256':
      return ecdsa(digest, key)
    case 'RSASSA_PSS_SHA_256':
      return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, pssEncoded(digest))
    case 'RSASSA_PKCS1_V1_5_SHA_256': {
      const info = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), digest])
      return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, info)
    }
    default:
      return undefined
  }
}

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** From a signature of some other text the secret `k` follows, and with it the signature of this digest. */
function ecdsa(digest: Buffer, key: KeyObject): Buffer {
  const text = randomBytes(32)
  const raw = sign('sha256', text, { key, dsaEncoding: 'ieee-p1363' })
  const [r, s] = [numberOf(raw.subarray(0, 32)), numberOf(raw.subarray(32))]
  const d = numberOf(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'))
  const known = numberOf(createHash('sha256').update(text).digest())
  const k = ((known + r * d) * inverse(s)) % order
  const wanted = ((numberOf(digest) + r * d) * inverse(k)) % order
  const parts = Buffer.concat([integer(r), integer(wanted)])
  return Buffer.concat([Buffer.of(0x30, parts.length), parts])
}

function numberOf(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`)
}

/** By Fermat: the order is a prime. */
function inverse(value: bigint): bigint {
  let [result, base, exponent] = [1n, value % order, order - 2n]
  for (let bit = 0; bit < 256; bit++) {
    if (exponent & 1n) result = (result * base) % order
    base = (base * base) % order
    exponent >>= 1n
  }
  return result
}

function integer(value: bigint): Buffer {
  const digits = value.toString(16)
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  const isNegative = (bytes[0] ?? 0) >= 0x80
  const body = isNegative ? Buffer.concat([Buffer.of(0), bytes]) : bytes
  return Buffer.concat([Buffer.of(0x02, body.length), body])
}

/** EMSA-PSS of RFC 8017 section 9.1.1 for 2048 bits and a salt of 32 bytes. */
function pssEncoded(digest: Buffer): Buffer {
  const [size, hashSize] = [256, 32]
  const salt = randomBytes(hashSize)
  const h = createHash('sha256').update(Buffer.alloc(8)).update(digest).update(salt).digest()
  const block = Buffer.alloc(size - hashSize - 1)
  block[block.length - hashSize - 1] = 1
  salt.copy(block, block.length - hashSize)
  const mask = Buffer.concat(
    Array.from({ length: 7 }, (_, count) =>
      createHash('sha256')
        .update(h)
        .update(Buffer.of(0, 0, 0, count))
        .digest(),
    ),
  )
  for (const [index, byte] of block.entries()) block[index] = byte ^ (mask[index] ?? 0)
  block[0] = (block[0] ?? 0) & 0x7f
  return Buffer.concat([block, h, Buffer.of(0xbc)])
}
