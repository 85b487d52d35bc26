import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type Outcome,
  type Refusal,
  refuse,
} from '@holdfast/protocol'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { joinedToken } from '@holdfast/protocol/specs/holdfast-split-token/rules.ts'
import {
  judgePresentation,
  type PresentationInput,
  scopeRules,
  splitValues,
  type TokenScheme,
  usedSchemes,
} from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import { allowedRules } from '@holdfast/protocol/specs/rfc9068-at-verification/rules.ts'
import { stepUpRules } from '@holdfast/protocol/specs/rfc9470-step-up/rules.ts'
import { AccessTokens } from './access-token.ts'
import { type AnswerSigner, answerSignerOf } from './answer-signature.ts'
import type { AccessEvent, DenialCategory } from './audit.ts'
import { type Challenge, challengeOf } from './challenge.ts'
import { type Decide, type Decision, judgeDecision } from './decide.ts'
import { isForwarded, judgeEvidence, judgeHandedOn, judgePhantom } from './forwarded.ts'
import { interactionHeaders, interactionIdOf } from './interaction.ts'
import {
  type Requirements,
  type ResourceServerOptions,
  type RouteSettings,
  routeSettingsOf,
  type Settings,
  settingsOf,
} from './options.ts'
import { type ApiRequest, splitTarget } from './request.ts'
import type { FeedStatus } from './revocation-feed.ts'
import { judgeSender, type ProvenSender } from './sender.ts'
import { judgeSignedRequest } from './signed-request.ts'
import type { TokenFacts, VerifiedToken } from './token.ts'

export interface Verified {
  readonly ok: true
  readonly value: VerifiedToken
}

/** Every check of one route, ready to run. */
export type Guard<Native> = (request: ApiRequest<Native>) => Promise<Verified | Challenge>

export interface ResourceServer {
  /**
   * The checks of a route; make it once, when the route is made.
   * @throws TypeError when the requirements cannot be put into a challenge
   */
  readonly guard: <Native>(requirements?: Requirements<Native>) => Guard<Native>
  /** Fetches metadata and keys before the first request. @returns whether they are at hand */
  readonly warmUp: () => Promise<boolean>
  /** Forgets remembered answers about tokens that match, e.g. on a revocation event. @returns how many */
  readonly evict: (matches: (facts: TokenFacts) => boolean) => number
  /** Fetches the issuer's keys now; tokens of a withdrawn key are refused from then on. */
  readonly refreshKeys: () => Promise<boolean>
  /** What is heard of the revocation feed; undefined without one. */
  readonly feedStatus: () => FeedStatus | undefined
  /**
   * Whether a token that was let in may still be believed without asking: for what goes on for long after its check, as
   * an event stream does. Without a feed nothing is heard, so its lifetime alone decides.
   */
  readonly isBelieved: (token: VerifiedToken) => boolean
  /** Ends the subscription to the revocation feed, so that the process can end; a shared one goes on. */
  readonly close: () => void
  /** Signs answers, of the routes and of refusals; undefined unless the options say so. The adapters ask it. */
  readonly answerSigner: AnswerSigner | undefined
  readonly settings: Settings
  readonly options: ResourceServerOptions
}

/** An API's guard: one per API, shared by all its routes. @throws TypeError that names the wrong option */
export function createResourceServer(options: ResourceServerOptions): ResourceServer {
  const settings = settingsOf(options)
  const tokens = new AccessTokens(settings)
  return {
    guard: requirements => {
      const route = routeSettingsOf(requirements ?? {})
      return request => verify(request, route, settings, tokens)
    },
    warmUp: () => tokens.warmUp(),
    evict: matches => tokens.evict(matches),
    refreshKeys: () => tokens.refreshKeys(),
    feedStatus: () => tokens.feedStatus(),
    isBelieved: token => tokens.isBelieved(token),
    close: () => tokens.close(),
    answerSigner: answerSignerOf(settings),
    settings,
    options,
  }
}

/** What became known on the way, for the challenge and the audit. */
interface Trail {
  readonly at: EpochSeconds
  requestId: string
  readonly interactionId: string | undefined
  readonly path: string
  /** Undefined when the request target is no path. */
  readonly query: string | undefined
  category: DenialCategory
  presentation?: PresentationInput
  /** What the client used at the gateway, once that is proven. */
  usedAtGateway?: TokenScheme
  facts?: TokenFacts
  joinedJwt?: string | undefined
  sender?: ProvenSender
  signedBy?: string
  policyVersion?: string
  stepUp?: Decision['stepUp']
}

