import { accept, firstRefusal, type Outcome, type Refusal, refuse } from '@holdfast/protocol'
import { grantTypeRules } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client, GrantTypeName } from '../../snapshot/snapshot.ts'
import type { CommitResult, Write } from '../../store/writes.ts'
import { orderWithAttributes } from '../attributes/order-with.ts'
import { refusedAuthenticated, refusedReplay, replayRefusal } from '../client-auth/answer.ts'
import { type AuthenticatedClient, authenticateClient } from '../client-auth/authenticate.ts'
import { parseBackChannelForm } from '../client-auth/back-channel-form.ts'
import { dpopNonceHeader, judgeClientProof } from '../dpop/proof-at-server.ts'
import { mint } from '../mint/mint.ts'
import { judgeOrder } from '../mint/order.ts'
import { premint } from '../policy/mint.ts'
import { refusedInDialect } from '../policy/token-errors.ts'
import { refusedOauth } from '../refused.ts'
import { jsonReply } from '../render/json.ts'
import { asTryAgain } from '../render/try-again.ts'
import { countToken } from '../risk/client.ts'
import type { Room } from '../room.ts'
import type { Decision, Grant, GrantRefusal } from './grant.ts'
import { grants } from './grants/index.ts'
import { judgeSender } from './sender.ts'

const refused = 'token.refused'
const supported = [...grants.keys()]

/** The token endpoint (RFC 6749 section 3.2), for every grant type. */
export const tokenRoom: Room = async (exchange, ports) => {
  const form = parseBackChannelForm(exchange)
  if (!form.ok) return refusedOauth(exchange, ports, refused, form)

  const authenticated = await authenticateClient(exchange, form.value, ports)
  if (!authenticated.ok) return refusedOauth(exchange, ports, refused, authenticated)
  const asking: Asking = {
    exchange,
    ports,
    authenticated: authenticated.value,
    spent: authenticated.value.writes,
  }

  // Proof and nonce before anything is spent: a request that is told to repeat itself must be able to.
  const proof = await judgeClientProof(exchange, ports, authenticated.value)
  if (!proof.ok) return refuseAsking(asking, { refusal: proof, context: {} })
  const proven: Asking = { ...asking, spent: [...asking.spent, ...(proof.value?.writes ?? [])] }
  const sender = judgeSender(exchange, ports, authenticated.value, proof.value)
  if (!sender.ok) return refuseAsking(proven, { refusal: sender, context: {} })

  const { client, evidence } = authenticated.value
  const grant = judgeGrantType(form.value, client)
  if (!grant.ok) return refuseAsking(proven, { refusal: grant, context: {} })
  const now = ports.clock.now()
  const request = { exchange, form: form.value, client, sender: sender.value.proven, now }
  const decided = await grant.value.decide(request, ports)
  if (!decided.ok) return refuseAsking(proven, decided)

  const { entitlement, writes: guards } = decided.value
  const details = form.value.get('authorization_details')
  const order = judgeOrder(entitlement, sender.value, exchange.issuer, now, details)
  const { txn, subject } = entitlement
  const context = { txn, subject }
  if (!order.ok) return refuseAsking(proven, { refusal: order, context })
  const attributing = orderWithAttributes(order.value, exchange, ports)
  const attributed = attributing instanceof Promise ? await attributing : attributing
  if (!attributed.ok) return await withoutAttributes(proven, attributed, decided.value)
  const preminted = await premint(attributed.value, sender.value, exchange, ports)
  if (!preminted.ok) {
    const { pending } = decided.value
    if (pending === undefined || preminted.refusal.error !== 'authorization_pending')
      return refuseAsking(proven, { ...preminted, context })
    const refusal = pending.slowDown ?? preminted.refusal
    const writes = [...pending.writes, ...preminted.writes]
    return refuseAsking(proven, { ...preminted, refusal, writes, context })
  }

  const minted = await mint(preminted.order, evidence, exchange, ports)
  const writes = [...proven.spent, ...guards, ...preminted.writes, ...minted.writes]
  const committed = await ports.store.commit(writes)
  if (!committed.committed) return refuseConflict(proven, decided.value, writes, committed)

  const { grantId } = entitlement
  countToken({ client, subject: grantId === undefined ? undefined : subject, now }, exchange, ports)
  ports.metrics.count('tokens_issued_total', { grant_type: entitlement.grantType })
  return jsonReply(200, minted.response, nextNonce(exchange, ports))
}

