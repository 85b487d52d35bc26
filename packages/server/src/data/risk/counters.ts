import type { EpochSeconds } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { Write } from '../../store/writes.ts'
import { riskCounters } from './recognition.ts'

/** In which sign-ins of one user are counted. */
export const signInWindowSeconds = 3600
/** In which wrong passwords and codes of one user are counted. */
export const failureWindowSeconds = 86_400
/** In which failures of one network are counted. */
export const networkWindowSeconds = 3600

/** Whether anybody wants to know: the policies that decide, or those in their shadow. */
export function readsRisk({ policies }: Pick<IssuerSnapshot, 'policies'>): boolean {
  return policies.readsRisk || policies.shadow?.readsRisk === true
}

/**
 * A wrong password, code or passkey. Counted apart from what locks out: a password that was right in the end does not
 * clear it, only a second factor does.
 * @param username as typed; undefined where nobody said who they are
 */
export function countRiskFailure(
  exchange: Exchange,
  ports: Ports,
  username: string | undefined,
  at: EpochSeconds,
): readonly Write[] {
  if (!readsRisk(exchange.issuer)) return []
  const { failures, networkFailures } = riskCounters(exchange, ports)
  const count = (key: ReturnType<typeof failures>, windowSeconds: number): Write => {
    return { kind: 'count-failure', key, at, windowSeconds }
  }
  return [
    ...(username === undefined ? [] : [count(failures(username), failureWindowSeconds)]),
    ...(networkFailures === undefined ? [] : [count(networkFailures, networkWindowSeconds)]),
  ]
}

export function countSignIn(
  exchange: Exchange,
  ports: Ports,
  subject: string,
  at: EpochSeconds,
): readonly Write[] {
  if (!readsRisk(exchange.issuer)) return []
  const key = riskCounters(exchange, ports).signIns(subject)
  return [{ kind: 'count-failure', key, at, windowSeconds: signInWindowSeconds }]
}
