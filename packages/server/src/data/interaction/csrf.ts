import { createHmac, timingSafeEqual } from 'node:crypto'
import { accept, type Outcome, refuse } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Keys } from '../../ports.ts'
import type { InteractionRecord } from '../../store/records.ts'

/** Proof that an answer comes from a page we showed this browser for this step (RFC 6749 10.12). */
export function csrfToken(keys: Keys, interaction: InteractionRecord, step: string): string {
  const { issuer, hash, browserHash, sessionHash = '' } = interaction
  // Hashes have fixed lengths and a step has no line feed: no two inputs share a text.
  const text = [step, hash, browserHash, sessionHash].join('\n')
  return createHmac('sha256', keys.secret(issuer, 'csrf')).update(text).digest('base64url')
}

export function judgeCsrf(
  keys: Keys,
  interaction: InteractionRecord,
  step: string,
  form: Form,
): Outcome<true> {
  const expected = Buffer.from(csrfToken(keys, interaction, step))
  const sent = Buffer.from(form.get('csrf') ?? '')
  return sent.length === expected.length && timingSafeEqual(sent, expected)
    ? accept(true)
    : refuse(
        'interaction.csrf',
        ['RFC6749-10.12', 'OIDC-3.1.2.3'],
        'invalid_request',
        'the answer does not come from a page this browser was shown',
      )
}
