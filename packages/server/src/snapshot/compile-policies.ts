import { createHash } from 'node:crypto'
import { shippedPolicies } from '@holdfast/policy'
import { canonicalJson, type DocumentOf } from '../control/document.ts'
import type { Checked, Problem } from '../control/problem.ts'
import type { PolicyContent } from '../control/resources/policy-set.ts'
import type { CompiledPolicies } from './policy-engines/engine.ts'
import { policyEngines } from './policy-engines/index.ts'
import type { ActivePolicies, Policies } from './snapshot.ts'

/** Name of the policies that an issuer has as long as it made none of its own active. */
export const shippedName = 'shipped'

/** Hash of policies and tests, letter for letter: what an approval is bound to. */
export function versionOfPolicies({ policies, tests }: PolicyContent): string {
  return createHash('sha256').update(canonicalJson({ policies, tests })).digest('base64url')
}

/** Compiled sets are as many as are active or beside the active one; beyond this we compile again. */
const rememberedMax = 64
const remembered = new Map<string, Checked<CompiledPolicies>>()

function compiledOnce(
  document: string,
  version: string,
  policies: PolicyContent['policies'],
): Checked<CompiledPolicies> {
  const known = remembered.get(version)
  if (known !== undefined) return known
  const compiled = policyEngines[0].compile(document, policies)
  if (remembered.size >= rememberedMax) remembered.clear()
  remembered.set(version, compiled)
  return compiled
}

/**
 * The policies an issuer decides by. Only the active version and the one in its shadow are compiled: a draft that is
 * wrong stops nobody. An active version that does not compile is a revision that is not served.
 */
export function compilePolicies(
  documents: readonly DocumentOf<'PolicySet'>[],
  /** Remote engines of the configuration, by name. */
  engines: readonly string[],
  problems: Problem[],
): ActivePolicies {
  const [active, ...more] = documents.filter(({ spec }) => spec.state === 'active')
  const [shadow, ...others] = documents.filter(({ spec }) => spec.shadow)
  for (const { name } of more) problems.push(second(name, 'spec.state', `\`${active?.name}\` is active, too`))
  for (const { name } of others)
    problems.push(second(name, 'spec.shadow', `\`${shadow?.name}\` is in the shadow, too`))
  const running = active === undefined ? shipped() : policiesOf(active, engines, problems)
  if (shadow === undefined) return running
  return { ...running, shadow: policiesOf(shadow, engines, problems) }
}

const second = (name: string, field: string, message: string): Problem => ({
  document: `PolicySet/${name}`,
  field,
  message,
})

/** What an issuer decides by before it has policies of its own. */
export function shipped(): Policies {
  const version = versionOfPolicies({ policies: shippedPolicies, tests: {} })
  const compiled = compiledOnce(shippedName, version, shippedPolicies)
  if (!compiled.ok) throw new TypeError('the shipped policies do not compile')
  const { asks: _none, ...ready } = compiled.value
  return { name: shippedName, version, ...ready }
}

function policiesOf(
  { name, spec }: DocumentOf<'PolicySet'>,
  engines: readonly string[],
  problems: Problem[],
): Policies {
  const document = `PolicySet/${name}`
  const version = versionOfPolicies(spec)
  if (!name.endsWith(`.${version}`))
    problems.push({
      document,
      field: 'metadata.name',
      message: `does not end in its content, \`${version}\``,
    })
  const compiled = compiledOnce(document, version, spec.policies)
  if (!compiled.ok) {
    problems.push(...compiled.problems.map(problem => ({ ...problem, document })))
    return shipped()
  }
  const { asks, ...ready } = compiled.value
  for (const engine of asks)
    if (!engines.includes(engine))
      problems.push({
        document,
        field: 'spec.policies',
        message: `\`@ask("${engine}")\` names no engine of \`remoteEngines\` in the configuration`,
      })
  return { name, version, ...ready }
}
