import type { Refusal } from '@holdfast/protocol'
import type { Exchange, Reply } from '../http/exchange.ts'
import type { Ports } from '../ports.ts'
import type { Write } from '../store/writes.ts'
import { type AuditContext, auditRefused } from './audit-of.ts'
import { noncesAt } from './dpop/nonce.ts'
import { oauthError } from './render/oauth-error.ts'

export interface RefusedOptions {
  readonly context?: AuditContext
  readonly outcome?: 'refused' | 'alert'
  /** Writes that travel with the record, e.g. `revoke-grant` after a replayed code. */
  readonly writes?: readonly Write[]
  readonly extraHeaders?: Reply['headers']
}

/** Record a refusal, then answer it in the OAuth JSON dialect. No audit, no answer: a fault is thrown. */
export async function refusedOauth(
  exchange: Exchange,
  ports: Ports,
  event: string,
  refusal: Refusal,
  options: RefusedOptions = {},
): Promise<Reply> {
  await recordRefusal(exchange, ports, event, refusal, options)
  if (refusal.error !== 'use_attestation_challenge')
    return oauthError(exchange, refusal, options.extraHeaders)
  const { current } = noncesAt(ports.keys, exchange.issuer.url, ports.clock.now())
  return oauthError(exchange, refusal, [
    ...(options.extraHeaders ?? []),
    ['oauth-client-attestation-challenge', current],
  ])
}

/** The audit half alone, for rooms that answer in another dialect. */
export async function recordRefusal(
  exchange: Exchange,
  ports: Ports,
  event: string,
  refusal: Refusal,
  options: RefusedOptions = {},
): Promise<void> {
  const { context, outcome = 'refused', writes = [] } = options
  ports.metrics.count('refusals_total', { event, rule: refusal.ruleId })
  await ports.store.commit([
    ...writes,
    auditRefused(exchange, ports.clock.now(), event, refusal, context, outcome),
  ])
}
