import type { GrantTypeName } from '../../../snapshot/snapshot.ts'
import type { Grant } from '../grant.ts'
import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import { refreshToken } from './refresh-token.ts'
import { tokenExchange } from './token-exchange.ts'

export const grants: ReadonlyMap<GrantTypeName, Grant> = new Map(
  [authorizationCode, refreshToken, clientCredentials, tokenExchange].map(grant => [grant.grantType, grant]),
)
