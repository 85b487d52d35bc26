import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import { activeTokenRules } from '@holdfast/protocol/specs/rfc7662-introspection/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AccessTokenRecord, GrantRecord, UserRecord } from '../../store/records.ts'
import type { Found } from '../../store/store.ts'
import { findAccessToken } from '../mint/formats/index.ts'
import { lostRights } from '../mint/lost-rights.ts'

/** A presented access token and all it hangs on. */
export interface TokenFacts {
  readonly token: Found<AccessTokenRecord> | undefined
  readonly client: Client | undefined
  /** In whose name it was issued; another than `client` when the token was exchanged. */
  readonly owner: Client | undefined
  readonly grant: Found<GrantRecord> | undefined
  readonly user: UserRecord | undefined
}

/** An access token that is good now. */
export interface ActiveToken {
  readonly token: AccessTokenRecord
  readonly client: Client
  /** Both undefined for client credentials. */
  readonly grant: GrantRecord | undefined
  readonly user: UserRecord | undefined
}

export async function loadToken(value: string, { issuer }: Exchange, ports: Ports): Promise<TokenFacts> {
  const token = await findAccessToken(value, issuer, ports)
  if (token === undefined)
    return { token, client: undefined, owner: undefined, grant: undefined, user: undefined }
  const client = issuer.clients.get(token.clientId)
  if (token.grantId === undefined) {
    const owner = issuer.clients.get(token.subject)
    return { token, client, owner, grant: undefined, user: undefined }
  }
  const [grant, user] = await Promise.all([
    ports.store.findGrant(token.grantId),
    ports.store.findUserBySubject(issuer.url, token.subject),
  ])
  const owner = grant === undefined ? client : issuer.clients.get(grant.clientId)
  return { token, client, owner, grant, user }
}

export function judgeActive(facts: TokenFacts, { issuer }: Exchange, ports: Ports): Outcome<ActiveToken> {
  const { token, client, owner, grant, user } = facts
  const now = ports.clock.now()
  const refusal = firstRefusal(activeTokenRules, {
    now,
    token: token && { expiresAt: token.expiresAt, isRevoked: token.revokedAt !== undefined },
    isClientActive: client?.status === 'active' && owner?.status === 'active',
    lost: token === undefined ? [] : lostRights(token, client, issuer),
    grant:
      token?.grantId === undefined
        ? undefined
        : {
            isLive: grant !== undefined && grant.revokedAt === undefined && now < grant.expiresAt,
            isUserActive: user?.status === 'active',
          },
  })
  if (refusal !== undefined) return refusal
  if (token === undefined || client === undefined) throw new TypeError('rule table')
  return accept({ token, client, grant, user })
}
