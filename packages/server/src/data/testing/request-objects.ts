import { fapi2MessageSigning } from '@holdfast/protocol/profiles/fapi2-message-signing.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { goodRequest } from './browser.ts'
import { clientOf, keys } from './clients.ts'
import { compactJws, type TestKey } from './jws.ts'
import { issuerUrl, type World } from './world.ts'

/** A FAPI 2.0 Message Signing client. */
export const signing: Client = clientOf({ clientId: 'c_signing', ownProfile: fapi2MessageSigning })

export interface RequestObjectOptions {
  readonly clientId?: string
  readonly key?: TestKey
  readonly header?: Readonly<Record<string, unknown>>
  /** Claims to change; undefined removes one. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A good signed request of `c_signing` that asks for a signed answer, spoiled as asked. */
export function requestObject(world: World, options: RequestObjectOptions = {}): string {
  const { clientId = 'c_signing', key = keys.bank, header = {}, claims = {} } = options
  const now = world.clock.now()
  return compactJws(
    { alg: key.alg, kid: key.kid, typ: 'oauth-authz-req+jwt', ...header },
    {
      ...goodRequest(clientId),
      response_mode: 'jwt',
      iss: clientId,
      aud: issuerUrl,
      iat: now,
      nbf: now,
      exp: now + 300,
      jti: world.ports.entropy.bytes(16).toString('base64url'),
      ...claims,
    },
    key,
  )
}
