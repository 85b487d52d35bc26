import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type HandleHash,
  type Outcome,
  type Refusal,
  type SecurityProfile,
  secondsAfter,
} from '@holdfast/protocol'
import { readResponseType } from '@holdfast/protocol/specs/rfc6749-authorization/rules.ts'
import { remoteRequestUriRules } from '@holdfast/protocol/specs/rfc9101-jar/request-uri-rules.ts'
import { requestCarrierRules } from '@holdfast/protocol/specs/rfc9101-jar/rules.ts'
import {
  pushRequiredRules,
  requestUriPrefix,
  requestUriRules,
} from '@holdfast/protocol/specs/rfc9126-par/rules.ts'
import { protectedDetailsRules } from '@holdfast/protocol/specs/rfc9396-rar/rules.ts'
import { duplicateRefusal, type Form, type FormReading } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest, PushedRequestRecord } from '../../store/records.ts'
import type { Found } from '../../store/store.ts'
import { endOf } from '../end-of.ts'
import { fineTime, hashOfHandle } from '../handle.ts'
import { interactionLifetimeSeconds } from '../interaction/record.ts'
import { judgeIdTokenHint } from './id-token-hint.ts'
import { fetchRequestObject } from './remote-request.ts'
import { type JudgedRequest, judgeRequest, judgeStill, judgeTarget, type RedirectTarget } from './request.ts'
import { openRequestObject, plainRequest, type SentRequest } from './request-object.ts'
import { modeForError, type ResponseTarget } from './response.ts'
import { newTransactionId } from './transaction.ts'

/** An authorization request that may be put before the user. */
export interface OpenedRequest {
  readonly request: AuthorizationRequest
  readonly client: Client
  /** What applies to it. */
  readonly profile: SecurityProfile
  /** Set when it was pushed; spent when the code is issued. */
  readonly pushedHash: HandleHash | undefined
  readonly txn: string
}

/** A refusal, and where it may go: without a target it is shown to the user (RFC 6749 4.1.2.1). */
export interface FrontRefusal {
  readonly ok: false
  readonly refusal: Refusal
  readonly target: ResponseTarget | undefined
}

export type Opened = { readonly ok: true; readonly value: OpenedRequest } | FrontRefusal

/** How long a request object stays remembered past its end, for clocks that differ. */
const replayMarginSeconds = 60

const shown = (refusal: Refusal): FrontRefusal => ({ ok: false, refusal, target: undefined })

/**
 * By a reference of ours, by parameters, or by a request object, which comes along or is fetched; never two of them: with
 * a `request_uri` everything else but `client_id` is ignored.
 */
export async function openRequest(
  reading: FormReading,
  exchange: Exchange,
  ports: Ports,
  now: EpochSeconds,
): Promise<Opened> {
  const { form, repeated } = reading
  const requestUri = form.get('request_uri')
  const request = form.get('request')
  const twoCarriers = firstRefusal(requestCarrierRules, { request, requestUri })
  if (twoCarriers !== undefined) return shown(twoCarriers)
  if (requestUri?.startsWith(requestUriPrefix) === true)
    return await openPushed(requestUri, form, exchange, ports, now)
  if (repeated.includes('request_uri')) return shown(duplicateRefusal('request_uri'))
  return await openDirect(reading, exchange, ports, now)
}

async function openPushed(
  requestUri: string,
  form: Form,
  exchange: Exchange,
  ports: Ports,
  now: EpochSeconds,
): Promise<Opened> {
  const { issuer } = exchange
  const hash = hashOfHandle('request_uri', issuer.url, requestUri.slice(requestUriPrefix.length))
  const found = await ports.store.findPushedRequest(hash)
  const clientId = form.get('client_id')
  const still = found === undefined ? undefined : judgeStill(found.request, issuer, true)
  // The record outlives the reference, because the interaction it opens needs it.
  const opensUntil = (kept: Found<PushedRequestRecord>): number =>
    still?.ok === true && kept.revokedAt === undefined
      ? kept.issuedAt + still.value.profile.requestUriLifetimeSeconds
      : endOf(kept)
  const refusal = firstRefusal(requestUriRules, {
    clientId,
    now,
    found: found && { ...found, expiresAt: opensUntil(found) },
  })
  if (refusal !== undefined) return shown(refusal)
  if (found === undefined || still === undefined) throw new TypeError('an unknown request URI passed')
  if (!still.ok) return shown(still)
  const { request, txn } = found
  return accept({ request, ...still.value, pushedHash: hash, txn })
}

