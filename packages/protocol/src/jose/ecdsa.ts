/** Bytes of `r` and of `s` on P-256. */
const half = 32

/**
 * ECDSA-Sig-Value in DER from the raw `r || s` of JWS (RFC 7518 section 3.4). Asking OpenSSL for the raw form instead
 * costs more than the whole conversion: it needs an options object around the key.
 * @param raw 64 bytes
 */
export function derFromRaw(raw: Uint8Array): Buffer {
  const rStart = firstOfInteger(raw, 0)
  const sStart = firstOfInteger(raw, half)
  const rPad = padOf(raw, rStart)
  const sPad = padOf(raw, sStart)
  const rLength = half - rStart + rPad
  const sLength = 2 * half - sStart + sPad
  const der = Buffer.allocUnsafe(6 + rLength + sLength)
  der[0] = 0x30
  der[1] = 4 + rLength + sLength
  der[2] = 0x02
  der[3] = rLength
  setDigits(der, 4, rPad, raw, rStart, half)
  der[4 + rLength] = 0x02
  der[5 + rLength] = sLength
  setDigits(der, 6 + rLength, sPad, raw, sStart, 2 * half)
  return der
}

/** By hand: for so few bytes a view costs more than the copy. Every byte of the range is written. */
function setDigits(der: Buffer, at: number, pad: 0 | 1, raw: Uint8Array, start: number, end: number): void {
  if (pad === 1) der[at] = 0
  for (let index = start; index < end; index++) der[at + pad + index - start] = raw[index] ?? 0
}

/** Index of the first byte that counts: DER integers have no leading zeros, but zero itself keeps one. */
function firstOfInteger(raw: Uint8Array, start: number): number {
  let index = start
  while (index < start + half - 1 && raw[index] === 0) index++
  return index
}

/** One zero byte when the integer would otherwise read as negative. */
function padOf(raw: Uint8Array, index: number): 0 | 1 {
  return (raw[index] ?? 0) >= 0x80 ? 1 : 0
}

/**
 * Raw `r || s` from OpenSSL's DER.
 * @param der what `sign` returned for a P-256 key
 */
export function rawFromDer(der: Uint8Array): Buffer {
  const raw = Buffer.alloc(2 * half)
  const rLength = der[3] ?? 0
  const sLength = der[5 + rLength] ?? 0
  setInteger(raw, half, der, 4, rLength)
  setInteger(raw, 2 * half, der, 6 + rLength, sLength)
  return raw
}

/** Right-aligned at `end`. A DER integer has a zero byte more than `half` where it would read as negative. */
function setInteger(raw: Buffer, end: number, der: Uint8Array, start: number, length: number): void {
  const digits = Math.min(length, half)
  for (let index = 1; index <= digits; index++) raw[end - index] = der[start + length - index] ?? 0
}
