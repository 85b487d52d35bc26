import type { Ports } from '../../../ports.ts'
import type { IssuerSnapshot } from '../../../snapshot/snapshot.ts'
import type { AccessTokenRecord } from '../../../store/records.ts'
import type { Found } from '../../../store/store.ts'
import type { TokenFormat } from '../format.ts'
import { jwt } from './jwt.ts'
import { opaque } from './opaque.ts'
import { split } from './split.ts'

const slots: readonly TokenFormat[] = [opaque, jwt, split]

export const tokenFormats: ReadonlyMap<TokenFormat['format'], TokenFormat> = new Map(
  slots.map(slot => [slot.format, slot]),
)

/** What the store knows of a presented access token, whatever its form; undefined when we never made it. */
export async function findAccessToken(
  token: string,
  issuer: IssuerSnapshot,
  ports: Ports,
): Promise<Found<AccessTokenRecord> | undefined> {
  for (const slot of slots) {
    const hash = slot.hashOf(token, issuer, ports)
    if (hash === undefined) continue
    const found = await ports.store.findAccessToken(hash)
    return found === undefined || slot.isWhole?.(token, found, issuer, ports) === false ? undefined : found
  }
  return undefined
}