/** A source that failed may answer in a moment: nothing was spent, and the client may try again. */
async function withoutAttributes(
  asking: Asking,
  refused: Refusal,
  { entitlement: { grantType, txn, subject }, pending }: Decision,
): Promise<Reply> {
  const refusal = refusedInDialect(refused, grantType)
  // A client that polls has polled.
  const writes = pending?.writes ?? []
  const reply = await refuseAsking(asking, { refusal, context: { txn, subject }, writes })
  return refusal.error === 'temporarily_unavailable' ? asTryAgain(reply) : reply
}

/** An authenticated request on its way, and the one-time parts it has shown so far. */
interface Asking {
  readonly exchange: Exchange
  readonly ports: Ports
  readonly authenticated: AuthenticatedClient
  readonly spent: readonly Write[]
}

function judgeGrantType(form: Form, client: Client): Outcome<Grant> {
  const grantType = form.get('grant_type')
  const refusal = firstRefusal(grantTypeRules, {
    grantType,
    supported,
    registered: client.grantTypes,
  })
  if (refusal !== undefined) return refusal
  const grant = grants.get(grantType as GrantTypeName)
  if (grant === undefined) throw new TypeError('rule table')
  return accept(grant)
}

function refuseAsking(
  { exchange, ports, authenticated, spent }: Asking,
  {
    refusal,
    context,
    writes = [],
    alert,
    asking = [],
  }: GrantRefusal & { readonly asking?: readonly Write[] },
): Promise<Reply> {
  if (alert !== undefined) ports.metrics.count('replays_detected_total', { rule: refusal.ruleId })
  return refusedAuthenticated(exchange, ports, alert?.event ?? refused, refusal, authenticated, {
    context,
    spent,
    extraHeaders: nextNonce(exchange, ports),
    writes,
    asking,
    ...(alert !== undefined && { writes: alert.writes, outcome: 'alert' }),
  })
}

/** A guard lost its race: a replayed assertion or proof, or what the grant was about to spend. */
function refuseConflict(
  asking: Asking,
  decision: Decision,
  writes: readonly Write[],
  result: CommitResult & { readonly committed: false },
): Promise<Reply> {
  const { exchange, ports, authenticated } = asking
  const replay = replayRefusal(writes, result)
  if (replay === undefined) {
    const { txn, subject, grantType } = decision.entitlement
    if (result.guard === 'spend-approval' || result.guard === 'require-approval')
      return refuseAsking(asking, {
        refusal: refusedInDialect(approvalGone, grantType),
        context: { txn, subject },
      })
    return refuseAsking(asking, decision.conflict(result.guard))
  }
  const { txn, subject } = decision.entitlement
  const context = { clientId: authenticated.client.clientId, txn, subject }
  return refusedReplay(exchange, ports, refused, replay, {
    context,
    extraHeaders: nextNonce(exchange, ports),
  })
}

const approvalGone = refuse(
  'policy.approval-gone',
  [],
  'access_denied',
  'the approval was used, or taken back, by another request at the same moment',
)

/** Whoever uses DPoP learns the nonce for next time (RFC 9449 section 8.2). */
function nextNonce(exchange: Exchange, ports: Ports): Reply['headers'] {
  return exchange.headers('dpop').length === 0 ? [] : [dpopNonceHeader(exchange, ports)]
}
