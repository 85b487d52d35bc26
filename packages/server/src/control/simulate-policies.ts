import {
  compileTokenPolicies,
  decideToken,
  type Facts,
  type PolicySet,
  questionOfRecord,
  textsOfObligations,
} from '@holdfast/policy'
import type { ChainedAuditRecord } from '../store/records.ts'
import type { SimulatedChange, SimulatedPolicies, SimulatePoliciesRequest } from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { issuersNamed } from './issuers-named.ts'
import { type Checked, checked, wrong } from './problem.ts'
import { readAudit } from './read-audit.ts'

/** Kinds of changes that are told one by one; all are counted. */
const changesMax = 100

/**
 * Asks a draft every question that the audit holds a decision of, and tells where it would have decided otherwise.
 * Nothing is changed or recorded.
 */
export async function simulatePolicies(
  { policies, issuer, days }: SimulatePoliciesRequest,
  { store, clock, issuers }: ControlPorts,
): Promise<Checked<SimulatedPolicies>> {
  const [binding, ...more] = issuersNamed(issuer, issuers)
  if (binding === undefined || more.length > 0) {
    const names = issuers.map(({ name }) => name).join(', ')
    return wrong({ document: 'PolicySet', field: 'issuer', message: `name one of ${names}` })
  }
  const set = compileTokenPolicies(policies)
  if (!set.ok)
    return wrong(
      ...set.problems.map(({ place, message }) => ({ document: 'PolicySet', field: place, message })),
    )
  const since = clock.now() - days * 86_400
  const seen: Seen = { asked: 0, same: 0, remote: 0, unsure: 0, changes: new Map(), untold: 0 }
  await readAudit(store, record => {
    if (record.issuer === binding.url && record.at >= since) replay(record, set.value, seen)
  })
  const { asked, same, remote, unsure, changes, untold } = seen
  const told = [...changes.values()].toSorted((left, right) => right.count - left.count)
  return checked({ asked, same, remote, unsure, changes: told, untold })
}

interface Seen {
  asked: number
  same: number
  remote: number
  unsure: number
  readonly changes: Map<string, SimulatedChange>
  untold: number
}

function replay(record: ChainedAuditRecord, set: PolicySet, seen: Seen): void {
  const question = questionOfRecord(record)
  if (question === undefined) return
  seen.asked++
  if (record.facts.remote !== undefined) seen.remote++
  const before = effectOf(record.facts)
  const decision = decideToken(set, question)
  const after = [decision.decision, ...textsOfObligations(decision.obligations)]
  if (before.join('\n') === after.join('\n')) {
    seen.same++
    return
  }
  // What the sources told then, the audit does not keep: whether it is another decision cannot be known.
  if (record.facts.attributes !== undefined) {
    seen.unsure++
    return
  }
  const { clientId = '', requestId, facts } = record
  const { moment } = question
  const grantType = typeof facts.grant_type === 'string' ? facts.grant_type : ''
  const key = [moment, clientId, grantType, ...before, '', ...after].join('\n')
  const known = seen.changes.get(key)
  if (known === undefined && seen.changes.size >= changesMax) {
    seen.untold++
    return
  }
  const { determining, errors } = decision
  const failed = errors.map(({ place, message }) => `${place}: ${message}`)
  const change = { moment, clientId, grantType, before, after, determining, failed, reference: requestId }
  seen.changes.set(key, { ...change, count: (known?.count ?? 0) + 1 })
}

/**
 * What the policies decided then, and what they obliged to. An engine is not asked again: where one was, it is the
 * policies alone, which had permitted.
 */
function effectOf({ decision, obligations, remote, local_obligations: local }: Facts): readonly string[] {
  const texts = (list: Facts[string] | undefined): readonly string[] =>
    Array.isArray(list) ? (list as readonly string[]) : []
  if (remote !== undefined) return ['permit', ...texts(local)]
  return [typeof decision === 'string' ? decision : '', ...texts(obligations)]
}
