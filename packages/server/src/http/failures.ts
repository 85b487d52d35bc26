import { parseBasic } from '@holdfast/protocol/specs/rfc6749-client-secret/basic.ts'
import type { EdgeLimits } from './limits.ts'
import { Throttle } from './throttle.ts'

/** Failed credentials by source prefix, and by client and prefix (threat model section 6). */
export interface Failures {
  /** Seconds the sender must wait before this request is looked at; 0 to go on. */
  readonly waitSeconds: (prefix: string, body: Buffer, authorization?: string) => number
  readonly count: (prefix: string, body: Buffer, authorization?: string) => void
  /** Seconds the source must wait before it may ask for another of these; 0 to go on. */
  readonly unbackedWaitSeconds: (what: Unbacked, prefix: string) => number
  readonly countUnbacked: (what: Unbacked, prefix: string) => void
}

/** What anybody can ask for and have written down: pages, and answers to tokens that are none. */
export type Unbacked = 'page' | 'token'

export function openFailures(limits: EdgeLimits, monotonicMs: () => number): Failures {
  const byPrefix = new Throttle(limits.prefixFailuresPerMinute, monotonicMs)
  const byClient = new Throttle(limits.clientFailuresPerMinute, monotonicMs)
  const unbacked: Readonly<Record<Unbacked, Throttle>> = {
    page: new Throttle(limits.unbackedPagesPerMinute, monotonicMs),
    token: new Throttle(limits.unbackedTokensPerMinute, monotonicMs),
  }
  return {
    waitSeconds: (prefix, body, authorization) => {
      // Who failed is counted under its source too, so from a quiet one nobody is held up, and no name is looked for:
      // somebody fails somewhere all the time.
      if (byPrefix.isQuiet(prefix)) return 0
      return Math.max(
        byPrefix.waitSeconds(prefix),
        byClient.waitSeconds(clientKey(prefix, body, authorization)),
      )
    },
    count: (prefix, body, authorization) => {
      byPrefix.fail(prefix)
      byClient.fail(clientKey(prefix, body, authorization))
    },
    unbackedWaitSeconds: (what, prefix) => unbacked[what].waitSeconds(prefix),
    countUnbacked: (what, prefix) => unbacked[what].fail(prefix),
  }
}

/** Bounds what an unauthenticated sender can make us remember about it. */
const clientIdCharactersMax = 128

/** The client a request *claims* to come from. Unproven: good enough to slow its sender down, for nothing else. */
function clientKey(prefix: string, body: Buffer, authorization: string | undefined): string {
  const basic = authorization === undefined ? undefined : parseBasic(authorization)?.clientId
  return `${prefix} ${(basic ?? claimedClient(body) ?? '').slice(0, clientIdCharactersMax)}`
}

/** `client_id` of the form, or the `sub` of the client assertion, unverified. */
export function claimedClient(body: Buffer): string | undefined {
  const form = new URLSearchParams(body.toString('latin1'))
  const clientId = form.get('client_id')
  if (clientId !== null) return clientId
  const payload = form.get('client_assertion')?.split('.')[1]
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    if (typeof claims !== 'object' || claims === null) return undefined
    const subject: unknown = Reflect.get(claims, 'sub')
    return typeof subject === 'string' ? subject : undefined
  } catch {
    return undefined
  }
}

/** A wrong credential or proof. An expired code or a missing nonce is ordinary life and not counted. */
export function isCredentialFailure(status: number, body: string | Buffer): boolean {
  if (status === 401) return true
  return status === 400 && typeof body === 'string' && body.startsWith('{"error":"invalid_dpop_proof"')
}
