import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import { parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { InteractionRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import { newTransactionId } from '../authorize/transaction.ts'
import { newHandle } from '../handle.ts'
import { cookieHash, newCookie } from '../interaction/cookies.ts'
import { interactionEndsAt, needsLogin, stepUrl } from '../interaction/record.ts'
import { loadSession } from '../interaction/session.ts'
import { errorPage } from '../pages/error.ts'
import { seeOther } from '../pages/page.ts'
import { paths } from '../paths.ts'
import { recordRefusal } from '../refused.ts'
import type { Room } from '../room.ts'

/** Who answers signed in at most this long ago: whoever finds an open browser allows nothing. */
const loginAgeSeconds = 300

/** GET `/ciba`: where a user answers what clients asked for; opens an interaction in which they sign in first. */
export const cibaPage: Room = async (exchange, ports) => {
  const query = parseForm(exchange.query)
  if (!query.ok) {
    await recordRefusal(exchange, ports, 'interaction.refused', query)
    return errorPage(exchange, query)
  }
  const now = ports.clock.now()
  const issuer = exchange.issuer.url
  const known = cookieHash(exchange, 'browser')
  const cookie = known === undefined ? newCookie(exchange, ports, 'browser', now) : undefined
  const handle = newHandle(ports.entropy, 'interaction', issuer, now)
  const found = await loadSession(exchange, ports, now)
  const request = requestOf(exchange)
  const session = needsLogin(request, found, undefined, now) ? undefined : found
  const record: InteractionRecord = {
    ...newRecord(exchange, handle.hash, cookie?.hash ?? known ?? handle.hash, now),
    request,
    txn: newTransactionId(ports.entropy, now),
    sessionHash: session?.record.hash,
  }
  const context = { txn: record.txn, ...(session && { subject: session.user.subject }) }
  await ports.store.commit([
    { kind: 'insert-interaction', record },
    auditAccepted(exchange, now, 'ciba.opened', context, { session: session !== undefined }),
  ])
  return seeOther(stepUrl(issuer, handle.value, 'approvals'), cookie === undefined ? [] : [cookie.header])
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
    clientId: issuer.url,
    browserHash,
    pushedHash: undefined,
    approvals: true,
    authenticatedAt: undefined,
    version: 0,
    issuedAt: now,
    expiresAt: interactionEndsAt(now),
  }
}

/** No client waits behind it: whoever asked has its own record, and the answer stays on our own page. */
function requestOf({ issuer }: Exchange): InteractionRecord['request'] {
  return {
    clientId: issuer.url,
    redirectUri: issuer.url + paths.ciba,
    redirectUriSent: false,
    responseType: 'code',
    responseMode: undefined,
    scopes: [],
    resources: [],
    state: undefined,
    nonce: undefined,
    codeChallenge: undefined,
    dpopJkt: undefined,
    prompt: [],
    maxAgeSeconds: loginAgeSeconds,
    acrValues: [],
    loginHint: undefined,
    uiLocales: [],
    requestObject: undefined,
    requestObjectJti: undefined,
  }
}
