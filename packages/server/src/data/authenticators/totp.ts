import { createHmac } from 'node:crypto'
import { accept, type EpochSeconds, firstRefusal, type HandleHash, type Outcome } from '@holdfast/protocol'
import { totpRules } from '@holdfast/protocol/specs/rfc6238-totp/rules.ts'
import { encodeBase32, stepOfCode, totpParameters } from '@holdfast/protocol/specs/rfc6238-totp/totp.ts'
import type { Ports } from '../../ports.ts'
import type { SessionRecord, TotpRecord } from '../../store/records.ts'
import type { FoundAuthenticator } from '../../store/store.ts'
import { hashOfHandle } from '../handle.ts'

/** A code that fits, and what spends it. */
export interface ProvenCode {
  readonly id: HandleHash
  readonly step: number
}

/** Judges a typed code against the authenticator app of a user. */
export function judgeCode(
  authenticators: readonly FoundAuthenticator[],
  typed: string,
  ports: Ports,
  now: EpochSeconds,
): Outcome<ProvenCode> {
  const app = authenticators.find(({ kind }) => kind === 'totp')
  if (app?.kind !== 'totp') throw new TypeError('a code of nobody’s app')
  const secret = ports.keys.open(app.issuer, 'totp', app.id, Buffer.from(app.sealed, 'base64url'))
  const judged = judgeCodeOf(secret, typed, app.counter, now)
  return judged.ok ? accept({ id: app.id, step: judged.value }) : judged
}

/** @param lastStep the last step a code was taken of @returns the step the code belongs to */
export function judgeCodeOf(
  secret: Buffer,
  typed: string,
  lastStep: number,
  now: EpochSeconds,
): Outcome<number> {
  const code = typed.replaceAll(/\s/g, '')
  const step = stepOfCode(secret, code, now)
  const refusal = firstRefusal(totpRules, { code, step, lastStep })
  if (refusal !== undefined) return refusal
  if (step === undefined) throw new TypeError('rule table')
  return accept(step)
}

/**
 * The secret offered to a session that has none set up: worked out from its cookie's hash and the issuer's secret, so
 * that nothing unconfirmed is stored, a reload shows the same one, and the next session is offered another.
 */
export function offeredSecret(ports: Ports, { issuer, hash }: SessionRecord): Buffer {
  return createHmac('sha256', ports.keys.secret(issuer, 'totp-offer'))
    .update(hash)
    .digest()
    .subarray(0, totpParameters.secretBytes)
}

/** Confirmed, and sealed for the store. */
export function totpRecord(
  ports: Ports,
  secret: Buffer,
  owner: { readonly issuer: string; readonly subject: string },
  now: EpochSeconds,
): TotpRecord {
  const { issuer, subject } = owner
  const id = hashOfHandle('totp', issuer, subject)
  const sealed = ports.keys.seal(issuer, 'totp', id, secret).toString('base64url')
  return { kind: 'totp', id, issuer, subject, sealed, createdAt: now }
}

/** What an app reads from a link: the key URI format. */
export function keyUri(host: string, username: string, secret: Buffer): string {
  const label = `${encodeURIComponent(host)}:${encodeURIComponent(username)}`
  const { algorithm, digits, stepSeconds } = totpParameters
  const issuer = encodeURIComponent(host)
  return `otpauth://totp/${label}?secret=${encodeBase32(secret)}&issuer=${issuer}&algorithm=${algorithm}&digits=${digits}&period=${stepSeconds}`
}
