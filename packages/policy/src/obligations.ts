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
  /**
   * `@approval_within("900")` or `@approval_for("3600")`: seconds in which an approval serves after it was given; the
   * smallest wins. Undefined: nothing was said of it.
   */
  readonly approvalSeconds: number | undefined
  /** `@approval_for` on every policy that wants an approval: one serves again and again, and not once. */
  readonly isApprovalReusable: boolean
  /** `@remember_consent("2592000")`: seconds in which a user need not be asked the same again; 0 is never. The smallest wins. */
  readonly rememberConsentSeconds: number | undefined
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
  approvalSeconds: undefined,
  isApprovalReusable: false,
  rememberConsentSeconds: undefined,
  addClaims: Object.freeze({}),
  ask: Object.freeze([]),
})

/** Annotations that only describe. */
const descriptive: ReadonlySet<string> = new Set(['id', 'title', 'description', 'owner'])

/** Obligations that change a token, or ask on: on a forbid they would do nothing. */
const forPermits: ReadonlySet<string> = new Set([
  ...['max_lifetime', 'drop_scope', 'drop_details', 'add_claim'],
  ...['remember_consent', 'ask'],
])

const known = [
  'step_up',
  'max_lifetime',
  'drop_scope',
  'drop_details',
  'require_approval',
  'approval_within',
  'approval_for',
  'remember_consent',
  'add_claim',
  'ask',
] as const

const tokenPattern = /^[\x21\x23-\x5B\x5D-\x7E]+$/
const claimPattern = /^([A-Za-z][A-Za-z0-9_:./-]{0,127})=([\x20-\x7E]{1,256})$/

/** Claims by which a token is bound, addressed or told apart: never a policy's to write. */
const reservedClaims: ReadonlySet<string> = new Set(
  (
    'iss sub sub_id aud exp nbf iat jti cnf act may_act scope client_id azp nonce sid acr amr auth_time at_hash c_hash ' +
    's_hash token_use typ events txn authorization_details active token_type status tenant_id jws_signing_input'
  ).split(' '),
)

/** `@max_lifetime` and `@remember_consent`: a year. */
export const lifetimeSecondsMax = 31_536_000

/** Of a remote engine. */
export const engineNamePattern: RegExp = /^[a-z][a-z0-9-]{0,31}$/

/** Seconds in which an approval serves where its policy does not say. */
export const approvalSecondsDefault = 900
/** `@approval_within` and `@approval_for`: a week. */
export const approvalSecondsMax = 604_800
/** Groups that one policy may want approvals of. */
const groupsMax = 5

/** @returns what is wrong with a policy's annotations, one sentence each */
export function annotationProblems({ effect, annotations }: CompiledPolicy): readonly string[] {
  return [...annotations].flatMap(([name, value]) => {
    if (descriptive.has(name)) return []
    if (!known.some(candidate => candidate === name)) {
      return [`unknown annotation \`@${name}\`: known are @${[...descriptive, ...known].join(', @')}`]
    }
    if (effect === 'forbid' && forPermits.has(name)) return [`\`@${name}\` does nothing on a forbid`]
    if (isTermOfApproval(name) && !annotations.has('require_approval'))
      return [`\`@${name}\` does nothing without \`@require_approval\``]
    if (name === 'approval_for' && annotations.has('approval_within'))
      return ['`@approval_for` and `@approval_within` do not stand together']
    return isWellFormed(name, value) ? [] : [`\`@${name}\` has a value it cannot have`]
  })
}

function isTermOfApproval(name: string): boolean {
  return name === 'approval_within' || name === 'approval_for'
}

