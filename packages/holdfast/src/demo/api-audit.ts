import type { AccessEvent } from '@holdfast/resource-server'
import type { AuditRecord } from '@holdfast/server/store/records.ts'

/** A decision of the demo API as an audit record, so that its reference ids can be explained like all others. */
export function recordOfAccess(event: AccessEvent): AuditRecord {
  const { at, issuer, outcome, requestId, txn, clientId, subject, ruleId, clauses, error, reason } = event
  const { audience, method, path, status, scopes, action, constraint, category, interactionId } = event
  return {
    at,
    issuer,
    event: event.event,
    outcome,
    requestId,
    ...(txn !== undefined && { txn }),
    ...(clientId !== undefined && { clientId }),
    ...(subject !== undefined && { subject }),
    ...(ruleId !== undefined && { ruleId, clauses }),
    ...(error !== undefined && { error }),
    ...(reason !== undefined && { reason }),
    facts: {
      ...{ audience, method, path, status, scopes },
      ...(action !== undefined && { action }),
      ...(interactionId !== undefined && { interaction_id: interactionId }),
      ...(constraint !== undefined && { constraint }),
      ...(category !== undefined && { category }),
    },
  }
}
