import { cedar } from './cedar.ts'
import type { PolicyEngine } from './engine.ts'

/** The slot: an engine is one file and one line here. The first reads documents of kind `PolicySet`. */
export const policyEngines: readonly [PolicyEngine, ...PolicyEngine[]] = [cedar]
