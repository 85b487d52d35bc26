import { firstRefusal, type Refusal } from '@holdfast/protocol'
import {
  globalRevocationCallerRules,
  globalRevocationRules,
  globalRevocationScope,
  revokedSubjectRules,
  subjectOf,
} from '@holdfast/protocol/specs/global-token-revocation/rules.ts'
import { parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import type { Reply } from '../../http/exchange.ts'
import { revocationOfSubject } from '../../store/revocations.ts'
import { auditAccepted } from '../audit-of.ts'
import {
  type Bearer,
  type BearerDesk,
  commitPresented,
  nextNonce,
  presentedHere,
  presentedToken,
} from '../bearer/presented.ts'
import { recordRefusal } from '../refused.ts'
import { jsonReply, noStore } from '../render/json.ts'
import { publicSentence } from '../render/public-sentence.ts'
import type { Room } from '../room.ts'

/** All access of one user ends, on the word of an incident or identity system (Global Token Revocation section 3). */
export const globalRevocationRoom: Room = async (exchange, ports) => {
  const { issuer } = exchange
  const desk: BearerDesk = {
    exchange,
    ports,
    refusedEvent: 'user.revocation-refused',
    requiredScope: globalRevocationScope,
    judge: active => firstRefusal(globalRevocationCallerRules, presentedHere(active, exchange)),
  }
  const presented = await presentedToken(desk)
  if (!presented.ok) return presented.reply

  const body = parseJsonObject(exchange.body.toString('utf8'))
  const malformed = firstRefusal(globalRevocationRules, { body, issuer: issuer.url })
  if (malformed !== undefined) return await refuse(desk, presented.value, malformed, 400)
  const subject = subjectOf(body, issuer.url) ?? ''
  const user = await ports.store.findUserBySubject(issuer.url, subject)
  const unknown = firstRefusal(revokedSubjectRules, { isKnown: user !== undefined })
  if (unknown !== undefined) return await refuse(desk, presented.value, unknown, 404)

  const at = ports.clock.now()
  const { clientId } = presented.value.active.token
  const done = await commitPresented(desk, presented.value, [
    ...revocationOfSubject(issuer.url, subject, at),
    auditAccepted(exchange, at, 'user.revoked', { clientId, subject }, { by: 'client' }),
  ])
  if (done.reply !== undefined) return done.reply
  if (!done.committed) throw new TypeError('no other guard stands in this list')
  return { status: 204, headers: [...noStore, ...nextNonce(exchange, ports)], body: '' }
}

async function refuse(desk: BearerDesk, bearer: Bearer, refusal: Refusal, status: number): Promise<Reply> {
  const { exchange, ports, refusedEvent } = desk
  const spent = await commitPresented(desk, bearer, [])
  if (spent.reply !== undefined) return spent.reply
  const context = { clientId: bearer.active.token.clientId }
  await recordRefusal(exchange, ports, refusedEvent, refusal, { context })
  const body = { error: refusal.error, error_description: publicSentence(exchange, refusal) }
  return jsonReply(status, body, nextNonce(exchange, ports))
}
