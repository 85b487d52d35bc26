import {
  compileTokenPolicies,
  type Problem as PolicyProblem,
  type PolicySet,
  parseCases,
  runCases,
  untestedPolicies,
} from '@holdfast/policy'
import type { PlacedDocument } from '../snapshot/compile.ts'
import { shippedName, versionOfPolicies } from '../snapshot/compile-policies.ts'
import type {
  ChangedPolicies,
  ListedPolicies,
  PolicyChange,
  SubmitPoliciesRequest,
  SubmittedPolicies,
} from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { type Changed, changeDocuments, type DocumentsChange } from './change-documents.ts'
import type { DocumentOf } from './document.ts'
import { storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'
import { type PolicyContent, type PolicySetSpec, policySetName } from './resources/policy-set.ts'

type Version = DocumentOf<'PolicySet'>

/** Versions an issuer keeps: enough to go back, and no archive. */
export const policyVersionsMax = 100

type Change<T> = DocumentsChange<'PolicySet', T>

/**
 * Stores policies as a new version. When they compile and every test is as expected it is `checked`, otherwise it
 * stays a `draft` that nothing can make active. The same content again changes nothing but the state.
 */
export function submitPolicies(
  { set, issuer, policies, tests }: SubmitPoliciesRequest,
  ports: ControlPorts,
): Promise<Checked<Changed<SubmittedPolicies>>> {
  const content = { policies, tests }
  const version = versionOfPolicies(content)
  const name = `${set}.${version}`
  return change(issuer, ports, versions => {
    if (!policySetName.test(set))
      return wrong({ document: 'PolicySet', field: 'set', message: `\`${set}\` is not a name for policies` })
    const before = versions.find(known => known.name === name)
    if (before === undefined && versions.length >= policyVersionsMax)
      return wrong({
        document: `PolicySet/${name}`,
        field: '',
        message: `there are ${policyVersionsMax} versions: remove one first`,
      })
    const problems = problemsOf(content)
    const state = before?.spec.state ?? 'draft'
    const after = state === 'draft' && problems.length === 0 ? 'checked' : state
    const spec: PolicySetSpec = { ...content, shadow: false, ...before?.spec, state: after }
    return checked({
      put: [{ name, spec }],
      event: 'policies.submitted',
      facts: { policies: name, policy_version: version, state: after, problems: problems.length },
      answer: { name, version, state: after, problems },
    })
  })
}

/** What keeps policies from being checked; empty when they compile and their tests pass. */
export function problemsOf({ policies, tests }: PolicyContent): readonly PolicyProblem[] {
  const compiled = compileTokenPolicies(policies)
  if (!compiled.ok) return compiled.problems
  if (Object.keys(tests).length === 0) return [{ place: 'tests', message: 'there are none' }]
  const results = Object.entries(tests).map(([file, text]) => casesOf(compiled.value, file, text))
  const problems = results.flatMap(result => result.problems)
  if (problems.length > 0) return problems
  const ran = results.flatMap(({ ran: cases }) => cases)
  return untestedPolicies(compiled.value, ran).map(place => ({ place, message: 'decides no test' }))
}

function casesOf(
  set: PolicySet,
  file: string,
  text: string,
): { readonly problems: readonly PolicyProblem[]; readonly ran: ReturnType<typeof runCases> } {
  const at = ({ place, message }: PolicyProblem) => ({ place: `${file} ${place}`, message })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { problems: [{ place: file, message: 'is no JSON' }], ran: [] }
  }
  const parsed = parseCases(set, json)
  if (!parsed.ok) return { problems: parsed.problems.map(at), ran: [] }
  const ran = runCases(set, parsed.value)
  const problems = ran.flatMap(({ name, differences }) =>
    differences.map(message => at({ place: name, message })),
  )
  return { problems, ran }
}

/** Moves one version on. Each step is bound to the content by the name, which ends in its hash. */
export function changePolicies(
  request: PolicyChange,
  ports: ControlPorts,
): Promise<Checked<ChangedPolicies>> {
  return change(request.issuer, ports, versions => {
    const active = versions.find(({ spec }) => spec.state === 'active')
    if (request.step === 'rollback') return rollback(versions, active)
    if (request.step === 'unshadow') return unshadow(versions)
    const version = versionNamed(request.name, versions)
    return version.ok ? steps[request.step](version.value, versions, active) : version
  })
}

/** By its name, or by as much of it as means one. */
function versionNamed(asked: string, versions: readonly Version[]): Checked<Version> {
  const document = `PolicySet/${asked}`
  const exact = versions.find(({ name }) => name === asked)
  const [found = exact, ...more] = versions.filter(({ name }) => name.startsWith(asked))
  if (exact !== undefined) return checked(exact)
  if (found === undefined) return wrong({ document, field: '', message: 'there is no such version' })
  return more.length === 0
    ? checked(found)
    : wrong({ document, field: '', message: `${more.length + 1} versions begin so` })
}

type Moved = Change<Pick<ChangedPolicies, 'name'>>
type Step = (version: Version, versions: readonly Version[], active: Version | undefined) => Checked<Moved>

