import { type EpochSeconds, type StatedAuthentication, secondsAfter } from '@holdfast/protocol'
import { cibaLifetimeSecondsMax } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { BackchannelRequestRecord, GrantRecord, SessionRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import type { AccessElsewhere } from '../authorize/asked-elsewhere.ts'
import { isLasting } from '../authorize/lasting.ts'
import { newGrantId } from '../authorize/transaction.ts'
import { fineTime } from '../handle.ts'
import { pingWrites } from './ping.ts'

/** How the user who answers authenticated. */
export type Authentication = StatedAuthentication & Pick<SessionRecord, 'sid'>

/** What a user allows by answering yes. */
export function cibaGrantOf(
  request: BackchannelRequestRecord,
  { sid, authTime, acr, amr }: Authentication,
  lifetimeSeconds: number,
  ports: Ports,
  now: EpochSeconds,
): GrantRecord {
  const { issuer, clientId, subject, scopes, resources, authorizationDetails, txn } = request
  return {
    id: newGrantId(ports.entropy, fineTime(ports.clock)),
    issuer,
    clientId,
    subject,
    scopes,
    resources,
    ...(authorizationDetails && { authorizationDetails }),
    sid,
    authTime,
    acr,
    amr,
    txn,
    issuedAt: now,
    expiresAt: secondsAfter(now, lifetimeSeconds),
  }
}

/** A grant lives as long as anything it can buy. */
export function cibaGrantLifetime(client: Client, { scopes, profile }: AccessElsewhere): number {
  return isLasting(client, scopes)
    ? cibaLifetimeSecondsMax + profile.refreshTokenLifetimeSeconds
    : cibaLifetimeSecondsMax + profile.accessTokenLifetimeSeconds
}

/** Yes: the grant, the place of the prompt, and the ping, with the guard that it is the first answer. */
export function approvalWrites(
  request: BackchannelRequestRecord,
  grant: GrantRecord,
  requestId: string,
  ports: Ports,
): readonly Write[] {
  const { hash, promptKey } = request
  const { id: grantId, issuedAt: at } = grant
  return [
    { kind: 'approve-backchannel-request', hash, grantId, at },
    { kind: 'insert-grant', record: grant },
    { kind: 'free-prompt', key: promptKey, holder: hash },
    ...pingWrites(request, requestId, ports, at),
  ]
}

/** No: the prompt keeps its place, so that asking again and again does not pay. */
export function denialWrites(
  request: BackchannelRequestRecord,
  requestId: string,
  ports: Ports,
  at: EpochSeconds,
): readonly Write[] {
  return [
    { kind: 'deny-backchannel-request', hash: request.hash, at },
    ...pingWrites(request, requestId, ports, at),
  ]
}
