import type { Reply } from '../../http/exchange.ts'

/** How long whoever asks is told to wait, in seconds: a source that failed is left alone for as long. */
const retryAfterSeconds = 2

/** The same answer as one that another try may change: 503 and `Retry-After` (RFC 9110 section 15.6.4). */
export function asTryAgain(reply: Reply): Reply {
  return { ...reply, status: 503, headers: [...reply.headers, ['retry-after', String(retryAfterSeconds)]] }
}
