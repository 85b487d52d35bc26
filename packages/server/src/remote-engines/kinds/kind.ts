import type { JsonObject, JsonValue } from '@holdfast/protocol/wire/json.ts'

/** A slot: what an engine speaks. Both ways are JSON over one POST. */
export interface EngineKind {
  readonly kind: string
  /** @param evaluation of AuthZEN, which every engine is asked */
  readonly question: (evaluation: object) => object
  /** The answer as one of AuthZEN. */
  readonly answer: (body: JsonObject) => JsonValue | undefined
}
