import { type Refusal, refuse } from '@holdfast/protocol'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import { type AuditContext, auditRefused } from '../audit-of.ts'
import { authorizationError } from '../authorize/response.ts'
import { deviceDone } from '../pages/device.ts'
import { alreadyAnswered, errorPage } from '../pages/error.ts'
import { outstandingKey, outstandingRequests } from '../par/outstanding.ts'
import { recordRefusal } from '../refused.ts'
import type { Visit } from './visit.ts'

/**
 * Guards of every end: once per interaction, pushed request and signed request object, however many pages were opened.
 * An interaction that nobody was led to is never put down: nothing could answer it a second time.
 */
export function finishing({ interaction, now, opening }: Visit): readonly Write[] {
  const { hash, version, pushedHash } = interaction
  const { requestObjectJti: jti } = interaction.request
  return [
    ...(opening === undefined ? [{ kind: 'finish-interaction', hash, version, at: now } as const] : []),
    ...(pushedHash === undefined
      ? []
      : [{ kind: 'spend-pushed-request', hash: pushedHash, at: now } as const]),
    ...(jti === undefined ? [] : [{ kind: 'remember-jti', what: 'request-object', ...jti } as const]),
  ]
}

function openedRecord({ opening }: Visit): readonly Write[] {
  return opening === undefined ? [] : [opening()]
}

/** A completed request makes room for another one of its client. */
export function noLongerOutstanding({ exchange, interaction, client }: Visit, ports: Ports): void {
  if (interaction.pushedHash !== undefined)
    outstandingRequests(ports).release(outstandingKey(exchange, client))
}

/** What an end with a refusal takes along: more writes, and whom it is about when that is not who is signed in. */
interface RefusedEnd {
  readonly writes?: readonly Write[]
  readonly subject?: string
}

/** Ends an interaction with a refusal: told to the client, to the device that waits, or to the user alone. */
export async function finishRefused(
  visit: Visit,
  ports: Ports,
  event: string,
  refusal: Refusal,
  { writes = [], subject }: RefusedEnd = {},
): Promise<Reply> {
  const { exchange, interaction, now } = visit
  const { device, account, approvals, request } = interaction
  const context = { ...contextOf(visit), ...(subject !== undefined && { subject }) }
  const committed = await ports.store.commit([
    ...openedRecord(visit),
    ...finishing(visit),
    ...(device === undefined ? [] : [{ kind: 'deny-device-code', hash: device.hash, at: now } as const]),
    ...writes,
    auditRefused(exchange, now, event, refusal, context),
  ])
  if (!committed.committed) return await tooLate(visit, context, ports)
  noLongerOutstanding(visit, ports)
  if (device !== undefined) return deviceDone(exchange, 'denied')
  if (account !== undefined || approvals) return errorPage(exchange, refusal, { kind: 'unchanged' })
  return await authorizationError(exchange, ports, request, refusal)
}

export async function tooLate(visit: Visit, context: AuditContext, ports: Ports): Promise<Reply> {
  const { exchange, interaction } = visit
  const refusal = refuse(
    'interaction.once',
    ['RFC9126-4-3'],
    'invalid_request_uri',
    'the request was answered before, on this page or another one',
  )
  await recordRefusal(exchange, ports, 'consent.refused', refusal, { context, writes: openedRecord(visit) })
  const { uiLocales } = interaction.request
  return errorPage(exchange, refusal, { ...alreadyAnswered, uiLocales })
}

function contextOf({ interaction, client, session }: Visit): AuditContext {
  return {
    txn: interaction.txn,
    clientId: client.clientId,
    ...(session !== undefined && { subject: session.record.subject }),
  }
}
