import { type Refusal, refuse } from '@holdfast/protocol'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { CommitResult, Write } from '../../store/writes.ts'
import { auditRefused } from '../audit-of.ts'
import { type RefusedOptions, refusedOauth } from '../refused.ts'
import { oauthError } from '../render/oauth-error.ts'
import type { AuthenticatedClient } from './authenticate.ts'

/**
 * Refuse a request whose client is known. Its assertion and proof are spent with the refusal, so that nobody who saw
 * the request can use them for another; but not when a nonce is asked for: clients repeat that request as it was.
 * @param spent one-time parts of the request: those of the client, then those of the proof
 */
export async function refusedAuthenticated(
  exchange: Exchange,
  ports: Ports,
  event: string,
  refusal: Refusal,
  authenticated: AuthenticatedClient,
  options: RefusedOptions & {
    readonly spent?: readonly Write[]
    /** Goes along unless somebody else asked for the same approval at the same moment. */
    readonly asking?: readonly Write[]
  } = {},
): Promise<Reply> {
  const {
    spent = authenticated.writes,
    writes = [],
    asking = [],
    outcome = 'refused',
    extraHeaders,
  } = options
  const context = { clientId: authenticated.client.clientId, ...options.context }
  if (refusal.error === 'use_dpop_nonce' || (spent.length === 0 && asking.length === 0))
    return refusedOauth(exchange, ports, event, refusal, { ...options, context })

  const all = [
    ...spent,
    ...asking,
    ...writes,
    auditRefused(exchange, ports.clock.now(), event, refusal, context, outcome),
  ]
  const committed = await ports.store.commit(all)
  if (!committed.committed) {
    if (committed.guard === 'ask-approval') {
      const facts = { ...refusal.facts, is_approval_asked: false }
      const without = { ...options, asking: [] }
      return refusedAuthenticated(exchange, ports, event, { ...refusal, facts }, authenticated, without)
    }
    const replay = replayRefusal(all, committed)
    if (replay !== undefined) return refusedReplay(exchange, ports, event, replay, { context, extraHeaders })
    return refusedOauth(exchange, ports, event, refusal, { context, outcome, extraHeaders })
  }
  ports.metrics.count('refusals_total', { event, rule: refusal.ruleId })
  return oauthError(exchange, refusal, extraHeaders)
}

/** What a failed `remember-jti` guard means; undefined when another guard failed. */
export function replayRefusal(
  writes: readonly Write[],
  result: CommitResult & { readonly committed: false },
): Refusal | undefined {
  const write = writes[result.index]
  if (write?.kind !== 'remember-jti') return undefined
  switch (write.what) {
    case 'client-attestation-pop':
      return refuse(
        'client-auth.pop-replay',
        ['CLIENT-ATTESTATION-5.1-jti'],
        'invalid_client',
        'the proof of the client instance was used before, or was signed before this store began',
      )
    case 'client-svid':
      return refuse(
        'client-auth.svid-replay',
        ['JWT-SVID-7.1'],
        'invalid_client',
        'the JWT-SVID was used before, or was signed before this store began, and the profile forbids that',
      )
    case 'client-assertion':
      return refuse(
        'client-assertion.replay',
        ['RFC7523-3-7', 'OIDCC-9'],
        'invalid_client',
        'the client assertion was used before, or was signed before this store began',
      )
    case 'dpop-proof':
      return refuse(
        'dpop.replay',
        ['RFC9449-11.1'],
        'invalid_dpop_proof',
        'the proof was used before, or was signed before this store began',
      )
    case 'request-object':
      return refuse(
        'request-object.replay',
        ['RFC9101-10.8-jti'],
        'invalid_request_object',
        'the request object was used before, or was signed before this store began',
      )
    case 'backchannel-request-object':
      return refuse(
        'ciba-object.replay',
        ['CIBA-7.1.1-jti'],
        'invalid_request',
        'the signed request was used before, or was signed before this store began',
      )
    case 'authorization-grant':
      return refuse(
        'jwt-bearer.replay',
        ['RFC7523-3-jti'],
        'invalid_grant',
        'the assertion was used before, or was signed before this store began',
      )
    default:
      return write.what satisfies never
  }
}

/** Replays come from an attack or a broken client: recorded as an alert, and counted. */
export function refusedReplay(
  exchange: Exchange,
  ports: Ports,
  event: string,
  replay: Refusal,
  options: {
    readonly context: RefusedOptions['context']
    readonly extraHeaders: Reply['headers'] | undefined
  },
): Promise<Reply> {
  ports.metrics.count('replays_detected_total', { rule: replay.ruleId })
  const { context = {}, extraHeaders = [] } = options
  return refusedOauth(exchange, ports, event, replay, { context, extraHeaders, outcome: 'alert' })
}
