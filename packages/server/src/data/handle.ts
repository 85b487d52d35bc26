import { hash } from 'node:crypto'
import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import { splitTokenPrefix } from '@holdfast/protocol/specs/holdfast-split-token/rules.ts'
import type { Clock, Entropy } from '../ports.ts'
import type { Write } from '../store/writes.ts'

/** Kinds of one-time and bearer-like values. A value of one kind hashes differently from every other (I7). */
export type HandleKind =
  | 'code'
  | 'device_code'
  | 'user_code'
  | 'auth_req_id'
  | 'prompt'
  | 'approval'
  | 'consent'
  | 'request_uri'
  | 'access_token'
  | 'jwt_access_token'
  | 'split_access_token'
  | 'refresh_token'
  | 'interaction'
  | 'browser'
  | 'session'
  | 'device'
  | 'upstream_state'
  | 'failures'
  | 'passkey'
  | 'totp'
  | 'initial_access_token'
  | 'registration_access_token'

const prefixes: Partial<Record<HandleKind, string>> = {
  access_token: 'at_',
  split_access_token: splitTokenPrefix,
  refresh_token: 'rt_',
  code: 'ac_',
  device_code: 'dc_',
  auth_req_id: 'ar_',
  initial_access_token: 'iat_',
  registration_access_token: 'rat_',
}

/** Base64url characters that carry the time: 6 × 6 bits of sixteenths of a second, enough until the year 2106. */
const timeCharacters = 6
const partsOfSecond = 16
const alphabet = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'

export interface NewHandle {
  /** What the client holds. Never stored, never logged. */
  readonly value: string
  /** What the store keeps. */
  readonly hash: HandleHash
}

/**
 * A new unguessable value: kind prefix, time, 256 random bits. The time leads so that rows of the store are
 * appended instead of scattered; it tells an attacker nothing that the arrival of the response does not.
 * @param now seconds, with their fraction where many are made in one second (`fineTime`)
 */
export function newHandle(entropy: Entropy, kind: HandleKind, issuer: string, now: number): NewHandle {
  return handleOf(kind, issuer, now, entropy.bytes(32).toString('base64url'))
}

/** As `newHandle`, of a secret that was made elsewhere. @param secret nobody can guess it */
export function handleOf(kind: HandleKind, issuer: string, now: number, secret: string): NewHandle {
  const value = (prefixes[kind] ?? '') + sortableTime(now) + secret
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

/** The time just written: a busy server asks for the same one again and again. */
let lastTime = { parts: -1, text: '' }

/**
 * Time as text that sorts like the number.
 * @param at seconds since the epoch; a sixteenth of one is the finest that counts
 */
export function sortableTime(at: number): string {
  const parts = Math.floor(at * partsOfSecond)
  if (lastTime.parts !== parts) lastTime = { parts, text: timeText(parts) }
  return lastTime.text
}

function timeText(parts: number): string {
  let rest = parts
  let text = ''
  for (let index = 0; index < timeCharacters; index++) {
    text = alphabet.charAt(rest % 64) + text
    rest = Math.floor(rest / 64)
  }
  return text
}

interface Second {
  readonly at: EpochSeconds
  readonly beganMs: number
}

const seconds = new WeakMap<Clock, Second>()

/**
 * Server time with a fraction of the second, only to order keys: within a busy second, rows whose keys share one time
 * would be scattered over all the pages that second fills, and each commit would write nearly all of them again.
 */
export function fineTime(clock: Clock): number {
  const at = clock.now()
  const nowMs = clock.monotonicMs()
  const second = seconds.get(clock)
  if (second?.at !== at) {
    seconds.set(clock, { at, beganMs: nowMs })
    return at
  }
  const part = Math.floor(((nowMs - second.beganMs) * partsOfSecond) / 1000)
  return at + Math.min(part, partsOfSecond - 1) / partsOfSecond
}

/** SHA-256 over length-prefixed parts, so that no two lists share an encoding. */
function digestOf(parts: readonly string[]): string {
  let text = ''
  for (const part of parts) text += `${Buffer.byteLength(part)}:${part}`
  return hash('sha256', text, 'base64url')
}
