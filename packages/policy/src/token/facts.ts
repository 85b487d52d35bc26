import type { Decision } from '../decision.ts'
import type { Obligations } from '../obligations.ts'
import type {
  AskedAccess,
  AskingClient,
  AuthorizeQuestion,
  MintQuestion,
  StatedRisk,
  TokenQuestion,
} from './question.ts'

/** Flat, as records of an audit are. */
export type Facts = Readonly<Record<string, Fact>>
type Fact = string | number | boolean | readonly string[]

/** What a record of the question names anyway. */
export interface RecordedAbout {
  readonly event: string
  readonly at: number
  readonly clientId?: string
  readonly subject?: string
  readonly facts: Facts
}

/** Event of the record of one decision. */
export const policyEvents = {
  authorize: 'policy.authorize',
  mint: 'policy.mint',
  register: 'policy.register',
  access: 'policy.access',
} as const satisfies Record<TokenQuestion['moment'], string>

/**
 * The question as facts: enough to ask it again, and nothing that stands in the record anyway (client, subject, time).
 * No token or code is part of a question; of attributes only the names are told, so where there were some it cannot be
 * asked again in full.
 */
export function factsOfQuestion(question: TokenQuestion): Facts {
  const facts: Record<string, Fact> = {}
  const all = { ...lastingFactsOf(question), ...passingFactsOf(question) }
  for (const name of Object.keys(all)) {
    const fact = all[name]
    if (fact !== undefined) facts[name] = fact
  }
  return facts
}

/** Of the facts those that are each flow's own. */
export function passingFactsOf(question: TokenQuestion): Facts {
  if (question.moment === 'register') return {}
  const { sid, authAgeSeconds } = question.user
  return {
    ...(sid !== undefined && { sid }),
    ...(authAgeSeconds !== undefined && { auth_age: authAgeSeconds }),
  }
}

/** Of the facts those that many questions have in common: at each moment the same names, in the same order. */
export function lastingFactsOf(question: TokenQuestion): Readonly<Record<string, Fact | undefined>> {
  switch (question.moment) {
    case 'authorize':
    case 'mint':
      return factsBeforeToken(question)
    case 'register': {
      const { grantTypes, redirectHosts, hasSoftwareStatement, initialToken, isUpdate } = question
      return {
        ...factsOfAll(question),
        ...{ grant_types: grantTypes, redirect_hosts: redirectHosts },
        ...{ has_software_statement: hasSoftwareStatement, initial_access_token: initialToken },
        is_update: isUpdate,
      }
    }
    case 'access': {
      const { user, binding, operation, object } = question
      return {
        ...{ ...factsOfAll(question), has_user: user.subject !== undefined, acr: user.acr, amr: user.amr },
        ...{ constraint: binding, operation, object_type: object.type, object_id: object.id },
      }
    }
    default:
      return question satisfies never
  }
}

function factsOfAll({ client, asked }: TokenQuestion) {
  return {
    is_public: client.isPublic,
    is_self_registered: client.isSelfRegistered,
    auth_method: client.authMethod,
    client_profile: client.profile,
    environment: asked.environment,
    tier: asked.tier,
    scopes: asked.scopes,
    resources: asked.resources,
    details_types: asked.detailsTypes,
  }
}

/** In one piece: it is written down for each token. */
function factsBeforeToken(question: AuthorizeQuestion | MintQuestion) {
  const { approvedBy = [], grantType, user, attributes, risk } = question
  const mint = question.moment === 'mint' ? question : undefined
  return {
    ...factsOfAll(question),
    approved_by: approvedBy.length === 0 ? undefined : approvedBy,
    grant_type: grantType,
    has_user: mint && user.subject !== undefined,
    acr: user.acr,
    amr: user.amr,
    constraint: mint?.binding,
    lifetime: mint?.lifetimeSeconds,
    // Names only: what they say about a person is not the audit's to keep.
    attributes: attributes && Object.keys(attributes).toSorted(),
    risk_score: risk?.score,
    // Each signal with its weight: the score can be added up again. Nothing that they were judged by.
    risk_signals: risk?.signals.map(({ name, weight }) => `${name}=${weight}`),
    risk_unknown: risk?.unknown,
  }
}

function riskOfFacts({
  risk_score: score,
  risk_signals: signals,
  risk_unknown: unknown,
}: Facts): StatedRisk | undefined {
  if (typeof score !== 'number' || !Array.isArray(signals) || !Array.isArray(unknown)) return undefined
  return {
    score,
    signals: signals.map(signal => {
      const end = signal.lastIndexOf('=')
      return { name: signal.slice(0, end), weight: Number(signal.slice(end + 1)) }
    }),
    unknown,
  }
}

