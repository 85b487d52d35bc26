import { firstRefusal } from '@holdfast/protocol'
import { revocationOwnerRules, revocationRules } from '@holdfast/protocol/specs/rfc7009-revocation/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { type AuditContext, auditAccepted, auditRefused } from '../audit-of.ts'
import { refusedAuthenticated, refusedReplay, replayRefusal } from '../client-auth/answer.ts'
import { authenticateClient } from '../client-auth/authenticate.ts'
import { parseBackChannelForm } from '../client-auth/back-channel-form.ts'
import { hashOfHandle } from '../handle.ts'
import { findAccessToken } from '../mint/formats/index.ts'
import { refusedOauth } from '../refused.ts'
import { noStore } from '../render/json.ts'
import type { Room } from '../room.ts'

const refused = 'revocation.refused'

/** Token revocation (RFC 7009). Unknown, foreign and dead tokens answer as a revoked one does. */
export const revokeRoom: Room = async (exchange, ports) => {
  const form = parseBackChannelForm(exchange)
  if (!form.ok) return refusedOauth(exchange, ports, refused, form)

  const authenticated = await authenticateClient(exchange, form.value, ports)
  if (!authenticated.ok) return refusedOauth(exchange, ports, refused, authenticated)
  const { client, evidence } = authenticated.value
  const value = form.value.get('token')
  const missing = firstRefusal(revocationRules, { token: value })
  if (missing !== undefined || value === undefined) {
    if (missing === undefined) throw new TypeError('rule table')
    return refusedAuthenticated(exchange, ports, refused, missing, authenticated.value)
  }

  const target = await findTarget(value, exchange, ports)
  const facts = { ...evidence, ...target?.facts }
  const context = { clientId: client.clientId, ...target?.context }
  const writes = [
    ...authenticated.value.writes,
    ...revocationWrites(target, client.clientId, exchange, ports, context, facts),
  ]
  const committed = await ports.store.commit(writes)
  if (!committed.committed) {
    const replay = replayRefusal(writes, committed)
    if (replay === undefined) throw new TypeError(`no guard \`${committed.guard}\` stands in this list`)
    return refusedReplay(exchange, ports, refused, replay, { context, extraHeaders: undefined })
  }
  return { status: 200, headers: noStore, body: '' }
}

/** What a token is to be revoked by. */
interface Target {
  readonly owner: string
  readonly context: AuditContext
  readonly facts: Readonly<Record<string, string>>
  readonly writes: readonly Write[]
}

/** `token_type_hint` is not needed: the value itself tells what it may be. */
async function findTarget(value: string, exchange: Exchange, ports: Ports): Promise<Target | undefined> {
  const { issuer } = exchange
  const at = ports.clock.now()
  const access = await findAccessToken(value, issuer, ports)
  if (access !== undefined)
    return {
      owner: access.clientId,
      context: { txn: access.txn, subject: access.subject },
      facts: { token_kind: 'access_token', token_ref: access.hash },
      writes: [{ kind: 'revoke-access-token', hash: access.hash, at }],
    }
  const refresh = await ports.store.findRefreshToken(hashOfHandle('refresh_token', issuer.url, value))
  if (refresh === undefined) return undefined
  // INVARIANT: every user token points at a grant, so this ends its access tokens and successors too (REV-04).
  return {
    owner: refresh.clientId,
    context: {},
    facts: { token_kind: 'refresh_token', token_ref: refresh.hash, grant_id: refresh.grantId },
    writes: [
      { kind: 'revoke-refresh-token', hash: refresh.hash, at },
      { kind: 'revoke-grant', id: refresh.grantId, at },
    ],
  }
}

function revocationWrites(
  target: Target | undefined,
  clientId: string,
  exchange: Exchange,
  ports: Ports,
  context: AuditContext,
  facts: AuditRecord['facts'],
): readonly Write[] {
  const now = ports.clock.now()
  if (target === undefined) return [auditAccepted(exchange, now, 'token.revocation-unknown', context, facts)]
  const foreign = firstRefusal(revocationOwnerRules, { clientId, owner: target.owner })
  if (foreign === undefined)
    return [...target.writes, auditAccepted(exchange, now, 'token.revoked', context, facts)]
  // A client that holds another's token: nothing is revoked, and somebody should look.
  const { token_ref: tokenRef = '' } = target.facts
  const refusal = { ...foreign, facts: { token_ref: tokenRef } }
  return [auditRefused(exchange, now, 'token.revocation-foreign', refusal, { clientId }, 'alert')]
}
