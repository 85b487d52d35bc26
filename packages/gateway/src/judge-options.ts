import { isResourceIdentifier } from '@holdfast/protocol/specs/rfc9728-resource-metadata/rules.ts'
import { callersOf } from './check/caller.ts'
import type { GatewayOptions } from './options.ts'

/** What can be wrong before anything is opened. @throws TypeError that names the option */
export function judgeOptions({ externalUrl, address, check, apis }: GatewayOptions): void {
  if (!isResourceIdentifier(externalUrl) || new URL(externalUrl).origin !== externalUrl)
    throw new TypeError(`externalUrl: \`${externalUrl}\` is not an https origin`)
  if (address === undefined && check === undefined)
    throw new TypeError('the gateway has neither `address` nor `check`: nobody could ask it')
  const bare = apis.find(api => api.upstream === undefined)
  if (address !== undefined && bare !== undefined)
    throw new TypeError(`API \`${bare.name}\` has no upstream, and the gateway is to forward to it`)
  if (check !== undefined) callersOf(check)
}