/** The question of a record, to be asked again; undefined when the record is of something else. */
export function questionOfRecord({
  event,
  at,
  clientId,
  subject,
  facts,
}: RecordedAbout): TokenQuestion | undefined {
  const text = (name: string): string => (typeof facts[name] === 'string' ? facts[name] : '')
  const list = (name: string): readonly string[] => (Array.isArray(facts[name]) ? facts[name] : [])
  const number = (name: string): number | undefined =>
    typeof facts[name] === 'number' ? facts[name] : undefined
  const some = (name: string): string | undefined =>
    typeof facts[name] === 'string' ? facts[name] : undefined
  if (clientId === undefined) return undefined
  const client: AskingClient = {
    ...{ clientId, isPublic: facts.is_public === true, isSelfRegistered: facts.is_self_registered === true },
    ...{ authMethod: text('auth_method'), profile: text('client_profile') },
  }
  const asked: AskedAccess = {
    ...{ environment: text('environment'), time: at, tier: text('tier') },
    ...{ scopes: list('scopes'), resources: list('resources'), detailsTypes: list('details_types') },
  }
  const user = {
    ...{ sid: some('sid'), acr: some('acr'), amr: list('amr'), authAgeSeconds: number('auth_age') },
  }
  const grantType = text('grant_type')
  const approved = facts.approved_by === undefined ? {} : { approvedBy: list('approved_by') }
  switch (event) {
    case policyEvents.authorize:
      return subject === undefined
        ? undefined
        : {
            ...{ moment: 'authorize', client, asked, ...approved, grantType, user: { ...user, subject } },
            risk: riskOfFacts(facts),
          }
    case policyEvents.mint:
      return {
        ...{ moment: 'mint', client, asked, ...approved, grantType },
        user: { ...user, subject: facts.has_user === true ? subject : undefined },
        ...{ binding: text('constraint'), lifetimeSeconds: number('lifetime') ?? 0 },
        risk: riskOfFacts(facts),
      }
    case policyEvents.register:
      return {
        ...{ moment: 'register', client, asked },
        ...{ grantTypes: list('grant_types'), redirectHosts: list('redirect_hosts') },
        hasSoftwareStatement: facts.has_software_statement === true,
        ...{ initialToken: text('initial_access_token'), isUpdate: facts.is_update === true },
      }
    case policyEvents.access:
      return {
        ...{ moment: 'access', client, asked, binding: text('constraint'), operation: text('operation') },
        user: { ...user, subject: facts.has_user === true ? subject : undefined },
        object: { type: text('object_type'), id: text('object_id') },
      }
    default:
      return undefined
  }
}

/** A decision as facts: what it was, by which policies, and what it obliges to. */
export function factsOfDecision({ decision, determining, errors, obligations }: Decision): Facts {
  return {
    decision,
    determining,
    obligations: textsOfObligations(obligations),
    ...(errors.length > 0 && { failed: errors.map(({ place }) => place) }),
  }
}

/** Each obligation as its annotation would say it, in one order: equal texts, equal obligations. */
export function textsOfObligations({
  stepUp,
  maxLifetimeSeconds,
  dropScopes,
  dropDetails,
  requireApproval,
  approvalSeconds,
  isApprovalReusable,
  rememberConsentSeconds,
  addClaims,
  ask,
}: Obligations): readonly string[] {
  return [
    ...stepUp.map(acrs => `step_up=${acrs.join(' ')}`),
    ...(maxLifetimeSeconds === undefined ? [] : [`max_lifetime=${maxLifetimeSeconds}`]),
    ...dropScopes.map(scope => `drop_scope=${scope}`),
    ...dropDetails.map(type => `drop_details=${type}`),
    ...requireApproval.map(group => `require_approval=${group}`),
    ...(approvalSeconds === undefined
      ? []
      : [`${isApprovalReusable ? 'approval_for' : 'approval_within'}=${approvalSeconds}`]),
    ...(rememberConsentSeconds === undefined ? [] : [`remember_consent=${rememberConsentSeconds}`]),
    ...Object.entries(addClaims).map(([name, value]) => `add_claim=${name}=${value}`),
    ...ask.map(engine => `ask=${engine}`),
  ].toSorted()
}
