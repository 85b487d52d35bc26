import { hash } from 'node:crypto'
import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import type { Entropy } from '../ports.ts'
import type { Write } from '../store/writes.ts'

/** Kinds of one-time and bearer-like values. A value of one kind hashes differently from every other (I7). */
export type HandleKind =
  | 'code'
  | 'device_code'
  | 'user_code'
  | 'auth_req_id'
  | 'prompt'
  | 'request_uri'
  | 'access_token'
  | 'jwt_access_token'
  | 'refresh_token'
  | 'interaction'
  | 'browser'
  | 'session'
  | 'upstream_state'
  | 'failures'
  | 'passkey'
  | 'totp'

const prefixes: Partial<Record<HandleKind, string>> = {
  access_token: 'at_',
  refresh_token: 'rt_',
  code: 'ac_',
  device_code: 'dc_',
  auth_req_id: 'ar_',
}

/** Base64url characters that carry the time: 6 × 6 bits of epoch seconds, enough until the year 4147. */
const timeCharacters = 6
const alphabet = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'

export interface NewHandle {
  /** What the client holds. Never stored, never logged. */
  readonly value: string
  /** What the store keeps. */
  readonly hash: HandleHash
}

/**
 * A new unguessable value: kind prefix, time, 256 random bits. The time leads so that rows of the store are
 * appended instead of scattered; it tells an attacker nothing that the response's date does not.
 */
export function newHandle(entropy: Entropy, kind: HandleKind, issuer: string, now: EpochSeconds): NewHandle {
  const value = (prefixes[kind] ?? '') + sortableTime(now) + entropy.bytes(32).toString('base64url')
  return { value, hash: hashOfHandle(kind, issuer, value) }
}

/**
 * What the store knows a presented value by. Total: any text has a hash, and an unknown one finds nothing.
 * @param value what the client presented, already bounded in length by the parser
 */
export function hashOfHandle(kind: HandleKind, issuer: string, value: string): HandleHash {
  const start = (prefixes[kind] ?? '').length
  const time = value.slice(start, start + timeCharacters)
  return (time + digestOf([kind, issuer, value])) as HandleHash
}

/**
 * Key of a remembered `jti` (I4, I5): time-led like every key, over verified canonical values only.
 * @param issuedAt `iat` or, when absent, `exp` of the verified JWT
 * @param parts what makes the identifier unique: client id or key thumbprint, `htu`, `jti`
 */
export function hashOfJti(
  what: Extract<Write, { kind: 'remember-jti' }>['what'],
  issuer: string,
  issuedAt: EpochSeconds,
  parts: readonly string[],
): HandleHash {
  return (sortableTime(issuedAt) + digestOf([what, issuer, ...parts])) as HandleHash
}

/** The second just written: a busy server asks for the same one again and again. */
let lastTime = { at: -1, text: '' }

/** Seconds as text that sorts like the number. */
export function sortableTime(at: EpochSeconds): string {
  if (lastTime.at !== at) lastTime = { at, text: timeText(at) }
  return lastTime.text
}

function timeText(at: EpochSeconds): string {
  let rest: number = at
  let text = ''
  for (let index = 0; index < timeCharacters; index++) {
    text = alphabet.charAt(rest % 64) + text
    rest = Math.floor(rest / 64)
  }
  return text
}

/** SHA-256 over length-prefixed parts, so that no two lists share an encoding. */
function digestOf(parts: readonly string[]): string {
  let text = ''
  for (const part of parts) text += `${Buffer.byteLength(part)}:${part}`
  return hash('sha256', text, 'base64url')
}
