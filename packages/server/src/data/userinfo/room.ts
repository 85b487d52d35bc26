import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { auditAccepted } from '../audit-of.ts'
import { type BearerDesk, commitPresented, nextNonce, presentedToken } from '../bearer/presented.ts'
import { claimsByName, claimsOfScopes, type UserClaims } from '../claims/release.ts'
import type { ActiveToken } from '../introspect/standing.ts'
import { subjectFor } from '../mint/pairwise.ts'
import { jsonReply, noStore } from '../render/json.ts'
import type { Room } from '../room.ts'
import { signForClient } from '../sign-for-client.ts'

/** Userinfo (OpenID Connect Core section 5.3): a resource server like any other, with the binding rules of all. */
export const userinfoRoom: Room = async (exchange, ports) => {
  const desk: BearerDesk = { exchange, ports, refusedEvent: 'userinfo.refused', requiredScope: 'openid' }
  const presented = await presentedToken(desk)
  if (!presented.ok) return presented.reply

  const { active } = presented.value
  const { clientId, subject, txn, hash, scopes } = active.token
  const claims = claimsOf(active, exchange, ports)
  // Before the record: an answer that cannot be encrypted was not given.
  const answer = await answerOf(claims, active.client, exchange, ports)
  const audit = auditAccepted(
    exchange,
    ports.clock.now(),
    'userinfo.read',
    { clientId, subject, txn },
    { token_ref: hash, scopes, claims: Object.keys(claims) },
  )
  const done = await commitPresented(desk, presented.value, [audit])
  if (done.reply !== undefined) return done.reply
  if (!done.committed) throw new TypeError('no other guard stands in this list')
  return answer
}

/**
 * `sub`, and of the user's claims those that a scope of the token releases or that the user allowed by name. The latter
 * are for the client that asked: a token that another one got in exchange does not carry them.
 */
function claimsOf(
  { token, client, grant, user }: ActiveToken,
  { issuer }: Exchange,
  { keys }: Ports,
): UserClaims {
  const named = grant !== undefined && grant.clientId === token.clientId ? (grant.claims?.userinfo ?? []) : []
  return {
    ...claimsOfScopes(token.scopes, user, issuer),
    ...(named.length > 0 && claimsByName(named, user, client, issuer)),
    sub: subjectFor(keys, issuer.url, token.sector, token.subject),
  }
}

/** JSON, or the JWT that the client registered for (OpenID Connect Core section 5.3.2). */
async function answerOf(
  claims: UserClaims,
  client: Client,
  exchange: Exchange,
  ports: Ports,
): Promise<Reply> {
  const alg = client.userinfoSignedResponseAlg
  const nonce = nextNonce(exchange, ports)
  if (alg === undefined) return jsonReply(200, claims, nonce)
  const named = { ...claims, iss: exchange.issuer.url, aud: client.clientId }
  const jwt = { response: 'userinfo', alg, typ: 'JWT', claims: named } as const
  const body = await signForClient(jwt, client, exchange.issuer.url, ports)
  return { status: 200, headers: [['content-type', 'application/jwt'], ...noStore, ...nonce], body }
}
