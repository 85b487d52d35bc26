import { refuse } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../../http/exchange.ts'
import type { Ports } from '../../../ports.ts'
import type { InteractionRecord } from '../../../store/records.ts'
import { auditAccepted, auditRefused } from '../../audit-of.ts'
import { confirmView, deviceDone } from '../../pages/device.ts'
import { alreadyAnswered, errorPage } from '../../pages/error.ts'
import { seeOther } from '../../pages/page.ts'
import { recordRefusal } from '../../refused.ts'
import { csrfToken } from '../csrf.ts'
import { stepUrl } from '../record.ts'
import type { InteractionStep } from '../step.ts'
import type { Visit } from '../visit.ts'

/** For a device only: the user says that it is theirs, before anybody signs in (RFC 8628 section 5.4). */
export const confirm: InteractionStep = {
  name: 'confirm',
  isNeeded: ({ interaction }) => interaction.device?.isConfirmed === false,
  show: render,
  answer,
}

async function answer(visit: Visit, form: Form, ports: Ports): Promise<Reply> {
  const { exchange, interaction, now, id } = visit
  const decision = form.get('decision')
  if (decision === 'stop') return await stopped(visit, ports)
  if (decision !== 'continue') return render(visit, ports)
  const device = { ...deviceOf(interaction), isConfirmed: true }
  // Another answer that was faster said the same.
  await ports.store.commit([
    { kind: 'advance-interaction', record: { ...interaction, device }, at: now },
    auditAccepted(exchange, now, 'device.confirmed', contextOf(visit), { device_code_ref: device.hash }),
  ])
  return seeOther(stepUrl(exchange.issuer.url, id, 'login'))
}

async function stopped(visit: Visit, ports: Ports): Promise<Reply> {
  const { exchange, interaction, now } = visit
  const { hash, version } = interaction
  const refusal = refuse(
    'device.not-mine',
    ['RFC8628-5.4'],
    'access_denied',
    'the user said that the device is not theirs',
  )
  const committed = await ports.store.commit([
    { kind: 'finish-interaction', hash, version, at: now },
    { kind: 'deny-device-code', hash: deviceOf(interaction).hash, at: now },
    auditRefused(exchange, now, 'device.denied', refusal, contextOf(visit)),
  ])
  if (committed.committed) return deviceDone(exchange, 'denied')
  await recordRefusal(exchange, ports, 'device.refused', decidedBefore, { context: contextOf(visit) })
  return errorPage(exchange, decidedBefore, alreadyAnswered)
}

/** On this page or another one: a device has one answer. */
export const decidedBefore = refuse(
  'device.decided',
  ['RFC8628-5.2'],
  'invalid_request',
  'the device was answered before, or its code expired',
)

function render(visit: Visit, ports: Ports): Reply {
  const { exchange, interaction, client, id } = visit
  return confirmView(exchange, {
    action: stepUrl(exchange.issuer.url, id, 'confirm'),
    csrf: csrfToken(ports.keys, interaction, 'confirm'),
    clientName: client.clientName,
    source: deviceOf(interaction).source,
  })
}

/** The room lets nobody reach this step without one. */
function deviceOf({ device }: InteractionRecord): NonNullable<InteractionRecord['device']> {
  if (device === undefined) throw new TypeError('confirm without a device')
  return device
}

function contextOf({ interaction, client }: Visit): { readonly txn: string; readonly clientId: string } {
  return { txn: interaction.txn, clientId: client.clientId }
}
