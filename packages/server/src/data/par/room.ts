import { accept, firstRefusal, type Outcome, refuse, secondsAfter } from '@holdfast/protocol'
import { pushRules, requestUriPrefix } from '@holdfast/protocol/specs/rfc9126-par/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { PushedRequestRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { requestFacts } from '../authorize/facts.ts'
import { judgeIdTokenHint } from '../authorize/id-token-hint.ts'
import { type JudgedRequest, judgeRequest, judgeTarget } from '../authorize/request.ts'
import { openRequestObject, plainRequest, type SentRequest } from '../authorize/request-object.ts'
import { newTransactionId } from '../authorize/transaction.ts'
import { refusedAuthenticated, refusedReplay, replayRefusal } from '../client-auth/answer.ts'
import { type AuthenticatedClient, authenticateClient } from '../client-auth/authenticate.ts'
import { parseBackChannelForm } from '../client-auth/back-channel-form.ts'
import { dpopNonceHeader, judgeClientProof } from '../dpop/proof-at-server.ts'
import { fineTime, newHandle } from '../handle.ts'
import { findNamed } from '../interaction/named-grant.ts'
import { interactionLifetimeSeconds } from '../interaction/record.ts'
import { refusedOauth } from '../refused.ts'
import { jsonReply } from '../render/json.ts'
import { outstandingKey, outstandingRequests } from './outstanding.ts'

/** Pushed authorization requests (RFC 9126): the whole request is judged here, the browser carries a reference. */
export async function parRoom(exchange: Exchange, ports: Ports): Promise<Reply> {
  const form = parseBackChannelForm(exchange)
  if (!form.ok) return await refusedOauth(exchange, ports, 'request.refused', form)

  const authenticated = await authenticateClient(exchange, form.value, ports)
  if (!authenticated.ok) return await refusedOauth(exchange, ports, 'request.refused', authenticated)
  const { client } = authenticated.value
  const nonce = dpopNonceHeader(exchange, ports)
  const refused = { extraHeaders: [nonce], spent: authenticated.value.writes }
  const no = refusedAuthenticated

  const proof = await judgeClientProof(exchange, ports, authenticated.value)
  if (!proof.ok) return await no(exchange, ports, 'request.refused', proof, authenticated.value, refused)
  const spent = [...refused.spent, ...(proof.value?.writes ?? [])]

  const pushRefusal = firstRefusal(pushRules, { requestUri: form.value.get('request_uri') })
  const sent = pushRefusal ?? (await sentOf(form.value, client, exchange, ports))
  const fits = sent.ok ? judgeSent(sent.value, client, exchange, ports, proof.value?.jkt) : sent
  const judged = fits.ok ? await judgeNamed(fits.value, exchange, ports) : fits
  if (!judged.ok)
    return await no(exchange, ports, 'request.refused', judged, authenticated.value, { ...refused, spent })

  const outstanding = outstandingRequests(ports)
  const counted = outstandingKey(exchange, client)
  const now = ports.clock.now()
  const until = secondsAfter(now, judged.value.profile.requestUriLifetimeSeconds)
  const wait = outstanding.take(counted, client.outstandingRequestsMax, until, now)
  if (wait > 0) {
    const reply = await no(exchange, ports, 'request.refused', tooMany, authenticated.value, {
      ...refused,
      spent,
    })
    return reply.status === 400 ? tooManyReply(reply, wait) : reply
  }

  const push = pushOf(exchange, ports, authenticated.value, judged.value)
  const writes = [...spent, ...push.writes]
  const committed = await ports.store.commit(writes).catch((fault: unknown) => {
    outstanding.release(counted)
    throw fault
  })
  if (!committed.committed) {
    const replay = replayRefusal(writes, committed)
    // Never a reference to what was not stored.
    if (replay === undefined) throw new TypeError(`no guard \`${committed.guard}\` stands in this list`)
    outstanding.release(counted)
    const context = { clientId: client.clientId }
    return await refusedReplay(exchange, ports, 'request.refused', replay, { context, extraHeaders: [nonce] })
  }
  const body = { request_uri: push.requestUri, expires_in: judged.value.profile.requestUriLifetimeSeconds }
  return jsonReply(201, body, [nonce])
}

const tooMany = refuse(
  'par.outstanding',
  ['RFC9126-2.3'],
  'temporarily_unavailable',
  'too many pushed requests of this client wait for a user',
)

/** RFC 9126 section 2.3: 429, and when it makes sense to come back. */
function tooManyReply(reply: Reply, waitSeconds: number): Reply {
  return { ...reply, status: 429, headers: [...reply.headers, ['retry-after', String(waitSeconds)]] }
}

/** Plain parameters, or those of the signed object the client sent instead. */
async function sentOf(
  form: Form,
  client: Client,
  exchange: Exchange,
  ports: Ports,
): Promise<Outcome<SentRequest>> {
  const text = form.get('request')
  return text === undefined
    ? accept(plainRequest(form))
    : await openRequestObject(text, client, exchange, ports)
}

function judgeSent(
  sent: SentRequest,
  client: Client,
  exchange: Exchange,
  ports: Ports,
  proofJkt: string | undefined,
): Outcome<JudgedRequest> {
  const { issuer } = exchange
  const target = judgeTarget(sent.form, client, issuer, true)
  if (!target.ok) return target
  const hinted = judgeIdTokenHint(sent, client.clientId, exchange, ports)
  return hinted.ok ? judgeRequest(hinted.value, target.value, issuer, { pushed: true, proofJkt }) : hinted
}

/** What can be known of a named grant before anybody signs in; the rest is asked at the consent. */
async function judgeNamed(
  judged: JudgedRequest,
  { issuer }: Exchange,
  ports: Ports,
): Promise<Outcome<JudgedRequest>> {
  const { request } = judged
  const named = await findNamed(request, issuer.url, undefined, ports)
  return named.ok ? accept(judged) : named
}

interface Push {
  readonly requestUri: string
  readonly writes: readonly Write[]
}

function pushOf(
  exchange: Exchange,
  ports: Ports,
  { client, evidence, instanceJkt }: AuthenticatedClient,
  { request: { requestObjectJti: jti, ...request }, profile }: JudgedRequest,
): Push {
  const now = ports.clock.now()
  const handle = newHandle(ports.entropy, 'request_uri', exchange.issuer.url, fineTime(ports.clock))
  const record: PushedRequestRecord = {
    hash: handle.hash,
    issuer: exchange.issuer.url,
    clientId: client.clientId,
    // Spent here: the interaction this request opens has the request URI to be spent by.
    request: { ...request, requestObjectJti: undefined, ...(instanceJkt !== undefined && { instanceJkt }) },
    txn: newTransactionId(ports.entropy, fineTime(ports.clock)),
    issuedAt: now,
    // It may be opened for its own lifetime, and must then last as long as the interaction it opened.
    expiresAt: secondsAfter(now, profile.requestUriLifetimeSeconds + interactionLifetimeSeconds),
  }
  const context = { txn: record.txn, clientId: client.clientId }
  const facts = {
    ...requestFacts(record.request),
    ...evidence,
    pushed: true,
    signed_request: request.requestObject !== undefined,
    request_reference: handle.hash,
    profile: profile.name,
  }
  return {
    requestUri: requestUriPrefix + handle.value,
    writes: [
      ...(jti === undefined ? [] : [{ kind: 'remember-jti', what: 'request-object', ...jti } as const]),
      { kind: 'insert-pushed-request', record },
      auditAccepted(exchange, now, 'request.pushed', context, facts),
    ],
  }
}
