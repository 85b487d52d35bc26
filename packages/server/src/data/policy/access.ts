import type { AccessAnswer, AccessQuestion } from '@holdfast/policy'
import type { EpochSeconds } from '@holdfast/protocol'
import type { SecurityProfile } from '@holdfast/protocol/profile.ts'
import type { Call } from '@holdfast/protocol/specs/authzen/call-rules.ts'
import type { Evaluation } from '@holdfast/protocol/specs/authzen/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { type Answered, type Asking, askPolicies, recordsOf } from './ask.ts'
import { askingClient } from './parties.ts'
import { acrsFor, refusalOf } from './refusals.ts'

/** A call with a token, as the gateway or API that verified it tells of it. */
export interface AccessInput {
  readonly evaluation: Evaluation
  readonly call: Call
  /** Of the token. */
  readonly client: Client
  /** That applies to all the token is for. */
  readonly profile: SecurityProfile
  /** Client of the gateway or API that asks. */
  readonly askedBy: string
  readonly now: EpochSeconds
}

export interface JudgedAccess {
  readonly answer: AccessAnswer
  /** For the commit before the answer is told. */
  readonly writes: readonly Write[]
}

/** Moment 3: may this call be made, now? */
export async function judgeAccess(
  input: AccessInput,
  exchange: Exchange,
  asking: Asking,
): Promise<JudgedAccess> {
  const { issuer } = exchange
  const question = questionOf(input, issuer)
  const answered = await askPolicies(question, exchange, asking)
  const answer = answerTo(answered, question, issuer)
  const { txn } = input.call
  const { subject } = question.user
  const context = { ...(txn !== undefined && { txn }), ...(subject !== undefined && { subject }) }
  const facts: AuditRecord['facts'] = { asked_by: input.askedBy }
  return { answer, writes: recordsOf(answered, answer.decision, context, exchange, facts) }
}

function questionOf(
  { evaluation, call, client, profile, now }: AccessInput,
  issuer: IssuerSnapshot,
): AccessQuestion {
  const { clientId, audience, scopes, details, binding, acr, amr, authTime } = call
  const { subject, action, resource } = evaluation
  const detailsTypes = [...new Set(details.map(({ type }) => type))]
  const { environment } = issuer
  return {
    moment: 'access',
    client: askingClient(client, issuer),
    asked: { environment, time: now, tier: profile.name, scopes, resources: audience, detailsTypes },
    user: {
      // The subject of a token that nobody stands behind is its client (RFC 9068 section 2.2).
      ...{ subject: subject.id === clientId ? undefined : subject.id, sid: undefined, acr, amr },
      authAgeSeconds: authTime === undefined ? undefined : Math.max(0, now - authTime),
    },
    ...{ binding, operation: action.name, object: { type: resource.type, id: resource.id } },
  }
}

/** Nobody has to understand an obligation to be safe: what is not met yet is a deny that says how to meet it. */
function answerTo(
  answered: Answered,
  { user }: AccessQuestion,
  { authenticationLevels }: IssuerSnapshot,
): AccessAnswer {
  const { decision, policies } = answered
  const { determining, obligations } = decision
  const context = {
    policy_version: policies.version,
    ...(determining.length > 0 && { determining_policies: determining }),
  }
  const refusal = refusalOf(answered, user.acr, authenticationLevels)
  if (refusal === undefined) return { decision: true, context }
  switch (refusal.ruleId) {
    case 'policy.failed':
      return { decision: false, context: { ...context, error: { status: 500, message: 'a policy failed' } } }
    case 'policy.step-up': {
      // Where no user is, nobody can authenticate better.
      const acrs = user.subject === undefined ? undefined : acrsFor(answered, user.acr, authenticationLevels)
      return { decision: false, context: { ...context, ...(acrs && { acr_values: acrs }) } }
    }
    case 'policy.approval':
      return { decision: false, context: { ...context, approval_required: obligations.requireApproval } }
    default:
      return { decision: false, context }
  }
}
