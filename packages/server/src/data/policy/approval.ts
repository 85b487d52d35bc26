import {
  type AuthorizeQuestion,
  approvalSecondsDefault,
  isBeforeToken,
  type MintQuestion,
} from '@holdfast/policy'
import type { EpochSeconds } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { ApprovalContent, ApprovalRecord } from '../../store/approval-records.ts'
import type { FoundApproval } from '../../store/store.ts'
import type { Write } from '../../store/writes.ts'
import {
  approvalFacts,
  approvalKey,
  approvalLimits,
  approvalName,
  newApproval,
  standingOf,
} from '../approvals/approval.ts'
import { auditAccepted } from '../audit-of.ts'
import { type Answered, askPolicies } from './ask.ts'
import type { Wanted } from './parties.ts'
import { unmetStepUp } from './refusals.ts'

export type ApprovalPorts = Pick<Ports, 'store' | 'remoteEngines'>

/** What others would approve, and for whom. */
export interface Approving {
  readonly wanted: Pick<Wanted, 'scopes' | 'resources' | 'details'>
  readonly subject: string | undefined
  readonly txn: string
  readonly acr: string | undefined
  readonly now: EpochSeconds
}

/** An approval that is not there. */
export interface MissingApproval {
  readonly standing: 'unasked' | 'waiting' | 'denied'
  /** What is asked of the groups, or was. */
  readonly record: ApprovalRecord
  /** Guard and record of asking; empty when it was asked before. */
  readonly asking: readonly Write[]
}

/** What policies said, with what others approved. */
export interface AnsweredWithApprovals {
  readonly answered: Answered
  readonly missing: MissingApproval | undefined
  /** Guards that what was approved still serves, and the records of its use. */
  readonly uses: readonly Write[]
}

/** One policy forbids until one group approved, another permits only with a second one: more than that is a circle. */
const roundsMax = 3

/**
 * Asks the policies, and again with the approvals they want where those are there. An approval is bound to the whole
 * content; what it serves for is said by the policies of now.
 */
export async function askWithApprovals(
  first: AuthorizeQuestion | MintQuestion,
  about: Approving,
  exchange: Exchange,
  ports: ApprovalPorts,
): Promise<AnsweredWithApprovals> {
  const { issuer } = exchange
  const used: FoundApproval[] = []
  let question = first
  for (let round = 0; ; round++) {
    const answered = await askPolicies(question, exchange, ports)
    const approvedBy = question.approvedBy ?? []
    const content = contentWanted(answered, approvedBy, about, exchange)
    const uses = used.flatMap(one => useOf(one, about, exchange))
    if (content === undefined || round === roundsMax) return { answered, missing: undefined, uses }
    const found = await ports.store.findApproval(approvalKey(issuer.url, approvalName(content)))
    const standing = standingOf(found, about.now)
    if (found === undefined || standing !== 'approved') {
      const record =
        standing === 'unasked' || found === undefined
          ? newApproval(issuer.url, content, about.txn, about.now)
          : found
      const asking = standing === 'unasked' ? askingOf(record, about, exchange) : []
      const missing = { standing: standing === 'approved' ? 'unasked' : standing, record, asking } as const
      return { answered, missing, uses: [] }
    }
    used.push(found)
    question = { ...question, approvedBy: [...new Set([...approvedBy, ...content.groups])].toSorted() }
  }
}

/** What has to be approved now; undefined when nothing, or when something else stands in the way first. */
function contentWanted(
  { question, decision }: Answered,
  approvedBy: readonly string[],
  { wanted, subject, acr }: Approving,
  { issuer }: Exchange,
): ApprovalContent | undefined {
  const { errors, obligations } = decision
  const { stepUp, requireApproval, approvalSeconds, isApprovalReusable } = obligations
  const groups = requireApproval.filter(group => !approvedBy.includes(group))
  if (errors.length > 0 || groups.length === 0) return undefined
  // Nobody can approve a registration, or a call while it waits.
  if (!isBeforeToken(question)) return undefined
  if (unmetStepUp(stepUp, acr, issuer.authenticationLevels).length > 0) return undefined
  return {
    moment: question.moment,
    clientId: question.client.clientId,
    ...(subject !== undefined && { subject }),
    scopes: wanted.scopes.toSorted(),
    resources: wanted.resources.toSorted(),
    authorizationDetails: wanted.details,
    groups: groups.toSorted(),
    seconds: approvalSeconds ?? approvalSecondsDefault,
    isReusable: isApprovalReusable,
  }
}

function askingOf(
  record: ApprovalRecord,
  { txn, subject, now }: Approving,
  exchange: Exchange,
): readonly Write[] {
  const context = { txn, clientId: record.content.clientId, ...(subject !== undefined && { subject }) }
  return [
    { kind: 'ask-approval', record, at: now, ofAskerMax: approvalLimits.ofAskerMax },
    auditAccepted(exchange, now, 'approval.requested', context, {
      ...approvalFacts(record),
      waits_until: record.expiresAt,
    }),
  ]
}

/** In the commit of what it buys: spent, or still there where it serves more than once. */
function useOf(found: FoundApproval, { txn, subject, now }: Approving, exchange: Exchange): readonly Write[] {
  const { key, content, given } = found
  const context = { txn, clientId: content.clientId, ...(subject !== undefined && { subject }) }
  return [
    { kind: content.isReusable ? 'require-approval' : 'spend-approval', key, at: now },
    auditAccepted(exchange, now, 'approval.used', context, {
      ...approvalFacts(found),
      persons: given.map(({ by }) => by),
      requested_txn: found.txn,
    }),
  ]
}
