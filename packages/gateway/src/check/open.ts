import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { refuse } from '@holdfast/protocol'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { admit, refusalAnswer } from '../admit.ts'
import { beginVisit, type Desk, type Visit } from '../desk.ts'
import { passedRequest } from '../fields.ts'
import { bound, closeServer, listen, listenerOptions } from '../listening.ts'
import { evidenceFields } from '../onward.ts'
import type { GatewayOptions } from '../options.ts'
import { connectionOf, peerBehind } from '../peer.ts'
import { writeAnswer } from '../write-answer.ts'
import { callersOf, type NameCaller } from './caller.ts'
import { type CheckAnswer, Decisions } from './decisions.ts'
import { identityFields } from './identity-fields.ts'
import type { CheckOptions } from './options.ts'
import { type Question, questionOf } from './question.ts'

export interface Check {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Everything a question is answered with. */
interface CheckDesk extends Desk {
  readonly callerOf: NameCaller
  readonly decisions: Decisions
}

/**
 * Listens for the questions of other gateways (decision 0051): same routes, same checks, same replay memory as the
 * gateway's own listener.
 * @throws TypeError when nobody could ask
 */
export async function openCheck(
  options: CheckOptions,
  tls: GatewayOptions['tls'],
  desk: Desk,
): Promise<Check> {
  const checkDesk: CheckDesk = {
    ...desk,
    callerOf: callersOf(options),
    decisions: new Decisions(() => performance.now()),
  }
  const server = createServer(listenerOptions(tls, desk.limits), (incoming, response) => {
    handle(incoming, response, checkDesk).catch((cause: unknown) => {
      desk.log.error('gateway.fault', { cause })
      response.destroy()
    })
  })
  bound(server, desk.limits)
  return {
    port: await listen(server, options.address),
    close: () => closeServer(server, desk.state),
  }
}

async function handle(incoming: IncomingMessage, response: ServerResponse, desk: CheckDesk): Promise<void> {
  const visit = beginVisit(desk, incoming, response)
  // Public, and named in every challenge: a proxy may pass it on from here.
  const published = desk.metadata.get(incoming.url ?? '')
  if (published !== undefined) return writeAnswer(response, published.answer(incoming.method ?? ''))
  writeAnswer(response, await answerTo(incoming, desk, visit))
}

async function answerTo(incoming: IncomingMessage, desk: CheckDesk, visit: Visit): Promise<CheckAnswer> {
  const caller = desk.callerOf(incoming)
  const question = questionOf(incoming, caller !== undefined)
  if (question === undefined)
    return refusedWith(
      refusalAnswer(refuse('check.path', ['HFC-2'], 'invalid_request', 'no check is made here'), desk, visit),
    )
  if (!question.ok) {
    const { address } = connectionOf(incoming.socket)
    visit.address = address
    desk.log.warn('gateway.check-refused', { address, rule: question.ruleId, reference: visit.reference })
    return refusedWith(refusalAnswer(question, desk, visit))
  }
  const { id, asked } = question.value
  const judge = (): Promise<CheckAnswer> => judgeQuestion(incoming, question.value, desk, visit)
  if (id === undefined) return await judge()
  // All of it, with the certificate: whatever differs is another request.
  const key = sha256(JSON.stringify([caller, id, asked, incoming.rawHeaders]))
  const { answer, isRepeated } = await desk.decisions.decide(key, judge)
  if (isRepeated) desk.metrics.count('checks_repeated_total', {})
  return answer
}

async function judgeQuestion(
  incoming: IncomingMessage,
  { asked }: Question,
  desk: Desk,
  visit: Visit,
): Promise<CheckAnswer> {
  const { address } = connectionOf(incoming.socket)
  const admission = await admit(asked, peerBehind(incoming.rawHeaders, address), desk, visit)
  if (!admission.ok) return refusedWith(admission.answer)
  const { route, token } = admission.value
  visit.spoofed = passedRequest(asked.rawHeaders, route.api.requestFields).spoofed
  return {
    isAllowed: true,
    status: 200,
    headers: [
      ...token.responseHeaders.filter(([name]) => name !== 'cache-control'),
      ['cache-control', 'no-store'],
      ...evidenceFields(asked.method ?? '', admission.value, desk),
      ...identityFields(token),
    ],
    body: '',
  }
}

type Fields = CheckAnswer['headers']

/** One challenge field: proxies pass on the first and drop the others. The connection is the proxy's, and stays. */
function refusedWith({ status, headers, body }: Omit<CheckAnswer, 'isAllowed'>): CheckAnswer {
  const challenges = headers.filter(([name]) => name === 'www-authenticate').map(([, value]) => value)
  const others = headers.filter(([name]) => name !== 'www-authenticate' && name !== 'connection')
  const joined: Fields = challenges.length === 0 ? [] : [['www-authenticate', challenges.join(', ')]]
  return { isAllowed: false, status, headers: [...others, ...joined], body }
}
