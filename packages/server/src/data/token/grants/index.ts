import type { GrantTypeName } from '../../../snapshot/snapshot.ts'
import type { Grant } from '../grant.ts'
import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import { refreshToken } from './refresh-token.ts'

export const grants: ReadonlyMap<GrantTypeName, Grant> = new Map(
  [authorizationCode, refreshToken, clientCredentials].map(grant => [grant.grantType, grant]),
)
