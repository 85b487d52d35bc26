import { firstRefusal, refuse } from '@holdfast/protocol'
import {
  grantEndpointRules,
  grantIdForm,
  grantQueryScope,
  grantRevokeScope,
} from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { GrantRecord } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import {
  type Bearer,
  type BearerDesk,
  commitPresented,
  nextNonce,
  presentedHere,
  presentedToken,
} from '../bearer/presented.ts'
import { forgettingWith } from '../consents/remembered.ts'
import { recordRefusal } from '../refused.ts'
import { jsonReply, noStore } from '../render/json.ts'
import { publicSentence } from '../render/public-sentence.ts'
import type { Room } from '../room.ts'

/** GET a grant: what it holds, for the client it was given to (Grant Management section 6.4). */
export const readGrantRoom: Room = async (exchange, ports) => {
  const desk = deskOf(exchange, ports, grantQueryScope)
  const presented = await presentedToken(desk)
  if (!presented.ok) return presented.reply
  const grant = await findOwn(presented.value, exchange, ports)
  if (grant === undefined) return await unknown(desk, presented.value)

  const audit = auditAccepted(exchange, ports.clock.now(), 'grant.read', contextOf(presented.value), {
    grant: grant.id,
  })
  const done = await commitPresented(desk, presented.value, [audit])
  if (done.reply !== undefined) return done.reply
  if (!done.committed) throw new TypeError('no other guard stands in this list')
  return jsonReply(200, contentOf(grant, exchange.issuer), nextNonce(exchange, ports))
}

/** DELETE a grant: it ends, and every token of it (section 6.5). */
export const revokeGrantRoom: Room = async (exchange, ports) => {
  const desk = deskOf(exchange, ports, grantRevokeScope)
  const presented = await presentedToken(desk)
  if (!presented.ok) return presented.reply
  const grant = await findOwn(presented.value, exchange, ports)
  if (grant === undefined) return await unknown(desk, presented.value)

  const at = ports.clock.now()
  const done = await commitPresented(desk, presented.value, [
    { kind: 'end-grant', id: grant.id, at },
    ...forgettingWith(grant),
    auditAccepted(
      exchange,
      at,
      'grant.revoked',
      { ...contextOf(presented.value), txn: grant.txn },
      {
        grant: grant.id,
        by: 'client',
      },
    ),
  ])
  if (done.reply !== undefined) return done.reply
  // Somebody else ended it first: what is left is a grant that is not there.
  if (!done.committed) return await unknown(desk, presented.value)
  return { status: 204, headers: [...noStore, ...nextNonce(exchange, ports)], body: '' }
}

function deskOf(exchange: Exchange, ports: Ports, requiredScope: string): BearerDesk {
  return {
    exchange,
    ports,
    refusedEvent: 'grant.refused',
    requiredScope,
    judge: active => firstRefusal(grantEndpointRules, presentedHere(active, exchange)),
  }
}

/** A grant of the client that asks; whatever else it is, nobody tells it apart from none. */
async function findOwn(
  { active }: Bearer,
  exchange: Exchange,
  ports: Ports,
): Promise<GrantRecord | undefined> {
  const { id = '' } = exchange.params
  if (!grantIdForm.test(id)) return undefined
  const grant = await ports.store.findManagedGrant(id)
  if (grant?.issuer !== exchange.issuer.url || grant.clientId !== active.token.clientId) return undefined
  return ports.clock.now() < grant.expiresAt ? grant : undefined
}

/** The token is spent on the question all the same: its proof must not serve for another one. */
async function unknown(desk: BearerDesk, bearer: Bearer): Promise<Reply> {
  const { exchange, ports, refusedEvent } = desk
  const spent = await commitPresented(desk, bearer, [])
  if (spent.reply !== undefined) return spent.reply
  const refusal = refuse(
    'grant-management.not-found',
    ['GRANT-MGMT-6.6-404'],
    'invalid_grant_id',
    'the client has no live grant of this id',
  )
  await recordRefusal(exchange, ports, refusedEvent, refusal, { context: contextOf(bearer) })
  const body = { error: refusal.error, error_description: publicSentence(exchange, refusal) }
  return jsonReply(404, body, nextNonce(exchange, ports))
}

function contextOf({ active }: Bearer): { readonly clientId: string; readonly subject: string } {
  const { clientId, subject } = active.token
  return { clientId, subject }
}

/** Scopes stand with the resources that understand them, those of none alone. Times in seconds. */
function contentOf(grant: GrantRecord, issuer: IssuerSnapshot): Readonly<Record<string, unknown>> {
  const { scopes, resources, authorizationDetails = [], managed, issuedAt, expiresAt } = grant
  const { idToken = [], userinfo = [] } = grant.claims ?? {}
  const byName = [...idToken, ...userinfo].map(({ name }) => name)
  const servers = resources.flatMap(resource => issuer.resourceServers.get(resource) ?? [])
  const owned = new Set([...issuer.resourceServers.values()].flatMap(server => server.scopes))
  const alone = scopes.filter(scope => !owned.has(scope))
  const byResource = servers.map(server => ({
    scope: scopes.filter(scope => server.scopes.includes(scope)).join(' '),
    resource: [server.audience],
  }))
  return {
    scopes: [...(alone.length > 0 ? [{ scope: alone.join(' ') }] : []), ...byResource],
    claims: [...new Set([...scopes.flatMap(scope => issuer.scopes.get(scope)?.claims ?? []), ...byName])],
    authorization_details: authorizationDetails,
    created_at: managed?.createdAt ?? issuedAt,
    last_updated: issuedAt,
    expires_at: expiresAt,
    updated_by: 'client',
  }
}
