import type { GrantTypeName } from '../../../snapshot/snapshot.ts'
import type { Grant } from '../grant.ts'
import { authorizationCode } from './authorization-code.ts'
import { ciba } from './ciba.ts'
import { clientCredentials } from './client-credentials.ts'
import { deviceCode } from './device-code.ts'
import { jwtBearer } from './jwt-bearer.ts'
import { refreshToken } from './refresh-token.ts'
import { tokenExchange } from './token-exchange.ts'

export const grants: ReadonlyMap<GrantTypeName, Grant> = new Map(
  [authorizationCode, refreshToken, clientCredentials, tokenExchange, deviceCode, ciba, jwtBearer].map(
    grant => [grant.grantType, grant],
  ),
)
