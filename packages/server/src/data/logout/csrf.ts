import { createHmac, timingSafeEqual } from 'node:crypto'
import { accept, type Outcome, refuse } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Keys } from '../../ports.ts'
import type { SessionRecord } from '../../store/records.ts'

/** Proof that the answer comes from a page we showed to the browser of this session (RFC 6749 10.12). */
export function logoutCsrf(keys: Keys, { issuer, hash }: SessionRecord): string {
  return createHmac('sha256', keys.secret(issuer, 'logout-csrf')).update(hash).digest('base64url')
}

export function judgeLogoutCsrf(keys: Keys, session: SessionRecord, form: Form): Outcome<true> {
  const expected = Buffer.from(logoutCsrf(keys, session))
  const sent = Buffer.from(form.get('csrf') ?? '')
  return sent.length === expected.length && timingSafeEqual(sent, expected)
    ? accept(true)
    : refuse(
        'logout.csrf',
        ['OIDC-RPL-2-3', 'RFC6749-10.12'],
        'invalid_request',
        'the answer does not come from a page this browser was shown',
      )
}
