import type { Exchange } from '../../http/exchange.ts'
import { auditAccepted } from '../audit-of.ts'
import { type BearerDesk, commitPresented, nextNonce, presentedToken } from '../bearer/presented.ts'
import type { ActiveToken } from '../introspect/standing.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'

/** Userinfo (OpenID Connect Core section 5.3): a resource server like any other, with the binding rules of all. */
export const userinfoRoom: Room = async (exchange, ports) => {
  const desk: BearerDesk = { exchange, ports, refusedEvent: 'userinfo.refused', requiredScope: 'openid' }
  const presented = await presentedToken(desk)
  if (!presented.ok) return presented.reply

  const { active } = presented.value
  const { clientId, subject, txn, hash, scopes } = active.token
  const audit = auditAccepted(
    exchange,
    ports.clock.now(),
    'userinfo.read',
    { clientId, subject, txn },
    { token_ref: hash, scopes },
  )
  const done = await commitPresented(desk, presented.value, [audit])
  if (done.reply !== undefined) return done.reply
  if (!done.committed) throw new TypeError('no other guard stands in this list')
  return jsonReply(200, claimsOf(active, exchange), nextNonce(exchange, ports))
}

/** `sub`, and of the user's claims those that a scope of the token releases (OpenID Connect Core section 5.4). */
function claimsOf({ token, user }: ActiveToken, { issuer }: Exchange): Readonly<Record<string, unknown>> {
  const released = token.scopes.flatMap(scope => issuer.scopes.get(scope)?.claims ?? [])
  const claims = Object.entries(user?.claims ?? {}).filter(([name]) => released.includes(name))
  return { ...Object.fromEntries(claims), sub: token.subject }
}
