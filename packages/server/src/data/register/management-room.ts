import { createHash, timingSafeEqual } from 'node:crypto'
import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type HandleHash,
  type Outcome,
  refuse,
} from '@holdfast/protocol'
import type { RegistrationRequest } from '@holdfast/protocol/specs/rfc7591-registration/request.ts'
import { managementRules, updateRules } from '@holdfast/protocol/specs/rfc7592-management/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { macOfSecret } from '../../snapshot/new-secret.ts'
import type { IssuerSnapshot, RegisteredClient } from '../../snapshot/snapshot.ts'
import { auditAccepted } from '../audit-of.ts'
import { hashOfHandle, type NewHandle, newHandle } from '../handle.ts'
import { jsonReply, noStore } from '../render/json.ts'
import type { Room } from '../room.ts'
import { presentedToken, refusedRegistration } from './answer.ts'
import { informationOf } from './information.ts'
import { judgeIntended, judgeSector } from './judge.ts'
import { parseBody } from './room.ts'
import { changeInTurn, type RefusedTurn, type RegistrationChange } from './turn.ts'

const refused = 'management.refused'

/** A request by who holds the token of this client. */
interface Managing {
  readonly exchange: Exchange
  readonly ports: Ports
  readonly clientId: string
  readonly tokenHash: HandleHash
  /** As of the revision the request came in at. */
  readonly registered: RegisteredClient
  readonly now: EpochSeconds
}

/** A registered client reads, replaces or deletes itself (RFC 7592 section 2). Each use of its token makes a new one. */
export const managementRoom: Room = async (exchange, ports) => {
  const token = presentedToken(exchange)
  if (!token.ok) return await refusedRegistration(exchange, ports, refused, token)
  const { url } = exchange.issuer
  const clientId = exchange.params.id ?? ''
  const tokenHash = hashOfHandle('registration_access_token', url, token.value)
  const managedBy = await ports.store.findRegistration(url, clientId)
  const registered = judgeManager(exchange, clientId, managedBy !== undefined && isSame(managedBy, tokenHash))
  if (!registered.ok) return await refusedRegistration(exchange, ports, refused, registered)
  const now = ports.clock.now()
  const managing = { exchange, ports, clientId, tokenHash, registered: registered.value, now }
  if (exchange.method === 'DELETE') return await remove(managing)
  return exchange.method === 'PUT' ? await update(managing) : await read(managing)
}

/** One refusal for a wrong token, a client that never was and one that is no more (I21). */
function judgeManager(exchange: Exchange, clientId: string, isManaging: boolean): Outcome<RegisteredClient> {
  const { issuer, method } = exchange
  const registered = issuer.registered.get(clientId)
  const refusal = firstRefusal(managementRules, {
    isManaging,
    status: statusOf(issuer, clientId),
    isNamedByOthers: method === 'DELETE' && isNamedByOthers(issuer, clientId),
    method,
  })
  if (refusal !== undefined) return refusal
  if (registered === undefined) throw new TypeError('rule table')
  return accept(registered)
}

/** A client that is not onboarded yet manages itself; one whose onboarding was ended does not. */
function statusOf(
  { clients, registered }: IssuerSnapshot,
  clientId: string,
): RegisteredClient['status'] | undefined {
  const status = registered.get(clientId)?.status
  const kind = clients.get(clientId)?.withheld?.kind
  const isHeld = kind === 'suspended' || kind === 'retired' || kind === 'ended'
  return isHeld && status === 'active' ? 'suspended' : status
}

function isNamedByOthers({ clients }: IssuerSnapshot, clientId: string): boolean {
  for (const { exchanges, mayAct } of clients.values())
    if (mayAct === clientId || exchanges.tokensOf.includes(clientId)) return true
  return false
}

async function read({ exchange, ports, clientId, tokenHash, registered, now }: Managing): Promise<Reply> {
  const next = nextToken(exchange, ports, now)
  const result = await ports.store.commit([
    rotation(exchange, clientId, tokenHash, next),
    auditAccepted(exchange, now, 'client.read', { clientId }, {}),
  ])
  if (!result.committed) return await refusedRegistration(exchange, ports, refused, overtaken)
  const compiled = exchange.issuer.clients.get(clientId)
  return jsonReply(200, informationOf(exchange, { client: registered, compiled }, next.value))
}

