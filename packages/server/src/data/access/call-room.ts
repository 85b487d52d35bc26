import type { AccessAnswer } from '@holdfast/policy'
import { accept, firstRefusal, type Outcome, type Refusal } from '@holdfast/protocol'
import { callerOfCallRules, callReachRules, readCall } from '@holdfast/protocol/specs/authzen/call-rules.ts'
import { bodyJsonLimits, readEvaluation } from '@holdfast/protocol/specs/authzen/rules.ts'
import { parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { auditRefused } from '../audit-of.ts'
import { commitPresented, presentedToken } from '../bearer/presented.ts'
import { type AccessInput, type JudgedAccess, judgeAccess } from '../policy/access.ts'
import type { Room } from '../room.ts'
import { accessRefused, answerReply, decisionDesk, questionText } from './asking.ts'
import { ownersOf } from './owners.ts'

/**
 * The active policies of the issuer as a decision point (AuthZEN 1.0 section 6): may this call be made? Gateways and
 * APIs ask with each request, about tokens addressed to the resource servers they answer for, and no others.
 */
export const callRoom: Room = async (exchange, ports) => {
  const desk = decisionDesk(exchange, ports)
  const presented = await presentedToken(desk)
  if (!presented.ok) return presented.reply

  const now = ports.clock.now()
  const { client: asker } = presented.value.active
  const context = { clientId: asker.clientId }
  const asked = parseCall(exchange)
  const about = asked.ok ? loadCall(asked.value, asker, exchange) : asked
  const { answer, writes }: Pick<JudgedAccess, 'writes'> & { readonly answer: AccessAnswer | string } =
    about.ok
      ? await judgeAccess({ ...about.value, askedBy: asker.clientId, now }, exchange, ports)
      : {
          answer: asked.ok ? notDecided(about, exchange) : about.reason,
          writes: [auditRefused(exchange, now, accessRefused, about, context)],
        }
  const done = await commitPresented(desk, presented.value, writes)
  if (done.reply !== undefined) return done.reply
  if (!done.committed) throw new TypeError('no other guard stands in this list')
  return answerReply(desk, asked.ok ? 200 : 400, answer)
}

type AskedCall = Pick<AccessInput, 'evaluation' | 'call'>

function parseCall(exchange: Exchange): Outcome<AskedCall> {
  const text = questionText(exchange)
  if (!text.ok) return text
  const evaluation = readEvaluation(parseJsonObject(text.value, bodyJsonLimits))
  if (!evaluation.ok) return evaluation
  const call = readCall(evaluation.value.context)
  return call.ok ? accept({ evaluation: evaluation.value, call: call.value }) : call
}

/** Whose token it is, and what applies to all it is for; a caller is told nothing of tokens for others (I20). */
function loadCall(
  asked: AskedCall,
  { introspects }: Client,
  { issuer }: Exchange,
): Outcome<Omit<AccessInput, 'askedBy' | 'now'>> {
  const { clientId, audience, scopes, details } = asked.call
  const owners = ownersOf(asked.call, issuer)
  const notAddressed = firstRefusal(callReachRules, { audience, introspects, owners })
  if (notAddressed !== undefined) return notAddressed
  const client = issuer.clients.get(clientId)
  const isServed = client?.status === 'active'
  const notServed = firstRefusal(callerOfCallRules, { isServed })
  if (notServed !== undefined || client === undefined) return notServed ?? broken()
  const profile = issuer.effectiveProfile(client, { audiences: audience, scopes, details })
  return profile.ok ? accept({ ...asked, client, profile: profile.value }) : profile
}

function broken(): never {
  throw new TypeError('rule table')
}

/** A deny: who asks about one call that cannot be decided must not leave all others waiting. */
function notDecided({ error, reason }: Refusal, { issuer }: Exchange): AccessAnswer {
  const status = error === 'invalid_token' ? 403 : 400
  return {
    decision: false,
    context: { policy_version: issuer.policies.version, error: { status, message: reason } },
  }
}
