import type { Refusal } from '@holdfast/protocol'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { errorPage } from '../pages/error.ts'
import { seeOther } from '../pages/page.ts'
import { paths } from '../paths.ts'
import { recordRefusal } from '../refused.ts'
import type { Room } from '../room.ts'
import { judgeCsrf } from './csrf.ts'
import { parsePost } from './post.ts'
import { stepUrl } from './record.ts'
import type { InteractionStep } from './step.ts'
import { approvals } from './steps/approvals.ts'
import { confirm } from './steps/confirm.ts'
import { consent } from './steps/consent.ts'
import { interactionSteps } from './steps/index.ts'
import { login } from './steps/login.ts'
import { secondFactor } from './steps/second-factor.ts'
import { helpFor, loadVisit, type Visit } from './visit.ts'

/** GET `/interaction/:id/login` and so on: the page of the step whose turn it is. */
export const approvalsPage: Room = (exchange, ports) => showStep(approvals, exchange, ports)
export const confirmPage: Room = (exchange, ports) => showStep(confirm, exchange, ports)
export const loginPage: Room = (exchange, ports) => showStep(login, exchange, ports)
export const secondFactorPage: Room = (exchange, ports) => showStep(secondFactor, exchange, ports)
export const consentPage: Room = (exchange, ports) => showStep(consent, exchange, ports)

/** POST to the same: the answer. */
export const approvalsPost: Room = (exchange, ports) => answerStep(approvals, exchange, ports)
export const confirmPost: Room = (exchange, ports) => answerStep(confirm, exchange, ports)
export const loginPost: Room = (exchange, ports) => answerStep(login, exchange, ports)
export const secondFactorPost: Room = (exchange, ports) => answerStep(secondFactor, exchange, ports)
export const consentPost: Room = (exchange, ports) => answerStep(consent, exchange, ports)

async function showStep(step: InteractionStep, exchange: Exchange, ports: Ports): Promise<Reply> {
  const visit = await loadVisit(exchange, ports)
  if (!visit.ok) return await refusedOnPage(exchange, ports, visit)
  return outOfTurn(step, visit.value) ?? (await step.show(visit.value, ports))
}

async function answerStep(step: InteractionStep, exchange: Exchange, ports: Ports): Promise<Reply> {
  const form = parsePost(exchange)
  if (!form.ok) return await refusedOnPage(exchange, ports, form)
  const visit = await loadVisit(exchange, ports)
  if (!visit.ok) return await refusedOnPage(exchange, ports, visit)
  // Before the CSRF token: after a login the old page's token is stale, and there is nothing left to do on it.
  const elsewhere = outOfTurn(step, visit.value)
  if (elsewhere !== undefined) return elsewhere
  const csrf = judgeCsrf(ports.keys, visit.value.interaction, step.name, form.value)
  if (!csrf.ok) return await refusedOnPage(exchange, ports, csrf)
  return await step.answer(visit.value, form.value, ports)
}

/** The first page of an interaction, in place of a way to it. */
export async function showFirst(visit: Visit, cookies: Reply['headers'], ports: Ports): Promise<Reply> {
  const first = dueStep(visit)
  if (first === undefined) throw new TypeError('an interaction without a step')
  const shown = await first.show(visit, ports)
  const reply = { ...shown, headers: [...shown.headers, ...cookies] }
  if (reply.status !== 200) return reply
  // What the page is called from now on (RFC 9110 section 8.7).
  const place = stepUrl(visit.exchange.issuer.url, visit.id, first.name)
  return { ...reply, headers: [...reply.headers, ['content-location', place]] }
}

function dueStep(visit: Visit): InteractionStep | undefined {
  return interactionSteps.find(candidate => candidate.isNeeded(visit))
}

/** To the step whose turn it is, when that is another one: steps cannot be skipped or repeated. */
function outOfTurn(step: InteractionStep, visit: Visit): Reply | undefined {
  const { url } = visit.exchange.issuer
  const due = dueStep(visit)
  if (due === undefined) return seeOther(url + (visit.interaction.account ?? paths.security))
  return due === step ? undefined : seeOther(stepUrl(url, visit.id, due.name))
}

async function refusedOnPage(exchange: Exchange, ports: Ports, refusal: Refusal): Promise<Reply> {
  await recordRefusal(exchange, ports, 'interaction.refused', refusal)
  return errorPage(exchange, refusal, helpFor(refusal))
}
