import { createHmac } from 'node:crypto'
import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import { hashOfHandle } from '../handle.ts'
import { sourcePrefix } from '../interaction/attempts.ts'

/** Wrong codes before no more are looked at (threat model section 6). */
export const tryLimits = { browserMax: 5, sourceMax: 20, windowSeconds: 600 } as const

export interface TryKeys {
  readonly browser: HandleHash
  readonly source: HandleHash
}

/** Digests: the store learns neither browser nor address. */
export function tryKeys(exchange: Exchange, ports: Ports, browserHash: HandleHash): TryKeys {
  const issuer = exchange.issuer.url
  const secret = ports.keys.secret(issuer, 'device-tries')
  const keyOf = (what: string, text: string): HandleHash =>
    hashOfHandle(
      'failures',
      issuer,
      createHmac('sha256', secret).update(`${what}\n${text}`).digest('base64url'),
    )
  return {
    browser: keyOf('device-browser', browserHash),
    source: keyOf('device-source', sourcePrefix(exchange.remoteAddress)),
  }
}

export async function mayTry(ports: Ports, keys: TryKeys, now: EpochSeconds): Promise<boolean> {
  const [browser, source] = await Promise.all([
    ports.store.findFailures(keys.browser, now),
    ports.store.findFailures(keys.source, now),
  ])
  return (browser?.count ?? 0) < tryLimits.browserMax && (source?.count ?? 0) < tryLimits.sourceMax
}

export function countTry({ browser, source }: TryKeys, at: EpochSeconds): readonly Write[] {
  const { windowSeconds } = tryLimits
  return [browser, source].map(key => ({ kind: 'count-failure', key, at, windowSeconds }))
}
