import { accept, type EpochSeconds, firstRefusal, refuse } from '@holdfast/protocol'
import {
  type Actor,
  accessTokenType,
  actorsOf,
  type ExchangedToken,
  type ExchangeInput,
  exchangeableScopes,
  exchangeRequestRules,
  exchangeRules,
  newActor,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { Binding } from '../../../store/records.ts'
import type { Write } from '../../../store/writes.ts'
import { judgeActive, loadToken, type TokenFacts } from '../../introspect/standing.ts'
import { grantedDetails } from '../../mint/details.ts'
import type { Delegation, Entitlement } from '../../mint/order.ts'
import { type Decided, type GrantRefusal, grantOf, requestedScopes, type TokenRequest } from '../grant.ts'

interface Asked {
  readonly subjectToken: string
  readonly actorToken: string | undefined
}

interface Presented {
  readonly facts: TokenFacts
  readonly isActive: boolean
}

interface Facts {
  readonly subject: Presented
  readonly actor: Presented | undefined
}

/** One of our access tokens for a narrower one, or for one that says who acts with it (RFC 8693). */
export const tokenExchange = grantOf<Asked, Facts>({
  grantType: tokenExchangeGrantType,
  parse: ({ form }) => {
    const subjectToken = form.get('subject_token')
    const actorToken = form.get('actor_token')
    const refusal = firstRefusal(exchangeRequestRules, {
      subjectToken,
      subjectTokenType: form.get('subject_token_type'),
      actorToken,
      actorTokenType: form.get('actor_token_type'),
      requestedTokenType: form.get('requested_token_type'),
    })
    if (refusal !== undefined) return refusal
    if (subjectToken === undefined) throw new TypeError('rule table')
    return accept({ subjectToken, actorToken })
  },
  load: async ({ subjectToken, actorToken }, { exchange }, ports) => {
    const present = async (value: string): Promise<Presented> => {
      const facts = await loadToken(value, exchange, ports)
      return { facts, isActive: judgeActive(facts, exchange, ports).ok }
    }
    const [subject, actor] = await Promise.all([
      present(subjectToken),
      actorToken === undefined ? undefined : present(actorToken),
    ])
    return { subject, actor }
  },
  judge: judgeExchange,
})

function judgeExchange({ actorToken }: Asked, facts: Facts, request: TokenRequest): Decided {
  const { client, sender, form, now } = request
  const scopes = requestedScopes(form)
  const targets = targetsOf(request)
  const subject = facts.subject.facts.token
  const context = subject === undefined ? {} : { txn: subject.txn, subject: subject.subject }
  const input: ExchangeInput = {
    clientId: client.clientId,
    isPublic: client.isPublic,
    sender,
    exchangesTokensOf: client.exchanges.tokensOf,
    exchangesTokensFor: client.exchanges.tokensFor,
    subject: tokenOf(facts.subject),
    actor: actorToken === undefined ? 'absent' : facts.actor && tokenOf(facts.actor),
    scopes,
    clientScopes: travellingScopes(request),
    targets: targets.length === 0 ? client.resources.length : targets.length,
  }
  const refusal = firstRefusal(exchangeRules, input)
  if (refusal !== undefined) return { ok: false, refusal, context }
  return {
    ok: true,
    value: {
      entitlement: entitlementOf(facts, input, targets, request),
      writes: [facts.subject, facts.actor].flatMap(presented => liveGrant(presented, now)),
      conflict: () => endedMeanwhile(context),
    },
  }
}

/** Claims about the user stay with the client the user signed in at. */
function travellingScopes({ client, exchange }: TokenRequest): readonly string[] {
  return client.scopes.filter(scope => (exchange.issuer.scopes.get(scope)?.claims.length ?? 0) === 0)
}

/** `audience` names the same resources as `resource` does: their identifiers. */
function targetsOf({ form }: TokenRequest): readonly string[] {
  const audience = form.get('audience')
  return [...form.all('resource'), ...(audience === undefined ? [] : [audience])]
}

function tokenOf({ facts: { token }, isActive }: Presented): ExchangedToken | undefined {
  return token && { ...token, isActive, act: token.act, mayAct: token.mayAct }
}

function entitlementOf(
  { subject, actor }: Facts,
  input: ExchangeInput,
  requestedResources: readonly string[],
  request: TokenRequest,
): Entitlement {
  const token = subject.facts.token
  if (token === undefined) throw new TypeError('rule table')
  const { client, sender } = request
  const allowedScopes = exchangeableScopes(token.scopes, input.clientScopes)
  return {
    grantType: tokenExchangeGrantType,
    subject: token.subject,
    grantId: token.grantId,
    scopes: input.scopes ?? allowedScopes,
    allowedScopes,
    requestedResources,
    allowedResources: client.resources,
    authorizationDetails: grantedDetails(token),
    authTime: token.authTime,
    acr: token.acr,
    amr: token.amr,
    sid: undefined,
    ...(subject.facts.grant?.risk && { risk: subject.facts.grant.risk }),
    nonce: undefined,
    txn: token.txn,
    grantExpiresAt: earliestEnd([subject, actor]),
    inputBinding: carriedBinding(token.binding, token.clientId === client.clientId, sender),
    refreshToken: undefined,
    delegation: delegationOf(subject, actor, input),
  }
}

/** The new token outlives nothing it came from. */
function earliestEnd(presented: readonly (Presented | undefined)[]): EpochSeconds {
  const ends = presented.flatMap(one => [one?.facts.token?.expiresAt, one?.facts.grant?.expiresAt])
  return Math.min(...ends.filter(end => end !== undefined)) as EpochSeconds
}

/** Bound stays bound: by the client's own key again, or by the key of whoever exchanges. */
function carriedBinding(binding: Binding, isOwn: boolean, { jkt, x5tS256 }: TokenRequest['sender']): Binding {
  const isBound = binding.jkt !== undefined || binding.x5tS256 !== undefined
  if (isOwn || !isBound) return binding
  if (jkt !== undefined) return { jkt }
  return x5tS256 === undefined ? binding : { x5tS256 }
}

function delegationOf(
  { facts: { token } }: Presented,
  actor: Presented | undefined,
  input: ExchangeInput,
): Delegation {
  const sub = newActor(input)
  const before = token?.act
  const act: Actor | undefined = sub === undefined ? before : { sub, ...(before && { act: before }) }
  return {
    issuedTokenType: accessTokenType,
    act,
    mayAct: token?.mayAct,
    sector: token?.sector,
    facts: {
      ...(token !== undefined && {
        subject_token_ref: token.hash,
        subject_token_client: token.clientId,
        subject_token_audience: token.audience,
      }),
      ...(actor?.facts.token !== undefined && { actor_token_ref: actor.facts.token.hash }),
      ...(act !== undefined && { actors: actorsOf(act) }),
    },
  }
}

function liveGrant(presented: Presented | undefined, at: EpochSeconds): readonly Write[] {
  const id = presented?.facts.grant?.id
  return id === undefined ? [] : [{ kind: 'require-live-grant', id, at }]
}

function endedMeanwhile(context: GrantRefusal['context']): GrantRefusal {
  const refusal = refuse(
    'exchange.ended',
    ['RFC8693-2.2.2-1'],
    'invalid_request',
    'the grant of the subject or actor token ended while it was exchanged',
  )
  return { refusal, context }
}
