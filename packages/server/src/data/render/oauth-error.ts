import type { Refusal } from '@holdfast/protocol'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { noStore } from './json.ts'
import { publicSentence } from './public-sentence.ts'

/**
 * The JSON dialect of back-channel endpoints (RFC 6749 5.2, RFC 9126 2.3): 400, or 401 for `invalid_client`.
 * @param extraHeaders e.g. one `DPoP-Nonce`
 */
export function oauthError(exchange: Exchange, refusal: Refusal, extraHeaders: Reply['headers'] = []): Reply {
  const basic = exchange.headers('authorization').length > 0 && refusal.error === 'invalid_client'
  return {
    status: refusal.error === 'invalid_client' ? 401 : 400,
    headers: [
      ['content-type', 'application/json'],
      ...noStore,
      ...(basic ? [['www-authenticate', `Basic realm="${exchange.issuer.url}"`] as const] : []),
      ...extraHeaders,
    ],
    body: JSON.stringify({ error: refusal.error, error_description: publicSentence(exchange, refusal) }),
  }
}
