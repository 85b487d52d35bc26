import { authzen } from './authzen.ts'
import type { EngineKind } from './kind.ts'
import { opa } from './opa.ts'

/** The slot: an engine that speaks otherwise is one file and one line here. */
export const engineKinds = { authzen, opa } as const satisfies Readonly<Record<string, EngineKind>>

export type EngineKindName = keyof typeof engineKinds