async function verify<Native>(
  request: ApiRequest<Native>,
  route: RouteSettings<Native>,
  settings: Settings,
  tokens: AccessTokens,
): Promise<Verified | Challenge> {
  const target = splitTarget(request.target)
  const trail: Trail = {
    at: settings.clock.now(),
    requestId: settings.requestIds(),
    interactionId: settings.hasInteractionId ? interactionIdOf(request.headers, settings.entropy) : undefined,
    path: target?.path ?? '',
    query: target?.query,
    category: 'transport',
  }
  let judged: Outcome<VerifiedToken>
  try {
    judged = await judge(request, route, settings, tokens, trail)
  } catch (cause) {
    settings.onAlarm('verify.failed', cause)
    trail.category = 'unavailable'
    judged = refuse('verify.failed', [], 'temporarily_unavailable', 'a check could not be made')
  }
  return conclude(judged, request, route, settings, trail)
}

/** All checks of one request, in the order of STEP-07. Nothing here depends on what an earlier request was told. */
async function judge<Native>(
  request: ApiRequest<Native>,
  route: RouteSettings<Native>,
  settings: Settings,
  tokens: AccessTokens,
  trail: Trail,
): Promise<Outcome<VerifiedToken>> {
  const { at: now } = trail
  if (trail.query === undefined)
    return refuse('request.target', ['RFC9112-3.2.1'], 'invalid_request', 'the request target is not a path')

  if (isForwarded(request, settings)) return await judgeForwardedBy(request, route, settings, tokens, trail)

  trail.presentation = presentationOf(request, trail.query, settings)
  const presented = judgePresentation(trail.presentation)
  if (!presented.ok) {
    if (presented.ruleId !== 'bearer.tls') trail.category = 'credentials'
    return presented
  }

  trail.category = 'token'
  const tokenHash = sha256(presented.value.token)
  const finding = tokens.judge(presented.value.token, tokenHash, now)
  const found = finding instanceof Promise ? await finding : finding
  if (!found.ok) return found
  const facts = found.value
  trail.facts = facts
  const { signingInput } = facts
  if (signingInput !== undefined) trail.joinedJwt = joinedToken(presented.value.token, signingInput)

  trail.category = 'sender-constraint'
  const proving = judgeSender(
    { presented: presented.value, tokenHash, request, facts, path: trail.path, now },
    settings,
  )
  const sender = proving instanceof Promise ? await proving : proving
  if (!sender.ok) return sender
  trail.sender = sender.value

  if (settings.signatures?.requests !== undefined) {
    trail.category = 'signature'
    const isProofSpent = presented.value.scheme === 'DPoP'
    const signing = { request, clientId: facts.clientId, isProofSpent, now }
    const signed = await judgeSignedRequest(signing, settings, settings.signatures)
    if (!signed.ok) {
      if (signed.ruleId === 'http-signature.body-size') trail.category = 'transport'
      return signed
    }
    trail.signedBy = signed.value
  }

  return judgeAccess(request, route, facts, sender.value, settings, trail)
}

/** A client that came through the gateway: its evidence, then the phantom token, then whether they belong together. */
async function judgeForwardedBy<Native>(
  request: ApiRequest<Native>,
  route: RouteSettings<Native>,
  settings: Settings,
  tokens: AccessTokens,
  trail: Trail,
): Promise<Outcome<VerifiedToken>> {
  trail.category = 'credentials'
  const evidence = judgeEvidence(request, settings, trail.at)
  if (!evidence.ok) return evidence
  // One reference for both records: the gateway's and the API's.
  trail.requestId = evidence.value.requestId
  trail.category = 'token'
  const found = await judgePhantom(evidence.value, tokens, trail.at)
  if (!found.ok) return found
  trail.facts = found.value
  trail.category = 'sender-constraint'
  const sender = await judgeHandedOn(evidence.value, found.value, settings, trail.at)
  if (!sender.ok) return sender
  trail.sender = sender.value
  // The gateway hands challenges on: whoever came to it with a proof must read what is missing in that scheme's.
  trail.usedAtGateway = sender.value.binding.jkt === undefined ? 'Bearer' : 'DPoP'
  return judgeAccess(request, route, found.value, sender.value, settings, trail)
}

/** What a proven token may do here. Nothing is awaited when no hook is asked. */
function judgeAccess<Native>(
  request: ApiRequest<Native>,
  route: RouteSettings<Native>,
  facts: TokenFacts,
  sender: ProvenSender,
  settings: Settings,
  trail: Trail,
): Outcome<VerifiedToken> | Promise<Outcome<VerifiedToken>> {
  const unmet = judgeAllowed(request, facts, settings, trail) ?? judgeRoute(route, facts, settings, trail)
  if (unmet !== undefined) return unmet
  trail.category = 'policy'
  const token = verifiedToken(facts, sender, settings, trail)
  return settings.decide === undefined && route.decide === undefined
    ? accept(token)
    : judgePolicy(token, request, route, settings, trail)
}

