import { type Outcome, refuse } from '@holdfast/protocol'
import { type Form, parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'

export function isFormPost(exchange: Exchange): boolean {
  const types = exchange.headers('content-type')
  const [type = ''] = (types[0] ?? '').split(';', 1)
  return types.length === 1 && type.trim().toLowerCase() === 'application/x-www-form-urlencoded'
}

/** The form of one of our own pages. */
export function parsePost(exchange: Exchange): Outcome<Form> {
  return isFormPost(exchange)
    ? parseForm(exchange.body.toString('latin1'))
    : refuse('interaction.media-type', [], 'invalid_request', 'the answer is not a form')
}
