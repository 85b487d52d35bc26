import {
  type EpochSeconds,
  type Outcome,
  type SecurityProfile,
  type StatedAuthentication,
  secondsAfter,
} from '@holdfast/protocol'
import { cibaLifetimeSecondsMax } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Ports } from '../../ports.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { BackchannelRequestRecord, GrantRecord, SessionRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import type { AccessElsewhere } from '../authorize/asked-elsewhere.ts'
import { isLasting } from '../authorize/lasting.ts'
import { newGrantId, newManagedGrantId } from '../authorize/transaction.ts'
import { forgettingWith } from '../consents/remembered.ts'
import { fineTime } from '../handle.ts'
import { type Asked, loadAsked } from '../interaction/named-grant.ts'
import { pingWrites } from './ping.ts'

/** How the user who answers authenticated. */
export type Authentication = StatedAuthentication & Pick<SessionRecord, 'sid'>

/** What a user allows by answering yes: for a merge, together with what was allowed before. */
export function cibaGrantOf(
  request: BackchannelRequestRecord,
  asked: Asked,
  { sid, authTime, acr, amr }: Authentication,
  lifetimeSeconds: number,
  ports: Ports,
  now: EpochSeconds,
): GrantRecord {
  const { issuer, clientId, subject, txn } = request
  const { scopes, resources, claims, details, named } = asked
  return {
    id: newGrantId(ports.entropy, fineTime(ports.clock)),
    issuer,
    clientId,
    subject,
    scopes,
    resources,
    ...(claims !== undefined && { claims }),
    ...(details.length > 0 && { authorizationDetails: details }),
    sid,
    authTime,
    acr,
    amr,
    txn,
    issuedAt: now,
    expiresAt: secondsAfter(now, lifetimeSeconds),
    ...(request.grantManagement && {
      managed: named?.managed ?? { id: newManagedGrantId(ports.entropy), createdAt: now },
    }),
  }
}

/** A grant lives as long as anything it can buy. */
export function cibaGrantLifetime(
  client: Client,
  { scopes }: Pick<Asked, 'scopes'>,
  profile: SecurityProfile,
): number {
  return isLasting(client, scopes)
    ? cibaLifetimeSecondsMax + profile.refreshTokenLifetimeSeconds
    : cibaLifetimeSecondsMax + profile.accessTokenLifetimeSeconds
}

/** Yes: the grant, the place of the prompt, and the ping, with the guard that it is the first answer. */
export function approvalWrites(
  request: BackchannelRequestRecord,
  grant: GrantRecord,
  named: GrantRecord | undefined,
  requestId: string,
  ports: Ports,
): readonly Write[] {
  const { hash, promptKey } = request
  const { id: grantId, issuedAt: at } = grant
  return [
    { kind: 'approve-backchannel-request', hash, grantId, at },
    // Its tokens end here, with the consent that takes its place.
    ...(named === undefined ? [] : [{ kind: 'end-grant', id: named.id, at } as const]),
    ...forgettingWith(named),
    { kind: 'insert-grant', record: grant },
    { kind: 'free-prompt', key: promptKey, holder: hash },
    ...pingWrites(request, requestId, ports, at),
  ]
}

/**
 * No: the prompt keeps its place, so that asking again and again does not pay. In the browser this client asks again,
 * too.
 */
export function denialWrites(
  request: BackchannelRequestRecord,
  requestId: string,
  ports: Ports,
  at: EpochSeconds,
): readonly Write[] {
  return [
    { kind: 'deny-backchannel-request', hash: request.hash, at },
    ...forgettingWith(request),
    ...pingWrites(request, requestId, ports, at),
  ]
}

/** What a stored request would grant, by what is known of its client now. */
export async function loadAskedElsewhere(
  { subject, ...request }: BackchannelRequestRecord,
  client: Client,
  { profile }: AccessElsewhere,
  issuer: IssuerSnapshot,
  ports: Ports,
): Promise<Outcome<Asked>> {
  return await loadAsked({ request, client, profile, issuer }, subject, ports)
}