function presentationOf(request: ApiRequest, query: string, settings: Settings): PresentationInput {
  return {
    isSecure: request.isSecure || settings.isTerminated,
    authorization: splitValues(request.headers('authorization')),
    query,
    isTokenInBody: request.isTokenInBody,
    offered: settings.offered,
  }
}

// Asked after the sender is proven, so that a thief of a token learns nothing about clients and tenants.
function judgeAllowed(
  request: ApiRequest,
  facts: TokenFacts,
  { clients, tenant }: Settings,
  trail: Trail,
): Refusal | undefined {
  const refusal = firstRefusal(allowedRules, {
    clientId: facts.clientId,
    clients,
    tenantId: facts.tenant,
    // A route without a tenant, on an API that has tenants, is nobody's: the empty name matches none.
    tenant: typeof tenant === 'function' ? (tenant(request) ?? '') : tenant,
  })
  if (refusal !== undefined) trail.category = refusal.ruleId === 'access-token.client' ? 'client' : 'tenant'
  return refusal
}

function judgeRoute<Native>(
  { scopes, acrValues, maxAgeSeconds }: RouteSettings<Native>,
  facts: TokenFacts,
  { futureSeconds, tierMaxAgeSeconds }: Settings,
  trail: Trail,
): Refusal | undefined {
  trail.category = 'scope'
  const insufficient = firstRefusal(scopeRules, { required: scopes, granted: facts.scopes })
  if (insufficient !== undefined) return insufficient
  trail.category = 'assurance'
  const { acr, authTime } = facts
  const input = { acr, authTime, now: trail.at, futureSeconds }
  const unmet = firstRefusal(stepUpRules, { ...input, acrValues, maxAgeSeconds })
  if (unmet !== undefined || tierMaxAgeSeconds === undefined || isOfClient(facts)) return unmet
  const stale = firstRefusal(stepUpRules, { ...input, acrValues: [], maxAgeSeconds: tierMaxAgeSeconds })
  if (stale !== undefined) trail.stepUp = { acrValues, maxAgeSeconds: tierMaxAgeSeconds }
  return stale
}

/** A client that acts for itself has no sign-in that could be old; its subject is its own id (RFC 9068 section 2.2). */
function isOfClient({ subject, clientId }: TokenFacts): boolean {
  return subject === clientId
}

async function judgePolicy<Native>(
  token: VerifiedToken,
  request: ApiRequest<Native>,
  route: RouteSettings<Native>,
  settings: Settings,
  trail: Trail,
): Promise<Outcome<VerifiedToken>> {
  const question = { token, method: request.method, path: trail.path, request: request.native }
  const hooks: readonly (Decide<Native> | undefined)[] = [settings.decide, route.decide]
  for (const decide of hooks) {
    if (decide === undefined) continue
    const decided = await judgeDecision(decide, question, settings.decisionTimeoutMs)
    if (decided.ok) {
      if (decided.value.policyVersion !== undefined) trail.policyVersion = decided.value.policyVersion
      continue
    }
    if (decided.policyVersion !== undefined) trail.policyVersion = decided.policyVersion
    if (decided.stepUp !== undefined) {
      trail.stepUp = decided.stepUp
      trail.category = 'assurance'
    }
    return decided
  }
  return accept(trail.policyVersion === undefined ? token : { ...token, policyVersion: trail.policyVersion })
}

function verifiedToken(
  facts: TokenFacts,
  { binding, isNonceDue }: ProvenSender,
  { nonces }: Settings,
  { requestId, interactionId, at, joinedJwt, signedBy }: Trail,
): VerifiedToken {
  // Member by member: a rest pattern here costs more than every rule about the token.
  const { form, issuer, subject, clientId, audience, scopes, authorizationDetails, jti } = facts
  const { issuedAt, expiresAt, acr, amr, authTime, tenant, claims, signedAnswer } = facts
  return {
    form,
    issuer,
    subject,
    clientId,
    audience,
    scopes,
    authorizationDetails,
    jti,
    issuedAt,
    expiresAt,
    acr,
    amr,
    authTime,
    tenant,
    claims,
    signedAnswer,
    joinedJwt,
    binding,
    signedBy,
    requestId,
    interactionId,
    policyVersion: undefined,
    // A response with a nonce may be shown to nobody else, so it is not cached (RFC 9449 section 8.2).
    responseHeaders: isNonceDue
      ? [
          ['dpop-nonce', nonces.current(at)],
          ['cache-control', 'no-store'],
          ...interactionHeaders(interactionId, at),
        ]
      : interactionHeaders(interactionId, at),
  }
}

