import type { Reply } from '../../http/exchange.ts'

/** Every protocol answer (RFC 6749 5.1, RFC 9126 2.2). */
export const noStore: Reply['headers'] = [
  ['cache-control', 'no-store'],
  ['pragma', 'no-cache'],
]

const json: Reply['headers'] = [['content-type', 'application/json'], ...noStore]

export function jsonReply(status: number, body: unknown, extraHeaders: Reply['headers'] = []): Reply {
  return { status, headers: [...json, ...extraHeaders], body: JSON.stringify(body) }
}
