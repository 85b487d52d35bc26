import type { EngineKind } from './kind.ts'

/** Any decision point of AuthZEN 1.0, by its evaluation endpoint. */
export const authzen: EngineKind = {
  kind: 'authzen',
  question: evaluation => evaluation,
  answer: body => body,
}
