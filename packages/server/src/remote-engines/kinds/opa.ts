import type { EngineKind } from './kind.ts'

/**
 * Open Policy Agent by its Data API, `POST /v1/data/<path>`: the document is `true` or `false`, or an AuthZEN answer. A
 * document that is not there is `false`.
 */
export const opa: EngineKind = {
  kind: 'opa',
  question: evaluation => ({ input: evaluation }),
  answer: ({ result = false }) => (typeof result === 'boolean' ? { decision: result } : result),
}
