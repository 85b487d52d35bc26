import { DataProblem, entityUidAt, newBudget, objectAt, onlyMembers, recordAt } from './cedar/json.ts'
import type { CedarRecord, EntityUid } from './cedar/value.ts'

/** May this principal do this to that, now? Made by `parseQuestion`. */
export interface Question {
  readonly principal: EntityUid
  readonly action: EntityUid
  readonly resource: EntityUid
  readonly context: CedarRecord
}

/** Read, or what keeps it from being read. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface Problem {
  /** A file, a policy's id or a JSON path. */
  readonly place: string
  readonly message: string
}

/**
 * Reads a question in Cedar's JSON format:
 * `{ "principal": { "type": "User", "id": "ada" }, "action": …, "resource": …, "context": { … } }`.
 */
export function parseQuestion(json: unknown): Parsed<Question> {
  return reading(() => {
    const object = objectAt(json, '$')
    onlyMembers(object, ['principal', 'action', 'resource', 'context'], '$')
    return {
      principal: entityUidAt(object.principal, '$.principal'),
      action: entityUidAt(object.action, '$.action'),
      resource: entityUidAt(object.resource, '$.resource'),
      context: recordAt(objectAt(object.context ?? {}, '$.context'), '$.context', newBudget()),
    }
  })
}

/** Runs a reader, and turns what it refuses into a value. */
export function reading<Value>(read: () => Value): Parsed<Value> {
  try {
    return { ok: true, value: read() }
  } catch (thrown) {
    if (!(thrown instanceof DataProblem)) throw thrown
    return { ok: false, problems: [{ place: thrown.place, message: thrown.message }] }
  }
}
