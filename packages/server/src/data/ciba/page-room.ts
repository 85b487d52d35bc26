import { createHmac, timingSafeEqual } from 'node:crypto'
import { type EpochSeconds, type HandleHash, type Refusal, refuse } from '@holdfast/protocol'
import { type Form, parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { InteractionRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import { newTransactionId } from '../authorize/transaction.ts'
import { fineTime, newHandle } from '../handle.ts'
import { authenticationState } from '../interaction/authentication.ts'
import { browserOf, cookieHash } from '../interaction/cookies.ts'
import { ourClientId } from '../interaction/ourselves.ts'
import { parsePost } from '../interaction/post.ts'
import { interactionEndsAt, stepUrl } from '../interaction/record.ts'
import { loadSession } from '../interaction/session.ts'
import { lookView } from '../pages/approvals.ts'
import { errorPage } from '../pages/error.ts'
import { seeOther } from '../pages/page.ts'
import { paths } from '../paths.ts'
import { recordRefusal } from '../refused.ts'
import type { Room } from '../room.ts'
import { requestToLook } from './demand.ts'

const refused = 'ciba-page.refused'

/** GET `/ciba`: says what this page is for. Nothing is stored for who only looks. */
export const cibaPage: Room = async (exchange, ports) => {
  const query = parseForm(exchange.query)
  if (!query.ok) return await refusedOnPage(exchange, ports, query)
  const { hash, headers: extraHeaders } = browserOf(exchange, ports)
  return lookView(exchange, {
    action: exchange.issuer.url + paths.ciba,
    csrf: csrfOf(exchange, ports, hash),
    extraHeaders,
  })
}

/** POST `/ciba`: opens an interaction in which a user signs in and answers what clients asked for. */
export const cibaPost: Room = async (exchange, ports) => {
  const form = parsePost(exchange)
  if (!form.ok) return await refusedOnPage(exchange, ports, form)
  const browserHash = cookieHash(exchange, 'browser')
  if (browserHash === undefined || !isFromOurPage(exchange, ports, browserHash, form.value))
    return await refusedOnPage(exchange, ports, notOurPage)
  const now = ports.clock.now()
  const issuer = exchange.issuer.url
  const handle = newHandle(ports.entropy, 'interaction', issuer, fineTime(ports.clock))
  const found = await loadSession(exchange, ports, now)
  const request = requestToLook(exchange.issuer)
  const { next } = authenticationState(request, exchange.issuer, found, {}, now)
  const session = next === 'login' ? undefined : found
  const record: InteractionRecord = {
    ...newRecord(exchange, handle.hash, browserHash, now),
    request,
    txn: newTransactionId(ports.entropy, fineTime(ports.clock)),
    sessionHash: session?.record.hash,
  }
  const context = { txn: record.txn, ...(session && { subject: session.user.subject }) }
  await ports.store.commit([
    { kind: 'insert-interaction', record },
    auditAccepted(exchange, now, 'ciba.opened', context, { session: session !== undefined }),
  ])
  return seeOther(stepUrl(issuer, handle.value, 'approvals'))
}

const notOurPage = refuse(
  'ciba-page.csrf',
  ['RFC6749-10.12'],
  'invalid_request',
  'the answer does not come from a page this browser was shown',
)

function csrfOf(exchange: Exchange, ports: Ports, browserHash: HandleHash): string {
  const secret = ports.keys.secret(exchange.issuer.url, 'csrf')
  return createHmac('sha256', secret).update(`ciba\n${browserHash}`).digest('base64url')
}

function isFromOurPage(exchange: Exchange, ports: Ports, browserHash: HandleHash, form: Form): boolean {
  const expected = Buffer.from(csrfOf(exchange, ports, browserHash))
  const sent = Buffer.from(form.get('csrf') ?? '')
  return sent.length === expected.length && timingSafeEqual(sent, expected)
}

async function refusedOnPage(exchange: Exchange, ports: Ports, refusal: Refusal): Promise<Reply> {
  await recordRefusal(exchange, ports, refused, refusal)
  return errorPage(exchange, refusal)
}

function newRecord(
  { issuer }: Exchange,
  hash: HandleHash,
  browserHash: HandleHash,
  now: EpochSeconds,
): Omit<InteractionRecord, 'request' | 'txn' | 'sessionHash'> {
  return {
    hash,
    issuer: issuer.url,
    clientId: ourClientId,
    browserHash,
    pushedHash: undefined,
    approvals: true,
    version: 0,
    issuedAt: now,
    expiresAt: interactionEndsAt(now),
  }
}
