import { shippedPolicies } from '@holdfast/policy'
import { policyEngines } from '../../snapshot/policy-engines/index.ts'
import type { ActivePolicies, Policies } from '../../snapshot/snapshot.ts'

/** The shipped policies and these. @throws TypeError when they do not compile */
export function policiesWith(text: string, shadow?: string): ActivePolicies {
  const active = compiled('active', text)
  return shadow === undefined ? active : { ...active, shadow: compiled('shadow', shadow) }
}

function compiled(name: string, text: string): Policies {
  const set = policyEngines[0].compile(name, { ...shippedPolicies, 'own.cedar': text })
  if (!set.ok) throw new TypeError(JSON.stringify(set.problems))
  return { name, version: `version-of-${name}`, ...set.value }
}

/** Policies of an engine that answers so. */
export function policiesOf(decide: Policies['decide']): ActivePolicies {
  return {
    name: 'broken',
    version: 'version-of-broken',
    decide,
    readsRisk: false,
    readsAttributesAtAuthorize: false,
    ignoresPassing: () => false,
  }
}
