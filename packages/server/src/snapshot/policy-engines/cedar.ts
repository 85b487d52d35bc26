import {
  askedEngines,
  compileStoredPolicies,
  decideToken,
  ignoresPassing,
  readsContext,
} from '@holdfast/policy'
import { checked, wrong } from '../../control/problem.ts'
import type { PolicyEngine } from './engine.ts'

/** Policies in Cedar, evaluated here. */
export const cedar: PolicyEngine = {
  name: 'cedar',
  compile: (document, policies) => {
    const compiled = compileStoredPolicies(policies)
    if (compiled.ok)
      return checked({
        decide: question => decideToken(compiled.value, question),
        asks: askedEngines(compiled.value),
        readsRisk: readsContext(compiled.value, 'risk'),
        readsAttributesAtAuthorize: readsContext(compiled.value, 'attributes', 'authorize'),
        ignoresPassing: ignoresPassing(compiled.value),
      })
    return wrong(...compiled.problems.map(({ place, message }) => ({ document, field: place, message })))
  },
}
