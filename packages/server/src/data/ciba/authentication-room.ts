import { hash as digest } from 'node:crypto'
import {
  accept,
  type EpochSeconds,
  type HandleHash,
  type Outcome,
  refuse,
  type SecurityProfile,
  secondsAfter,
} from '@holdfast/protocol'
import { cibaGrantType, cibaIntervalSeconds } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { BackchannelRequestRecord, UserRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { detailsFacts } from '../authorize/details-facts.ts'
import { managementFacts } from '../authorize/facts.ts'
import { newTransactionId } from '../authorize/transaction.ts'
import { refusedAuthenticated, refusedReplay, replayRefusal } from '../client-auth/answer.ts'
import { type AuthenticatedClient, authenticateClient } from '../client-auth/authenticate.ts'
import { parseBackChannelForm } from '../client-auth/back-channel-form.ts'
import { dpopNonceHeader, judgeClientProof } from '../dpop/proof-at-server.ts'
import { fineTime, newHandle } from '../handle.ts'
import { type Asked, loadAsked } from '../interaction/named-grant.ts'
import { outstandingRequests } from '../par/outstanding.ts'
import type { MissingApproval } from '../policy/approval.ts'
import { type Authorized, judgeAuthorize } from '../policy/authorize.ts'
import { refusedOauth } from '../refused.ts'
import { jsonReply } from '../render/json.ts'
import { asTryAgain } from '../render/try-again.ts'
import { statedRisk } from '../risk/client.ts'
import type { Room } from '../room.ts'
import { pollBindingOf } from '../token/poll-binding.ts'
import { findHintedUser } from './hinted-user.ts'
import { freePrompts, outstandingCibaKey, promptEndsAt } from './prompts.ts'
import { type CibaRequest, judgeCibaRequest } from './request.ts'
import { type SentCibaRequest, sentCibaRequest } from './request-object.ts'
import { sealPing } from './sealed-ping.ts'

const refused = 'ciba.refused'

/** A client asks for a user who will answer on a device of their own (OpenID Connect CIBA section 7). */
export const backchannelAuthenticationRoom: Room = async (exchange, ports) => {
  const form = parseBackChannelForm(exchange)
  if (!form.ok) return await refusedOauth(exchange, ports, refused, form)
  const authenticated = await authenticateClient(exchange, form.value, ports)
  if (!authenticated.ok) return await refusedOauth(exchange, ports, refused, authenticated)
  const { client } = authenticated.value
  const extraHeaders = exchange.headers('dpop').length === 0 ? [] : [dpopNonceHeader(exchange, ports)]
  const no = refusedAuthenticated

  const proof = await judgeClientProof(exchange, ports, authenticated.value)
  if (!proof.ok) return await no(exchange, ports, refused, proof, authenticated.value, { extraHeaders })
  const spent = [...authenticated.value.writes, ...(proof.value?.writes ?? [])]

  const judged = await judgeSent(form.value, client, exchange, ports)
  if (!judged.ok)
    return await no(exchange, ports, refused, judged, authenticated.value, { extraHeaders, spent })

  const now = ports.clock.now()
  const outstanding = outstandingRequests(ports)
  const counted = outstandingCibaKey(exchange, client)
  const until = promptEndsAt(now, judged.value.lifetimeSeconds)
  if (outstanding.take(counted, client.outstandingRequestsMax, until, now) > 0)
    return await no(exchange, ports, refused, tooMany, authenticated.value, { extraHeaders, spent })

  // What finds nobody stays counted, five minutes at least: a client tries no names faster than it may ask.
  const user = await findHintedUser(judged.value, client, exchange, ports)
  if (!user.ok) return await no(exchange, ports, refused, user, authenticated.value, { extraHeaders, spent })

  const { details: authorizationDetails, ...request } = judged.value
  const named = await loadAsked(
    {
      request: { clientId: client.clientId, ...request, authorizationDetails },
      client,
      profile: request.profile,
      issuer: exchange.issuer,
    },
    user.value.subject,
    ports,
  )
  if (!named.ok)
    return await no(exchange, ports, refused, named, authenticated.value, { extraHeaders, spent })

  const txn = newTransactionId(ports.entropy, fineTime(ports.clock))
  const permitted = await judgeHinted(
    { client, txn, now },
    named.value,
    judged.value.profile,
    user.value,
    exchange,
    ports,
  )
  // What others have to approve waits for the user's own answer, unless it was denied.
  const isLater = !permitted.ok && (permitted.stepUp !== undefined || isStillOpen(permitted.approval))
  if (!permitted.ok && !isLater) {
    const { writes } = permitted
    const context = { txn, subject: user.value.subject }
    const options = { context, extraHeaders, spent, writes }
    const reply = await no(exchange, ports, refused, permitted.refusal, authenticated.value, options)
    if (permitted.refusal.error !== 'temporarily_unavailable') return asForbidden(reply)
    outstanding.release(counted)
    return asTryAgain(reply)
  }

  const asking: Asking = {
    exchange,
    ports,
    authenticated: authenticated.value,
    request: judged.value,
    user: user.value,
    txn,
    binding: pollBindingOf(
      {
        ...(proof.value && { jkt: proof.value.jkt }),
        ...(exchange.peerCertificate && { x5tS256: exchange.peerCertificate.thumbprint }),
        ...(authenticated.value.instanceJkt !== undefined && {
          instanceJkt: authenticated.value.instanceJkt,
        }),
      },
      client,
    ),
    now,
  }
  const context = { clientId: client.clientId, subject: user.value.subject }
  for (const promptKey of await freePrompts(ports, exchange.issuer.url, user.value.subject, now)) {
    const issued = issue(asking, promptKey)
    const writes = [...spent, ...judged.value.writes, ...permitted.writes, ...issued.writes]
    const committed = await ports.store.commit(writes).catch((fault: unknown) => {
      outstanding.release(counted)
      throw fault
    })
    if (committed.committed) return jsonReply(200, issued.response, extraHeaders)
    const replay = replayRefusal(writes, committed)
    if (replay !== undefined) {
      outstanding.release(counted)
      return await refusedReplay(exchange, ports, refused, replay, { context, extraHeaders })
    }
  }
  const flooded = await no(exchange, ports, refused, tooManyPrompts, authenticated.value, {
    context,
    extraHeaders,
    spent,
  })
  return asForbidden(flooded)
}

/** Moment 1 of policy before anybody is disturbed; how the user will authenticate is judged when they answer. */
function judgeHinted(
  asking: { readonly client: Client; readonly txn: string; readonly now: EpochSeconds },
  { scopes, resources, details }: Asked,
  profile: SecurityProfile,
  { subject }: UserRecord,
  exchange: Exchange,
  ports: Ports,
): Promise<Authorized> {
  const wanted = { scopes, resources, details, profile }
  const user = { subject, sid: undefined, acr: undefined, amr: [], authTime: undefined }
  const risk = statedRisk({ ...asking, profile, subject, signIn: undefined }, exchange, ports)
  return judgeAuthorize({ ...asking, grantType: cibaGrantType, wanted, user, risk }, exchange, ports)
}

function isStillOpen(missing: MissingApproval | undefined): boolean {
  return missing !== undefined && missing.standing !== 'denied'
}

type JudgedRequest = CibaRequest & Pick<SentCibaRequest, 'isSigned' | 'writes'>

async function judgeSent(
  form: Form,
  client: Client,
  exchange: Exchange,
  ports: Ports,
): Promise<Outcome<JudgedRequest>> {
  const sent = await sentCibaRequest(form, client, exchange, ports)
  if (!sent.ok) return sent
  const judged = judgeCibaRequest(sent.value, client, exchange.issuer)
  const { isSigned, writes } = sent.value
  return judged.ok ? accept({ ...judged.value, isSigned, writes }) : judged
}

const tooMany = refuse(
  'ciba.outstanding',
  [],
  'temporarily_unavailable',
  'too many requests of this client wait for their users',
)

const tooManyPrompts = refuse(
  'ciba.prompts',
  ['CIBA-14'],
  'access_denied',
  'too many prompts wait for this user, or were left unanswered in the last minutes',
)

/** CIBA section 13: here `access_denied` is 403. */
function asForbidden(reply: Reply): Reply {
  return reply.status === 400 ? { ...reply, status: 403 } : reply
}

interface Asking {
  readonly exchange: Exchange
  readonly ports: Ports
  readonly authenticated: AuthenticatedClient
  readonly request: JudgedRequest
  readonly user: UserRecord
  readonly txn: string
  readonly binding: string | undefined
  readonly now: EpochSeconds
}

interface Issued {
  readonly response: Readonly<Record<string, string | number>>
  readonly writes: readonly Write[]
}

function issue(asking: Asking, promptKey: HandleHash): Issued {
  const { exchange, ports, authenticated, request, user, txn, binding, now } = asking
  const issuer = exchange.issuer.url
  const { clientId } = authenticated.client
  const { value, hash } = newHandle(ports.entropy, 'auth_req_id', issuer, fineTime(ports.clock))
  const { clientNotificationToken, lifetimeSeconds } = request
  const record: BackchannelRequestRecord = {
    hash,
    issuer,
    clientId,
    subject: user.subject,
    scopes: request.scopes,
    resources: request.resources,
    ...(request.details.length > 0 && { authorizationDetails: request.details }),
    bindingMessage: request.bindingMessage,
    ...(request.grantManagement && { grantManagement: request.grantManagement }),
    ...(request.acrValues.length > 0 && { acrValues: request.acrValues }),
    promptKey,
    sealedPing:
      clientNotificationToken === undefined
        ? undefined
        : sealPing(ports, issuer, hash, { authReqId: value, clientNotificationToken }),
    binding,
    intervalSeconds: cibaIntervalSeconds,
    txn,
    issuedAt: now,
    expiresAt: secondsAfter(now, lifetimeSeconds),
  }
  const until = promptEndsAt(now, lifetimeSeconds)
  return {
    response: { auth_req_id: value, expires_in: lifetimeSeconds, interval: cibaIntervalSeconds },
    writes: [
      { kind: 'take-prompt', key: promptKey, holder: hash, at: now, until },
      { kind: 'insert-backchannel-request', record },
      auditOf(asking, record),
    ],
  }
}

/** What was asked; of what the client sent as free text a digest, or that there was any. */
function auditOf({ exchange, authenticated, request, now }: Asking, record: BackchannelRequestRecord): Write {
  const { requestContext, acrValues, details, grantManagement, profile } = request
  const { txn, clientId, subject, scopes, resources } = record
  return auditAccepted(
    exchange,
    now,
    'ciba.requested',
    { txn, clientId, subject },
    {
      ...authenticated.evidence,
      scopes,
      resources,
      ...detailsFacts(details),
      ...managementFacts(grantManagement),
      auth_req_ref: record.hash,
      hint: request.loginHint === undefined ? 'id_token_hint' : 'login_hint',
      signed_request: request.isSigned,
      has_binding_message: record.bindingMessage !== undefined,
      is_bound: record.binding !== undefined,
      is_pinged: record.sealedPing !== undefined,
      ...(acrValues.length > 0 && { acr_values: acrValues }),
      ...(requestContext !== undefined && {
        request_context_ref: digest('sha256', requestContext, 'base64url'),
      }),
      profile: profile.name,
    },
  )
}
