import {
  accept,
  type EpochSeconds,
  epochSeconds,
  firstRefusal,
  type Outcome,
  type Refusal,
  refuse,
} from '@holdfast/protocol'
import {
  upstreamAnswerRules,
  upstreamIdTokenRules,
  upstreamUserRules,
} from '@holdfast/protocol/specs/oidc-core-relying-party/rules.ts'
import { type Form, parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { IdentityProvider } from '../../snapshot/snapshot.ts'
import type { UpstreamAttempt } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { auditRefused } from '../audit-of.ts'
import { judgeSubject } from '../interaction/assurance.ts'
import { type AttemptKeys, attemptKeys, countSource, secondsToWaitOfSource } from '../interaction/attempts.ts'
import { finishRefused } from '../interaction/finish.ts'
import { makeProgress } from '../interaction/progress.ts'
import { stepUrl } from '../interaction/record.ts'
import { helpFor, loadVisit, type Visit } from '../interaction/visit.ts'
import { errorPage } from '../pages/error.ts'
import { seeOther } from '../pages/page.ts'
import { recordRefusal } from '../refused.ts'
import { countRiskFailure } from '../risk/counters.ts'
import { type PresentedState, presentedState } from './attempt.ts'
import { fetchIdToken } from './fetch-id-token.ts'
import { type LinkedUser, linkedUser } from './linked-user.ts'

/** GET `/upstream/:provider`: the user comes back from another provider with a code, or with its refusal. */
export async function upstreamRoom(exchange: Exchange, ports: Ports): Promise<Reply> {
  const parsed = parseAnswer(exchange, ports)
  if (!parsed.ok) return await refusedHere(exchange, ports, parsed)
  const { form, state } = parsed.value
  const visit = await loadVisit(
    { ...exchange, params: { ...exchange.params, id: state.interactionId } },
    ports,
  )
  if (!visit.ok) return await refusedHere(exchange, ports, visit)

  const answered = judgeAnswer(visit.value, form, state)
  if (!answered.ok) return await refusedVisit(visit.value, ports, answered)
  const keys = attemptKeys(ports, exchange.issuer.url, '', exchange.remoteAddress)
  if ((await secondsToWaitOfSource(ports, keys, visit.value.now)) > 0)
    return await refusedVisit(visit.value, ports, tooMany)

  const identity = await identify(visit.value, answered.value, state, ports)
  if (!identity.ok) return await refusedVisit(visit.value, ports, identity, keys)
  return await signedIn(visit.value, identity.value, ports)
}

const tooMany = refuse(
  'upstream.delay',
  [],
  'temporarily_unavailable',
  'too many failed logins from this network',
)

interface ParsedAnswer {
  readonly form: Form
  readonly state: PresentedState
}

function parseAnswer(exchange: Exchange, ports: Ports): Outcome<ParsedAnswer> {
  const form = parseForm(exchange.query)
  if (!form.ok) return form
  const state = presentedState(ports.keys, exchange.issuer.url, form.value.get('state'))
  return state.ok ? accept({ form: form.value, state: state.value }) : state
}

interface Answered {
  readonly provider: IdentityProvider
  readonly attempt: UpstreamAttempt
  readonly code: string
}

/** Pure: what came back against what this interaction, in this browser, is waiting for. */
function judgeAnswer({ exchange, interaction }: Visit, form: Form, state: PresentedState): Outcome<Answered> {
  const { upstream: attempt } = interaction
  const provider = exchange.issuer.identityProviders.get(attempt?.provider ?? '')
  const code = form.get('code')
  const refusal = firstRefusal(upstreamAnswerRules, {
    isStateExpected: attempt?.stateHash === state.stateHash && provider !== undefined,
    sentTo: attempt?.provider,
    cameTo: exchange.params.provider ?? '',
    issuer: provider?.issuer ?? '',
    sendsIss: provider?.sendsIss ?? true,
    iss: form.get('iss'),
    error: form.get('error'),
    code,
  })
  if (refusal !== undefined) return refusal
  if (attempt === undefined || provider === undefined || code === undefined) throw new TypeError('rule table')
  return accept({ provider, attempt, code })
}

interface Identity extends LinkedUser {
  readonly user: NonNullable<LinkedUser['user']>
  readonly provider: IdentityProvider
  readonly methods: NonNullable<IdentityProvider['otherMethods']>
  readonly provenAt: EpochSeconds
}

/** Who the provider says the user is, and who that is here. */
async function identify(
  { exchange }: Visit,
  { provider, attempt, code }: Answered,
  { nonce, codeVerifier }: PresentedState,
  ports: Ports,
): Promise<Outcome<Identity>> {
  const { url } = exchange.issuer
  const fetched = await fetchIdToken(ports, url, provider, { code, codeVerifier })
  if (!fetched.ok) return fetched
  const { claims, isSigned } = fetched.value
  const { issuer, clientId } = provider
  const { mustBeFresh, startedAt } = attempt
  const now = ports.clock.now()
  const unsound = firstRefusal(upstreamIdTokenRules, {
    ...{ claims, isSigned, issuer, clientId, nonce, mustBeFresh, startedAt, now },
  })
  if (unsound !== undefined) return unsound

  const acr = typeof claims.acr === 'string' ? claims.acr : ''
  const methods = provider.methodsByAcr.get(acr) ?? provider.otherMethods
  const { user, writes } = await linkedUser(ports, url, provider, claims.sub as string)
  const unwelcome = firstRefusal(upstreamUserRules, {
    status: user?.status,
    hasMethods: methods !== undefined,
  })
  if (unwelcome !== undefined) return unwelcome
  if (user === undefined || methods === undefined) throw new TypeError('rule table')
  const provenAt = epochSeconds(Math.min(claims.auth_time as number, now))
  return accept({ user, writes, provider, methods, provenAt })
}

/** The attempt is over, the interaction goes on, the session and perhaps the user are new: one commit. */
async function signedIn(visit: Visit, identity: Identity, ports: Ports): Promise<Reply> {
  const { exchange, interaction, browserSession } = visit
  const { user, writes, provider, methods, provenAt } = identity
  const unwanted = judgeSubject(interaction.request, user.subject)
  if (unwanted !== undefined)
    return await finishRefused(visit, ports, 'upstream.refused', unwanted, { subject: user.subject })
  const { cookies } = await makeProgress(visit, ports, {
    event: 'login.accepted',
    user,
    methods,
    upstream: { provider: provider.name, provenAt },
    previous: browserSession?.record,
    writes,
  })
  return seeOther(stepUrl(exchange.issuer.url, visit.id, 'consent'), cookies)
}

async function refusedHere(exchange: Exchange, ports: Ports, refusal: Refusal): Promise<Reply> {
  await recordRefusal(exchange, ports, 'upstream.refused', refusal)
  return errorPage(exchange, refusal, helpFor(refusal))
}

/** One answer per attempt, good or bad. Whoever does not know the state ends nothing. */
async function refusedVisit(
  visit: Visit,
  ports: Ports,
  refusal: Refusal,
  counted?: AttemptKeys,
): Promise<Reply> {
  const { exchange, interaction, client, now } = visit
  const { upstream, request, txn } = interaction
  const context = { txn, clientId: client.clientId }
  const spent: readonly Write[] =
    refusal.ruleId === 'upstream.state' || upstream === undefined
      ? []
      : [{ kind: 'advance-interaction', record: { ...interaction, upstream: undefined }, at: now }]
  const facts = { ...refusal.facts, upstream: upstream?.provider ?? 'none' }
  const told: Refusal = { ...refusal, facts }
  const committed = await ports.store.commit([
    ...spent,
    ...(counted === undefined ? [] : countSource(counted, now)),
    ...(counted === undefined ? [] : countRiskFailure(exchange, ports, undefined, now)),
    auditRefused(exchange, now, 'upstream.refused', told, context),
  ])
  // Another answer with the same state was faster; this one is recorded all the same.
  if (committed.committed)
    ports.metrics.count('refusals_total', { event: 'upstream.refused', rule: told.ruleId })
  else await recordRefusal(exchange, ports, 'upstream.refused', told, { context })
  return errorPage(exchange, refusal, { uiLocales: request.uiLocales })
}