/** Evidence first, answer second: without its audit record no request is permitted (I27). */
function conclude<Native>(
  judged: Outcome<VerifiedToken>,
  request: ApiRequest<Native>,
  route: RouteSettings<Native>,
  settings: Settings,
  trail: Trail,
): Verified | Challenge | Promise<Verified | Challenge> {
  const answer: Verified | Challenge = judged.ok ? judged : answerRefusal(judged, route, settings, trail)
  if (settings.audit === undefined) return answer
  const unrecorded = (cause: unknown): Challenge => {
    settings.onAlarm('audit.failed', cause)
    if (!answer.ok) return answer
    const refusal = refuse(
      'audit.failed',
      [],
      'temporarily_unavailable',
      'the decision could not be recorded',
    )
    return answerRefusal(refusal, route, settings, trail)
  }
  try {
    const recorded = settings.audit(eventOf(judged, answer, request, route, settings, trail))
    return recorded === undefined ? answer : Promise.resolve(recorded).then(() => answer, unrecorded)
  } catch (cause) {
    return unrecorded(cause)
  }
}

function answerRefusal<Native>(
  refusal: Refusal,
  route: RouteSettings<Native>,
  settings: Settings,
  trail: Trail,
): Challenge {
  const { offered, proofAlgs, resourceMetadataUrl, nonces, explain } = settings
  const { presentation, usedAtGateway, stepUp, requestId, interactionId, at } = trail
  if (refusal.error === 'temporarily_unavailable') trail.category = 'unavailable'
  return challengeOf(refusal, {
    requestId,
    offered,
    used: presentation !== undefined ? usedSchemes(presentation) : usedAtGateway ? [usedAtGateway] : [],
    algs: proofAlgs,
    resourceMetadataUrl,
    common: interactionHeaders(interactionId, at),
    nonce: refusal.error === 'use_dpop_nonce' ? nonces.current(at) : undefined,
    scopes: route.scopes,
    acrValues: stepUp === undefined ? route.acrValues : (stepUp.acrValues ?? []),
    maxAgeSeconds: stepUp === undefined ? route.maxAgeSeconds : wholeSeconds(stepUp.maxAgeSeconds),
    isSignatureDue: trail.category === 'signature',
    explain,
  })
}

/** A domain's `maxAgeSeconds` as a challenge can carry it. */
function wholeSeconds(value: number | undefined): number | undefined {
  return value === undefined || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)
    ? undefined
    : Math.floor(value)
}

/** Rules that only an attack or a broken client runs into. */
const alerting: ReadonlySet<string> = new Set([
  'replay.proof',
  'dpop.binding',
  'cnf.jkt',
  'cnf.x5t',
  'bearer.dpop-downgrade',
  'access-token.signature',
  'access-token.typ',
  'access-token.tenant',
  'http-signature.signature',
  'http-signature.replay',
  'content-digest.match',
  'evidence.peer',
  'evidence.signature',
  'evidence.replay',
])

function eventOf<Native>(
  judged: Outcome<VerifiedToken>,
  answer: Verified | Challenge,
  request: ApiRequest<Native>,
  route: RouteSettings<Native>,
  { issuer, audience }: Settings,
  { at, requestId, interactionId, path, category, facts, sender, signedBy, policyVersion }: Trail,
): AccessEvent {
  const refusal = judged.ok ? undefined : judged
  return {
    event: 'api.access',
    at,
    outcome: refusal === undefined ? 'accepted' : alerting.has(refusal.ruleId) ? 'alert' : 'refused',
    requestId,
    interactionId,
    issuer,
    audience,
    method: request.method,
    path,
    action: route.action,
    tenant: facts?.tenant,
    clientId: facts?.clientId,
    subject: facts?.subject,
    scopes: facts?.scopes ?? [],
    requiredScopes: route.scopes,
    acr: facts?.acr,
    authTime: facts?.authTime,
    tokenForm: facts?.form,
    tokenId: facts?.jti,
    tokenExpiresAt: facts?.expiresAt,
    txn: typeof facts?.claims.txn === 'string' ? facts.claims.txn : undefined,
    constraint: sender === undefined ? undefined : constraintOf(sender),
    jkt: sender?.binding.jkt,
    x5tS256: sender?.binding.x5tS256,
    signedBy,
    policyVersion,
    category: refusal === undefined ? undefined : category,
    status: answer.ok ? 200 : answer.status,
    ruleId: refusal?.ruleId,
    clauses: refusal?.clauses ?? [],
    error: refusal?.error,
    reason: refusal?.reason,
  }
}

function constraintOf({ binding: { jkt, x5tS256 } }: ProvenSender): AccessEvent['constraint'] {
  if (jkt !== undefined) return x5tS256 === undefined ? 'dpop' : 'dpop+mtls'
  return x5tS256 === undefined ? 'none' : 'mtls'
}
