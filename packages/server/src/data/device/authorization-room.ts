import { type EpochSeconds, refuse, secondsAfter } from '@holdfast/protocol'
import {
  deviceCodeLifetimeSeconds,
  pollIntervalSeconds,
  shownUserCode,
} from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { DeviceCodeRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import type { AccessElsewhere } from '../authorize/asked-elsewhere.ts'
import { detailsFacts } from '../authorize/details-facts.ts'
import { newTransactionId } from '../authorize/transaction.ts'
import { refusedAuthenticated, refusedReplay, replayRefusal } from '../client-auth/answer.ts'
import { type AuthenticatedClient, authenticateClient } from '../client-auth/authenticate.ts'
import { parseBackChannelForm } from '../client-auth/back-channel-form.ts'
import { dpopNonceHeader, judgeClientProof } from '../dpop/proof-at-server.ts'
import { fineTime, newHandle } from '../handle.ts'
import { sourcePrefix } from '../interaction/attempts.ts'
import { outstandingKey, outstandingRequests } from '../par/outstanding.ts'
import { paths } from '../paths.ts'
import { refusedOauth } from '../refused.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'
import { requestedScopes } from '../token/grant.ts'
import { pollBindingOf } from '../token/poll-binding.ts'
import { judgeDeviceRequest } from './request.ts'
import { hashOfUserCode, newUserCode } from './user-code.ts'

const refused = 'device.refused'

/** A device asks for a code to show and a code to wait with (RFC 8628 section 3.1). */
export const deviceAuthorizationRoom: Room = async (exchange, ports) => {
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

  const asked = {
    scopes: requestedScopes(form.value),
    resources: form.value.all('resource'),
    details: form.value.get('authorization_details'),
  }
  const judged = judgeDeviceRequest(asked, client, exchange.issuer)
  if (!judged.ok)
    return await no(exchange, ports, refused, judged, authenticated.value, { extraHeaders, spent })

  const now = ports.clock.now()
  const outstanding = outstandingRequests(ports)
  const counted = `device ${outstandingKey(exchange, client)}`
  const until = secondsAfter(now, deviceCodeLifetimeSeconds)
  if (outstanding.take(counted, client.outstandingRequestsMax, until, now) > 0)
    return await no(exchange, ports, refused, tooMany, authenticated.value, { extraHeaders, spent })

  const binding = pollBindingOf(
    {
      ...(proof.value && { jkt: proof.value.jkt }),
      ...(exchange.peerCertificate && { x5tS256: exchange.peerCertificate.thumbprint }),
      ...(authenticated.value.instanceJkt !== undefined && {
        instanceJkt: authenticated.value.instanceJkt,
      }),
    },
    client,
  )
  const issued = await issueCodes(exchange, ports, authenticated.value, judged.value, binding, now)
  const writes = [...spent, ...issued.writes]
  const committed = await ports.store.commit(writes)
  const replay = committed.committed ? undefined : replayRefusal(writes, committed)
  if (replay !== undefined) {
    outstanding.release(counted)
    const context = { clientId: client.clientId }
    return await refusedReplay(exchange, ports, refused, replay, { context, extraHeaders })
  }
  return jsonReply(200, issued.response, extraHeaders)
}

const tooMany = refuse(
  'device.outstanding',
  [],
  'temporarily_unavailable',
  'too many device codes of this client wait for their users',
)

interface IssuedCodes {
  readonly response: Readonly<Record<string, string | number>>
  readonly writes: Parameters<Ports['store']['commit']>[0]
}

async function issueCodes(
  exchange: Exchange,
  ports: Ports,
  { client, evidence }: AuthenticatedClient,
  { scopes, resources, details, profile }: AccessElsewhere,
  binding: string | undefined,
  now: EpochSeconds,
): Promise<IssuedCodes> {
  const issuer = exchange.issuer.url
  const device = newHandle(ports.entropy, 'device_code', issuer, fineTime(ports.clock))
  const userCode = await freeUserCode(ports, issuer)
  const record: DeviceCodeRecord = {
    hash: device.hash,
    userCodeHash: hashOfUserCode(ports, issuer, userCode),
    issuer,
    clientId: client.clientId,
    scopes,
    resources,
    ...(details.length > 0 && { authorizationDetails: details }),
    binding,
    intervalSeconds: pollIntervalSeconds,
    source: sourcePrefix(exchange.remoteAddress),
    txn: newTransactionId(ports.entropy, fineTime(ports.clock)),
    issuedAt: now,
    expiresAt: secondsAfter(now, deviceCodeLifetimeSeconds),
  }
  const shown = shownUserCode(userCode)
  const verificationUri = issuer + paths.device
  const audit = auditAccepted(
    exchange,
    now,
    'device.requested',
    { txn: record.txn, clientId: client.clientId },
    {
      ...evidence,
      scopes,
      resources,
      ...detailsFacts(details),
      device_code_ref: record.hash,
      is_bound: binding !== undefined,
      profile: profile.name,
    },
  )
  return {
    response: {
      device_code: device.value,
      user_code: shown,
      verification_uri: verificationUri,
      verification_uri_complete: `${verificationUri}?user_code=${shown}`,
      expires_in: deviceCodeLifetimeSeconds,
      interval: pollIntervalSeconds,
    },
    writes: [{ kind: 'insert-device-code', record }, audit],
  }
}

const userCodeTries = 5

/** A code in use by another device would be refused by the store; a second draw is all but certain to be free. */
async function freeUserCode(ports: Ports, issuer: string): Promise<string> {
  for (let tries = 1; tries < userCodeTries; tries++) {
    const code = newUserCode(ports.entropy)
    const taken = await ports.store.findDeviceCodeByUserCode(hashOfUserCode(ports, issuer, code))
    if (taken === undefined) return code
  }
  return newUserCode(ports.entropy)
}
