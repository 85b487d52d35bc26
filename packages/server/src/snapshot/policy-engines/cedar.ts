import { askedEngines, compileTokenPolicies, decideToken, readsOfContext } from '@holdfast/policy'
import { checked, wrong } from '../../control/problem.ts'
import type { PolicyEngine } from './engine.ts'

/** Policies in Cedar, evaluated here. */
export const cedar: PolicyEngine = {
  name: 'cedar',
  compile: (document, policies) => {
    const compiled = compileTokenPolicies(policies)
    if (compiled.ok)
      return checked({
        decide: question => decideToken(compiled.value, question),
        asks: askedEngines(compiled.value),
        readsRisk: readsOfContext(compiled.value.contextReads, 'risk'),
        readsTime: readsOfContext(compiled.value.contextReads, 'asked'),
      })
    return wrong(...compiled.problems.map(({ place, message }) => ({ document, field: place, message })))
  },
}
