import type { Act, Aftermath, Expected } from './transcript.ts'
import { type Exchange, membersOf, type Wire } from './wire.ts'

/** One thing a thief tries. `run` sends it; the last exchange is the one that is judged. */
export interface Attempt {
  readonly id: string
  readonly act: Act
  readonly title: string
  readonly expected: Expected
  readonly run: () => Promise<Exchange>
  /** What the attempt did to the honest client, looked at afterwards. */
  readonly aftermath?: () => Promise<readonly Aftermath[]>
}

/**
 * Runs a call of the client library that is expected to be refused, and hands over what went over the wire. The
 * library repeats a request that lacks only a nonce, as a thief's would.
 */
export async function refusedBy(wire: Wire, call: () => Promise<unknown>): Promise<Exchange> {
  wire.take()
  // The library throws for every refusal; what it was is read from the wire.
  await call().catch(() => undefined)
  const last = wire.take().at(-1)
  if (last === undefined) throw new Error('the attempt sent nothing')
  return last
}

export function after(says: string, expected: string, seen: string): Aftermath {
  return { says, expected, seen }
}

/** Status and error of an answer. */
export function answerOf(exchange: Exchange): string {
  return `${exchange.status} ${errorOf(exchange)}`
}

/** The OAuth error of an answer, in whichever of its places it stands: body, redirect, challenge, page. */
export function errorOf(exchange: Exchange): string {
  const inBody = membersOf(exchange).error
  if (typeof inBody === 'string') return inBody
  const location = exchange.answerHeaders.get('location')
  const inRedirect = location === null ? null : new URL(location, exchange.url).searchParams.get('error')
  const inChallenge = /error="([^"]+)"/.exec(exchange.answerHeaders.get('www-authenticate') ?? '')?.[1]
  const inPage = /id="error-code">([^<]+)</.exec(exchange.answerText)?.[1]
  return inRedirect ?? inChallenge ?? inPage ?? '(none)'
}

/** The reference id of an answer: what to look up. */
export function referenceOf(exchange: Exchange): string {
  const inBody = membersOf(exchange).reference
  return typeof inBody === 'string' ? inBody : (exchange.answerHeaders.get('x-request-id') ?? '')
}
