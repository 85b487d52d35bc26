import { typeOf, type Value } from './value.ts'

export type EvaluationErrorCode = 'type' | 'overflow' | 'entity' | 'attribute' | 'tag' | 'extension'

/**
 * Why a policy could not be evaluated. Thrown inside the evaluator only, caught once per policy; not an `Error`,
 * because collecting a stack would cost more than the evaluation it ends.
 */
export class EvaluationError {
  readonly code: EvaluationErrorCode
  readonly message: string

  constructor(code: EvaluationErrorCode, message: string) {
    this.code = code
    this.message = message
  }
}

export function wrongType(expected: string, found: Value): EvaluationError {
  return new EvaluationError('type', `type error: expected ${expected}, got ${typeOf(found)}`)
}
