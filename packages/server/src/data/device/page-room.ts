import { createHmac, timingSafeEqual } from 'node:crypto'
import { type EpochSeconds, type HandleHash, type Refusal, refuse } from '@holdfast/protocol'
import { normaliseUserCode, shownUserCode } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import { type Form, parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { InteractionRecord } from '../../store/records.ts'
import type { FoundDeviceCode } from '../../store/store.ts'
import { auditAccepted } from '../audit-of.ts'
import { type AccessElsewhere, askedAgain } from '../authorize/asked-elsewhere.ts'
import { neededMaxAgeSeconds } from '../authorize/freshness.ts'
import { endOf } from '../end-of.ts'
import { fineTime, newHandle } from '../handle.ts'
import { openAccountTurns } from '../interaction/attempts.ts'
import { browserOf, cookieHash } from '../interaction/cookies.ts'
import { requestOfOurs } from '../interaction/ourselves.ts'
import { parsePost } from '../interaction/post.ts'
import { interactionEndsAt, stepUrl } from '../interaction/record.ts'
import { loadSession } from '../interaction/session.ts'
import { type DeviceView, deviceView } from '../pages/device.ts'
import { errorPage } from '../pages/error.ts'
import { seeOther } from '../pages/page.ts'
import { paths } from '../paths.ts'
import { recordRefusal } from '../refused.ts'
import type { Room } from '../room.ts'
import { judgeDeviceRequest } from './request.ts'
import { countTry, mayTry, type TryKeys, tryKeys } from './tries.ts'
import { hashOfUserCode } from './user-code.ts'

const refused = 'device-page.refused'
/** Tries from one network wait for each other, so that parallel ones cannot outrun the count. */
const turns = openAccountTurns()

/** GET `/device`: where a person types the code of a device (RFC 8628 section 3.3). */
export const devicePage: Room = async (exchange, ports) => {
  const asked = parseForm(exchange.query)
  if (!asked.ok) return await refusedOnPage(exchange, ports, asked)
  const typed = normaliseUserCode(asked.value.get('user_code') ?? '')
  const { hash, headers: extraHeaders } = browserOf(exchange, ports)
  return render(exchange, ports, hash, {
    userCode: typed === undefined ? '' : shownUserCode(typed),
    extraHeaders,
  })
}

/** POST `/device`: opens an interaction for the device whose code was typed. */
export const devicePost: Room = async (exchange, ports) => {
  const form = parsePost(exchange)
  if (!form.ok) return await refusedOnPage(exchange, ports, form)
  const browserHash = cookieHash(exchange, 'browser')
  if (browserHash === undefined || !isFromOurPage(exchange, ports, browserHash, form.value))
    return await refusedOnPage(exchange, ports, notOurPage)
  const keys = tryKeys(exchange, ports, browserHash)
  const reply = await turns.take(keys.source, () =>
    tryCode(exchange, ports, browserHash, keys, form.value.get('user_code') ?? ''),
  )
  return reply ?? (await tooMany(exchange, ports, browserHash))
}

const notOurPage = refuse(
  'device-page.csrf',
  ['RFC6749-10.12'],
  'invalid_request',
  'the answer does not come from a page this browser was shown',
)

async function tryCode(
  exchange: Exchange,
  ports: Ports,
  browserHash: HandleHash,
  keys: TryKeys,
  typed: string,
): Promise<Reply> {
  const now = ports.clock.now()
  if (!(await mayTry(ports, keys, now))) return await tooMany(exchange, ports, browserHash)
  const code = normaliseUserCode(typed)
  const issuer = exchange.issuer.url
  const found =
    code === undefined
      ? undefined
      : await ports.store.findDeviceCodeByUserCode(hashOfUserCode(ports, issuer, code))
  const open = found && judgeOpen(exchange, found, now)
  if (found === undefined || open === undefined) {
    const refusal = refuse(
      'device-page.code',
      ['RFC8628-5.1'],
      'invalid_request',
      'no device waits by this code',
    )
    await recordRefusal(exchange, ports, refused, refusal, { writes: countTry(keys, now) })
    return render(exchange, ports, browserHash, { userCode: '', problem: 'wrong' })
  }
  return await openDeviceInteraction(exchange, ports, browserHash, { found, asked: open, now })
}

/** What it asks for, while it is neither decided nor expired and its client may still have that. */
function judgeOpen(
  { issuer }: Exchange,
  found: FoundDeviceCode,
  now: EpochSeconds,
): AccessElsewhere | undefined {
  const client = issuer.clients.get(found.clientId)
  const isWaiting = found.grantId === undefined && found.deniedAt === undefined && now < endOf(found)
  if (!isWaiting || found.issuer !== issuer.url || client?.status !== 'active') return undefined
  const judged = judgeDeviceRequest(askedAgain(found), client, issuer)
  return judged.ok ? judged.value : undefined
}

async function openDeviceInteraction(
  exchange: Exchange,
  ports: Ports,
  browserHash: HandleHash,
  {
    found,
    asked,
    now,
  }: { readonly found: FoundDeviceCode; readonly asked: AccessElsewhere; readonly now: EpochSeconds },
): Promise<Reply> {
  const issuer = exchange.issuer.url
  const handle = newHandle(ports.entropy, 'interaction', issuer, fineTime(ports.clock))
  const session = await loadSession(exchange, ports, now)
  const record: InteractionRecord = {
    hash: handle.hash,
    issuer,
    clientId: found.clientId,
    browserHash,
    // No client waits behind it: the answer stays on our own page.
    request: requestOfOurs(issuer + paths.device, {
      ...found,
      maxAgeSeconds: neededMaxAgeSeconds(undefined, asked.profile),
    }),
    pushedHash: undefined,
    txn: found.txn,
    device: { hash: found.hash, source: found.source, isConfirmed: false },
    sessionHash: session?.record.hash,
    version: 0,
    issuedAt: now,
    expiresAt: Math.min(interactionEndsAt(now), found.expiresAt) as EpochSeconds,
  }
  await ports.store.commit([
    { kind: 'insert-interaction', record },
    auditAccepted(
      exchange,
      now,
      'device.opened',
      { txn: found.txn, clientId: found.clientId },
      { device_code_ref: found.hash, device_source: found.source },
    ),
  ])
  return seeOther(stepUrl(issuer, handle.value, 'confirm'))
}

async function tooMany(exchange: Exchange, ports: Ports, browserHash: HandleHash): Promise<Reply> {
  const refusal = refuse(
    'device-page.tries',
    ['RFC8628-5.1'],
    'temporarily_unavailable',
    'too many wrong codes from this browser or network',
  )
  await recordRefusal(exchange, ports, refused, refusal)
  return render(exchange, ports, browserHash, { userCode: '', problem: 'wait' })
}

function csrfOf(exchange: Exchange, ports: Ports, browserHash: HandleHash): string {
  const secret = ports.keys.secret(exchange.issuer.url, 'csrf')
  return createHmac('sha256', secret).update(`device\n${browserHash}`).digest('base64url')
}

function isFromOurPage(exchange: Exchange, ports: Ports, browserHash: HandleHash, form: Form): boolean {
  const expected = Buffer.from(csrfOf(exchange, ports, browserHash))
  const sent = Buffer.from(form.get('csrf') ?? '')
  return sent.length === expected.length && timingSafeEqual(sent, expected)
}

function render(
  exchange: Exchange,
  ports: Ports,
  browserHash: HandleHash,
  view: Omit<DeviceView, 'action' | 'csrf'>,
): Reply {
  const action = exchange.issuer.url + paths.device
  return deviceView(exchange, { ...view, action, csrf: csrfOf(exchange, ports, browserHash) })
}

async function refusedOnPage(exchange: Exchange, ports: Ports, refusal: Refusal): Promise<Reply> {
  await recordRefusal(exchange, ports, refused, refusal)
  return errorPage(exchange, refusal)
}
