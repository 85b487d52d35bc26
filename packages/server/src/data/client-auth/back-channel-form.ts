import { type Outcome, refuse } from '@holdfast/protocol'
import { type Form, parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'

/** Parameters that would expose a credential if they stood in a URL. */
const credentials = /(^|&)(client_secret|client_assertion|code|refresh_token|token)=/

/** Parse a form post to a back-channel endpoint: parameters stand in the body and only there (RFC 6749 3.2). */
export function parseBackChannelForm(exchange: Exchange): Outcome<Form> {
  if (exchange.query !== '')
    return refuse(
      'form.query',
      ['RFC6749-2.3.1', 'RFC6749-3.2'],
      'invalid_request',
      'parameters stand in the URL, where logs see them',
      { exposed: credentials.test(exchange.query) },
    )
  const types = exchange.headers('content-type')
  if (types.length !== 1 || !isFormType(types[0] ?? ''))
    return refuse(
      'form.media-type',
      ['RFC6749-3.2'],
      'invalid_request',
      'the body is not `application/x-www-form-urlencoded`',
    )
  return parseForm(exchange.body.toString('latin1'))
}

const formType = 'application/x-www-form-urlencoded'

function isFormType(value: string): boolean {
  if (value === formType) return true
  const [type = ''] = value.split(';', 1)
  return type.trim().toLowerCase() === formType
}