function isWellFormed(name: string, value: string): boolean {
  switch (name) {
    case 'approval_within':
    case 'approval_for':
      return /^[1-9][0-9]{0,5}$/.test(value) && Number(value) <= approvalSecondsMax
    case 'remember_consent':
      return /^(0|[1-9][0-9]{0,7})$/.test(value) && Number(value) <= lifetimeSecondsMax
    case 'require_approval':
      return isListOfWords(value) && words(value).length <= groupsMax
    case 'max_lifetime':
      return /^[1-9][0-9]{0,8}$/.test(value) && Number(value) <= lifetimeSecondsMax
    case 'add_claim': {
      const [, claim = '', said = ''] = claimPattern.exec(value) ?? []
      return isPolicyClaim(claim, said)
    }
    case 'ask':
      return words(value).length > 0 && words(value).every(word => engineNamePattern.test(word))
    default:
      return isListOfWords(value)
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

function isListOfWords(value: string): boolean {
  return words(value).length > 0 && words(value).every(word => tokenPattern.test(word))
}

const words = (text: string): readonly string[] => text.split(' ').filter(word => word !== '')

/**
 * The obligations of the policies that made a decision, taken together: the strictest of each.
 * @returns undefined when they contradict each other, which a decision treats as an error
 */
export function obligationsOf(policies: readonly CompiledPolicy[]): Obligations | undefined {
  if (policies.every(onlyDescribes)) return noObligations
  const valuesOf = (name: (typeof known)[number]): readonly string[] =>
    policies.flatMap(({ annotations }) => annotations.get(name) ?? [])
  const claims = new Map<string, string>()
  for (const text of valuesOf('add_claim')) {
    const [, name = '', value = ''] = claimPattern.exec(text) ?? []
    if ((claims.get(name) ?? value) !== value) return undefined
    claims.set(name, value)
  }
  const lifetimes = valuesOf('max_lifetime').map(Number)
  const remembered = valuesOf('remember_consent').map(Number)
  return freeze({
    stepUp: [...new Set(valuesOf('step_up'))].map(text => freeze([...words(text)])),
    maxLifetimeSeconds: lifetimes.length === 0 ? undefined : Math.min(...lifetimes),
    dropScopes: distinct(valuesOf('drop_scope')),
    dropDetails: distinct(valuesOf('drop_details')),
    requireApproval: distinct(valuesOf('require_approval')),
    ...termsOfApproval(policies.filter(({ annotations }) => annotations.has('require_approval'))),
    rememberConsentSeconds: remembered.length === 0 ? undefined : Math.min(...remembered),
    addClaims: freeze(Object.fromEntries(claims)),
    ask: distinct(valuesOf('ask')),
  })
}

/** Most policies oblige to nothing, and are asked most often. */
function onlyDescribes({ annotations }: CompiledPolicy): boolean {
  for (const name of annotations.keys()) if (!descriptive.has(name)) return false
  return true
}

/** Remote engines that any of these policies asks. */
export function enginesOf(policies: readonly CompiledPolicy[]): readonly string[] {
  return distinct(policies.flatMap(({ annotations }) => annotations.get('ask') ?? []))
}

/** The strictest of what the policies say that want an approval. */
function termsOfApproval(
  policies: readonly CompiledPolicy[],
): Pick<Obligations, 'approvalSeconds' | 'isApprovalReusable'> {
  const said = policies.map(({ annotations }) => ({
    seconds: annotations.get('approval_for') ?? annotations.get('approval_within'),
    isReusable: annotations.has('approval_for'),
  }))
  const isSaid = said.some(({ seconds }) => seconds !== undefined)
  return {
    approvalSeconds: isSaid
      ? Math.min(...said.map(({ seconds = approvalSecondsDefault }) => Number(seconds)))
      : undefined,
    isApprovalReusable: said.length > 0 && said.every(({ isReusable }) => isReusable),
  }
}

const distinct = (texts: readonly string[]): readonly string[] => freeze([...new Set(texts.flatMap(words))])
const freeze = <Item>(item: Item): Readonly<Item> => Object.freeze(item)

/** On a deny only these mean something: the way to be asked again. */
export function isWayOut({ annotations }: CompiledPolicy): boolean {
  return annotations.has('step_up') || annotations.has('require_approval')
}
