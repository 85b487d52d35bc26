import { openRevocationFeed, type RevocationFeed } from '@holdfast/resource-server'
import type { GatewayOptions } from './options.ts'

/** Between two looks at the streams, so that with this bound none outlives silence by more than five seconds. */
const silenceBoundMsMax = 4500

/** One subscription for all APIs, unless it is off. @throws TypeError when the bound is out of bounds */
export function openFeed(options: GatewayOptions): RevocationFeed | undefined {
  const { issuer, introspection: authentication, revocationFeed = {}, fetch, clock, entropy, log } = options
  if (revocationFeed === 'off') return undefined
  const { silenceBoundMs } = revocationFeed
  if (silenceBoundMs !== undefined && silenceBoundMs > silenceBoundMsMax)
    throw new TypeError(`silenceBoundMs is \`${silenceBoundMs}\`, above ${silenceBoundMsMax}`)
  return openRevocationFeed({
    ...{ issuer, authentication },
    ...(silenceBoundMs !== undefined && { silenceBoundMs }),
    ...(fetch && { fetch }),
    ...(clock && { clock }),
    ...(entropy && { entropy }),
    onAlarm: (alarm, cause) => log.warn('gateway.alarm', { alarm, cause }),
  })
}
