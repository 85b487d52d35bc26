import type { HandleHash } from '@holdfast/protocol'
import type { Ports } from '../../../ports.ts'
import type { IssuerSnapshot } from '../../../snapshot/snapshot.ts'
import type { TokenFormat } from '../format.ts'
import { jwt } from './jwt.ts'
import { opaque } from './opaque.ts'

const slots: readonly TokenFormat[] = [opaque, jwt]

export const tokenFormats: ReadonlyMap<TokenFormat['format'], TokenFormat> = new Map(
  slots.map(slot => [slot.format, slot]),
)

/** What the store knows a presented access token by, whatever its form; undefined when we never made it. */
export function hashOfAccessToken(
  token: string,
  issuer: IssuerSnapshot,
  ports: Ports,
): HandleHash | undefined {
  for (const slot of slots) {
    const hash = slot.hashOf(token, issuer, ports)
    if (hash !== undefined) return hash
  }
  return undefined
}