async function update(managing: Managing): Promise<Reply> {
  const { exchange, ports, clientId, tokenHash, registered, now } = managing
  const no = ({ records = [], ...refusal }: RefusedTurn): Promise<Reply> =>
    refusedRegistration(exchange, ports, refused, refusal, { context: { clientId }, writes: records })
  const request = parseBody(exchange.body)
  if (!request.ok) return await no(request)
  const intended = judgeUpdate(request.value, registered, exchange.issuer, now)
  if (!intended.ok) return await no(intended)
  const sector = await judgeSector(intended.value.metadata, ports)
  if (!sector.ok) return await no(sector)

  const next = nextToken(exchange, ports, now)
  const decide = (issuer: IssuerSnapshot): Outcome<RegistrationChange> => {
    const current = issuer.registered.get(clientId)
    // An operator may have suspended it, or changed what it may be, since the request came in.
    if (current === undefined || statusOf(issuer, clientId) !== 'active') return overtaken
    const judged = judgeUpdate(request.value, current, issuer, now)
    if (!judged.ok) return judged
    const facts = { redirect_uris: judged.value.client.metadata.redirect_uris ?? [] }
    return accept({
      client: judged.value.client,
      secrets: undefined,
      writes: [rotation(exchange, clientId, tokenHash, next)],
      audit: auditAccepted(exchange, now, 'client.updated', { clientId }, facts),
    })
  }
  const committed = await changeInTurn(exchange, ports, decide, () => overtaken)
  if (!committed.ok) return await no(committed)
  return jsonReply(200, informationOf(exchange, committed.value, next.value))
}

/** What the client would be after this update: a whole replacement, within what it was registered with. */
function judgeUpdate(
  request: RegistrationRequest,
  before: RegisteredClient,
  issuer: IssuerSnapshot,
  now: EpochSeconds,
): Outcome<{ readonly client: RegisteredClient; readonly metadata: RequestMetadata }> {
  const intended = judgeIntended(request, before, before.policy, issuer, now)
  if (!intended.ok) return intended
  const { stated, softwareStatement } = intended.value
  const { metadata, localized } = stated
  const refusal = firstRefusal(updateRules, {
    managed: before.clientId,
    clientId: request.clientId,
    isSecretCurrent: isSecretCurrent(request.clientSecret, before.clientId, issuer, now),
    issued: request.issued,
    before: before.metadata,
    after: metadata,
  })
  return (
    refusal ?? accept({ client: { ...before, metadata, localized, softwareStatement }, metadata: stated })
  )
}

type RequestMetadata = RegistrationRequest['stated']

function isSecretCurrent(
  secret: string | undefined,
  clientId: string,
  { clients }: IssuerSnapshot,
  now: EpochSeconds,
): boolean | undefined {
  if (secret === undefined) return undefined
  const secrets = clients.get(clientId)?.secrets ?? []
  return secrets.some(
    ({ salt, mac, expiresAt }) =>
      timingSafeEqual(macOfSecret(salt, secret), mac) && (expiresAt === undefined || now < expiresAt),
  )
}

async function remove({ exchange, ports, clientId, tokenHash, now }: Managing): Promise<Reply> {
  const { url } = exchange.issuer
  const decide = (issuer: IssuerSnapshot): Outcome<RegistrationChange> => {
    const current = issuer.registered.get(clientId)
    if (current === undefined || statusOf(issuer, clientId) !== 'active' || isNamedByOthers(issuer, clientId))
      return overtaken
    // The document stays as a mark: no other client will ever have this id, so nothing issued to it lives again.
    const client = { ...current, metadata: {}, localized: {}, softwareStatement: undefined }
    const hasSecrets = (issuer.clients.get(clientId)?.secrets ?? []).length > 0
    return accept({
      client: { ...client, status: 'deleted' },
      secrets: hasSecrets ? [] : undefined,
      writes: [{ kind: 'end-registration', issuer: url, clientId, tokenHash }],
      audit: auditAccepted(exchange, now, 'client.deleted', { clientId }, { by: 'client' }),
    })
  }
  const committed = await changeInTurn(exchange, ports, decide, () => overtaken)
  if (!committed.ok)
    return await refusedRegistration(exchange, ports, refused, committed, { context: { clientId } })
  return { status: 204, headers: noStore, body: '' }
}

/** Another request used the token first, or an operator came in between. */
const overtaken = refuse(
  'management.token',
  ['RFC7592-2'],
  'invalid_token',
  'the token was used by another request, or taken back, meanwhile',
)

function nextToken({ issuer }: Exchange, { entropy }: Ports, now: EpochSeconds): NewHandle {
  return newHandle(entropy, 'registration_access_token', issuer.url, now)
}

function rotation({ issuer }: Exchange, clientId: string, from: HandleHash, to: NewHandle) {
  return { kind: 'rotate-registration', issuer: issuer.url, clientId, from, to: to.hash } as const
}

/** Digests first: their lengths are equal whatever was sent. */
function isSame(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}