async function openDirect(
  reading: FormReading,
  exchange: Exchange,
  ports: Ports,
  now: EpochSeconds,
): Promise<Opened> {
  const { repeated } = reading
  const requestUri = reading.form.get('request_uri')
  const { issuer } = exchange
  for (const name of ['client_id', 'redirect_uri', 'request'])
    if (repeated.includes(name)) return shown(duplicateRefusal(name))
  const known = issuer.clients.get(reading.form.get('client_id') ?? '')
  const sent = await openSent(reading.form, known, exchange, ports, now)
  // Nothing in an object that was not opened can say where an error may go.
  if (!sent.ok) return shown(sent)
  const { form } = sent.value
  const target = judgeTarget(form, known, issuer, false)
  if (!target.ok) return shown(target)

  const { client } = target.value
  const sentBack = (refusal: Refusal): FrontRefusal => ({
    ok: false,
    refusal,
    target: errorTarget(form, target.value),
  })
  const judged = judgeDirect(sent.value, { repeated, requestUri }, target.value, exchange, ports)
  if (!judged.ok) return sentBack(judged)
  const txn = newTransactionId(ports.entropy, fineTime(ports.clock))
  return accept({ ...judged.value, client, pushedHash: undefined, txn })
}

function errorTarget(form: Form, { client, redirectUri }: RedirectTarget): ResponseTarget {
  const responseType = readResponseType(form.get('response_type'))
  return {
    clientId: client.clientId,
    redirectUri,
    state: form.get('state'),
    responseType,
    responseMode: modeForError(form.get('response_mode'), responseType, redirectUri, client.profile),
  }
}

/**
 * Plain parameters, or those of a request object; a client that must push is told so before any object is fetched or
 * opened.
 */
async function openSent(
  form: Form,
  client: Client | undefined,
  exchange: Exchange,
  ports: Ports,
  now: EpochSeconds,
): Promise<Outcome<SentRequest>> {
  if (client === undefined || client.status !== 'active') return accept(plainRequest(form))
  const requestUri = form.get('request_uri')
  const { profile } = client
  const elsewhere = judgeRemote(requestUri, client, profile)
  if (elsewhere !== undefined) return elsewhere
  if (client.requirePushedAuthorizationRequests || profile.pushedAuthorizationRequests === 'required')
    return accept(plainRequest(form))
  const carried = await carriedObject(form, ports)
  if (!carried.ok) return carried
  if (carried.value === undefined) return accept(plainRequest(form))
  const opened = await openRequestObject(carried.value, client, exchange, ports)
  if (!opened.ok || opened.value.jti === undefined) return opened
  // Remembered when the request is answered, which may be as late as the interaction ends.
  const { jti } = opened.value
  const latest = Math.max(jti.expiresAt, now) as EpochSeconds
  const expiresAt = secondsAfter(latest, interactionLifetimeSeconds + replayMarginSeconds)
  return accept({ ...opened.value, jti: { ...jti, expiresAt } })
}

function judgeRemote(
  requestUri: string | undefined,
  { requestUris: registered }: Client,
  profile: SecurityProfile,
): Refusal | undefined {
  return requestUri === undefined
    ? undefined
    : firstRefusal(remoteRequestUriRules, { requestUri, registered, profile })
}

/** The request object that came along, or that lies behind the `request_uri`. */
async function carriedObject(form: Form, ports: Ports): Promise<Outcome<string | undefined>> {
  const requestUri = form.get('request_uri')
  return requestUri === undefined ? accept(form.get('request')) : await fetchRequestObject(requestUri, ports)
}

function judgeDirect(
  sent: SentRequest,
  { repeated, requestUri }: { readonly repeated: readonly string[]; readonly requestUri: string | undefined },
  target: RedirectTarget,
  exchange: Exchange,
  ports: Ports,
): Outcome<JudgedRequest> {
  const { client } = target
  const push = { clientRequiresPush: client.requirePushedAuthorizationRequests, pushed: false }
  const [name] = repeated
  const early =
    name === undefined
      ? firstRefusal(pushRequiredRules, { ...push, profile: client.profile })
      : duplicateRefusal(name)
  if (early !== undefined) return early
  const hinted = judgeIdTokenHint(sent, client.clientId, exchange, ports)
  if (!hinted.ok) return hinted
  const judged = judgeRequest(hinted.value, target, exchange.issuer, { pushed: false })
  if (!judged.ok) return judged
  // A resource may ask for more than the client's own profile does.
  const { request, profile } = judged.value
  const late =
    firstRefusal(pushRequiredRules, { ...push, profile }) ??
    judgeRemote(requestUri, client, profile) ??
    firstRefusal(protectedDetailsRules, {
      hasDetails: request.authorizationDetails !== undefined,
      isPushed: false,
      isSigned: request.requestObject !== undefined,
    })
  return late ?? judged
}
