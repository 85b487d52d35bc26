import type { CompiledPolicy } from './cedar/evaluate.ts'

/** What must happen for a permit to hold, or would turn a deny into one. Written as annotations of the policies. */
export interface Obligations {
  /** `@step_up("urn:…")`: the user authenticates with one of these `acr` values first. One list per policy. */
  readonly stepUp: readonly (readonly string[])[]
  /** `@max_lifetime("300")`: seconds the token may live; the smallest wins. */
  readonly maxLifetimeSeconds: number | undefined
  /** `@drop_scope("payments:write")`: scopes that must not be in the token. */
  readonly dropScopes: readonly string[]
  /** `@drop_details("payment_initiation")`: types of authorization details that must not be in the token. */
  readonly dropDetails: readonly string[]
  /** `@require_approval("treasury")`: groups each of which has to approve. */
  readonly requireApproval: readonly string[]
  /** `@add_claim("risk=low")`: claims for the token. */
  readonly addClaims: Readonly<Record<string, string>>
  /** `@ask("fraud")`: remote engines each of which has to permit as well. Only the server has any. */
  readonly ask: readonly string[]
}

export const noObligations: Obligations = Object.freeze({
  stepUp: Object.freeze([]),
  maxLifetimeSeconds: undefined,
  dropScopes: Object.freeze([]),
  dropDetails: Object.freeze([]),
  requireApproval: Object.freeze([]),
  addClaims: Object.freeze({}),
  ask: Object.freeze([]),
})

/** Annotations that only describe. */
const descriptive: ReadonlySet<string> = new Set(['id', 'title', 'description', 'owner'])

/** Obligations that change a token, or ask on: on a forbid they would do nothing. */
const forPermits: ReadonlySet<string> = new Set([
  ...['max_lifetime', 'drop_scope', 'drop_details', 'add_claim'],
  'ask',
])

const known = [
  'step_up',
  'max_lifetime',
  'drop_scope',
  'drop_details',
  'require_approval',
  'add_claim',
  'ask',
] as const

const tokenPattern = /^[\x21\x23-\x5B\x5D-\x7E]+$/
const claimPattern = /^([A-Za-z][A-Za-z0-9_:./-]{0,127})=([\x20-\x7E]{1,256})$/

/** Claims by which a token is bound, addressed or told apart: never a policy's to write. */
const reservedClaims: ReadonlySet<string> = new Set(
  (
    'iss sub aud exp nbf iat jti cnf act may_act scope client_id azp nonce sid acr amr auth_time at_hash c_hash ' +
    's_hash token_use typ events txn authorization_details active token_type status tenant_id'
  ).split(' '),
)

/** `@max_lifetime`: a year. */
export const lifetimeSecondsMax = 31_536_000

/** Of a remote engine. */
export const engineNamePattern: RegExp = /^[a-z][a-z0-9-]{0,31}$/

/** @returns what is wrong with a policy's annotations, one sentence each */
export function annotationProblems({ effect, annotations }: CompiledPolicy): readonly string[] {
  return [...annotations].flatMap(([name, value]) => {
    if (descriptive.has(name)) return []
    if (!known.some(candidate => candidate === name)) {
      return [`unknown annotation \`@${name}\`: known are @${[...descriptive, ...known].join(', @')}`]
    }
    if (effect === 'forbid' && forPermits.has(name)) return [`\`@${name}\` does nothing on a forbid`]
    return isWellFormed(name, value) ? [] : [`\`@${name}\` has a value it cannot have`]
  })
}

function isWellFormed(name: string, value: string): boolean {
  switch (name) {
    case 'max_lifetime':
      return /^[1-9][0-9]{0,8}$/.test(value) && Number(value) <= lifetimeSecondsMax
    case 'add_claim': {
      const [, claim = '', said = ''] = claimPattern.exec(value) ?? []
      return isPolicyClaim(claim, said)
    }
    case 'ask':
      return words(value).length > 0 && words(value).every(word => engineNamePattern.test(word))
    default:
      return words(value).length > 0 && words(value).every(word => tokenPattern.test(word))
  }
}

/** Whether a policy, here or elsewhere, may have a token say so. */
export function isPolicyClaim(name: string, value: unknown): value is string {
  return typeof value === 'string' && claimPattern.test(`${name}=${value}`) && isClaimName(name)
}

/** A claim that neither binds nor addresses a token. */
export function isClaimName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_:./-]{0,127}$/.test(name) && !reservedClaims.has(name)
}

const words = (text: string): readonly string[] => text.split(' ').filter(word => word !== '')

/**
 * The obligations of the policies that made a decision, taken together: the strictest of each.
 * @returns undefined when they contradict each other, which a decision treats as an error
 */
export function obligationsOf(policies: readonly CompiledPolicy[]): Obligations | undefined {
  const valuesOf = (name: (typeof known)[number]): readonly string[] =>
    policies.flatMap(({ annotations }) => annotations.get(name) ?? [])
  const claims = new Map<string, string>()
  for (const text of valuesOf('add_claim')) {
    const [, name = '', value = ''] = claimPattern.exec(text) ?? []
    if ((claims.get(name) ?? value) !== value) return undefined
    claims.set(name, value)
  }
  const lifetimes = valuesOf('max_lifetime').map(Number)
  return freeze({
    stepUp: [...new Set(valuesOf('step_up'))].map(text => freeze([...words(text)])),
    maxLifetimeSeconds: lifetimes.length === 0 ? undefined : Math.min(...lifetimes),
    dropScopes: distinct(valuesOf('drop_scope')),
    dropDetails: distinct(valuesOf('drop_details')),
    requireApproval: distinct(valuesOf('require_approval')),
    addClaims: freeze(Object.fromEntries(claims)),
    ask: distinct(valuesOf('ask')),
  })
}

/** Remote engines that any of these policies asks. */
export function enginesOf(policies: readonly CompiledPolicy[]): readonly string[] {
  return distinct(policies.flatMap(({ annotations }) => annotations.get('ask') ?? []))
}

const distinct = (texts: readonly string[]): readonly string[] => freeze([...new Set(texts.flatMap(words))])
const freeze = <Item>(item: Item): Readonly<Item> => Object.freeze(item)

/** On a deny only these mean something: the way to be asked again. */
export function isWayOut({ annotations }: CompiledPolicy): boolean {
  return annotations.has('step_up') || annotations.has('require_approval')
}