const steps: Readonly<Record<'approve' | 'activate' | 'shadow' | 'remove', Step>> = {
  approve: version => {
    if (version.spec.state !== 'checked') return notIn(version, 'checked')
    const spec = { ...version.spec, state: 'approved' } as const
    return moved('policies.approved', version, [{ name: version.name, spec }])
  },
  activate: (version, _versions, active) => {
    const { state } = version.spec
    if (state !== 'approved' && state !== 'retired') return notIn(version, 'approved')
    // Compiled again: a version approved under an older server must not take the issuer down.
    const problems = problemsOf(version.spec)
    if (problems.length > 0) return wrong(...inDocument(version, problems))
    const { replaced: _before, ...spec } = version.spec
    const put: readonly Moving[] = [
      {
        name: version.name,
        spec: { ...spec, state: 'active', shadow: false, ...(active && { replaced: active.name }) },
      },
      ...(active === undefined ? [] : [retired(active)]),
    ]
    return moved('policies.activated', version, put, { replaced: active?.name ?? shippedName })
  },
  shadow: (version, versions) => {
    const { state } = version.spec
    if (state === 'draft' || state === 'active') return notIn(version, 'checked')
    const put = [
      { name: version.name, spec: { ...version.spec, shadow: true } },
      ...inShadow(versions).filter(({ name }) => name !== version.name),
    ]
    return moved('policies.shadowed', version, put)
  },
  remove: (version, versions) => {
    const isNeeded = versions.some(({ spec }) => spec.replaced === version.name)
    if (version.spec.state === 'active' || version.spec.shadow || isNeeded)
      return wrong({
        document: `PolicySet/${version.name}`,
        field: 'spec.state',
        message: 'is active, in the shadow, or what a roll-back would go to',
      })
    const removed = moved('policies.removed', version, [])
    return removed.ok ? checked({ ...removed.value, deleted: version.name }) : removed
  },
}

type Moving = Change<unknown>['put'][number]

/** Back to what was active before, in one commit; the shipped policies are what was before the first. */
function rollback(versions: readonly Version[], active: Version | undefined): Checked<Moved> {
  if (active === undefined)
    return wrong({
      document: 'PolicySet',
      field: '',
      message: 'the shipped policies are active: nothing was before',
    })
  const before = versions.find(({ name }) => name === active.spec.replaced)
  const put: readonly Moving[] = [
    retired(active),
    ...(before === undefined
      ? []
      : [{ name: before.name, spec: { ...before.spec, state: 'active', shadow: false } as const }]),
  ]
  return moved('policies.rolled-back', before ?? active, put, {
    policies: before?.name ?? shippedName,
    replaced: active.name,
  })
}

function unshadow(versions: readonly Version[]): Checked<Moved> {
  const put = inShadow(versions)
  const [first] = versions.filter(({ spec }) => spec.shadow)
  if (first === undefined)
    return wrong({ document: 'PolicySet', field: '', message: 'none is in the shadow' })
  return moved('policies.unshadowed', first, put)
}

function inShadow(versions: readonly Version[]): readonly Moving[] {
  return versions
    .filter(({ spec }) => spec.shadow)
    .map(({ name, spec }) => ({ name, spec: { ...spec, shadow: false } }))
}

function retired({ name, spec }: Version): Moving {
  return { name, spec: { ...spec, state: 'retired' } }
}

function notIn({ name, spec }: Version, wanted: string): Checked<never> {
  const message = `is \`${spec.state}\`, not \`${wanted}\``
  return wrong({ document: `PolicySet/${name}`, field: 'spec.state', message })
}

function moved(
  event: string,
  { name }: Version,
  put: readonly Moving[],
  facts: Readonly<Record<string, string>> = {},
): Checked<Moved> {
  const about = { policies: name, ...facts }
  return checked({
    put,
    event,
    facts: about,
    answer: { name: about.policies },
  })
}

function inDocument({ name }: Version, problems: readonly PolicyProblem[]): readonly Problem[] {
  return problems.map(({ place, message }) => ({ document: `PolicySet/${name}`, field: place, message }))
}

/** The versions of an issuer, or of each; the shipped policies too, because something is always active. */
export async function listPolicies(
  issuer: string | undefined,
  { store, issuers }: ControlPorts,
): Promise<Checked<readonly ListedPolicies[]>> {
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  return checked(
    issuersNamed(issuer, issuers).flatMap(({ url }) => {
      const versions = versionsAt(url, stored.value)
      const hasActive = versions.some(({ spec }) => spec.state === 'active')
      return [
        ...versions.map(({ name, spec }) => ({
          ...{ name, issuer: url, state: spec.state, shadow: spec.shadow },
          policies: Object.keys(spec.policies),
          ...(spec.replaced !== undefined && { replaced: spec.replaced }),
        })),
        {
          name: shippedName,
          issuer: url,
          state: hasActive ? 'retired' : 'active',
          shadow: false,
          policies: [],
        },
      ] as const
    }),
  )
}

function versionsAt(url: string, placed: readonly PlacedDocument[]): readonly Version[] {
  return placed.flatMap(({ issuerUrl, document }) =>
    issuerUrl === url && document.kind === 'PolicySet' ? [document] : [],
  )
}

function change<T>(
  issuer: string | undefined,
  ports: ControlPorts,
  decide: (versions: readonly Version[]) => Checked<Change<T>>,
): Promise<Checked<Changed<T>>> {
  return changeDocuments('PolicySet', issuer, ports, own =>
    decide(own.flatMap(document => (document.kind === 'PolicySet' ? [document] : []))),
  )
}
