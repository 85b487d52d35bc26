import { createHash } from 'node:crypto'
import { type ContextReads, contextReads } from './cedar/context-reads.ts'
import {
  type CompiledPolicies,
  type CompiledPolicy,
  collectPolicies,
  compilePolicy,
} from './cedar/evaluate.ts'
import { DataProblem } from './cedar/json.ts'
import { askReference, brokeOver, type ReferenceProblem, referenceProblem } from './cedar/reference.ts'
import { type Schema, schemaAt } from './cedar/schema.ts'
import { annotationProblems } from './obligations.ts'
import type { Parsed, Problem } from './question.ts'

/** Policies and the schema they were checked against. Immutable; another content is another version. */
export interface PolicySet {
  /** `sha256:` and the hash of the schema and every policy: whitespace, comments and order do not count. */
  readonly version: string
  /** The same of the schema alone: entities prepared for one schema fit every policy set that has it. */
  readonly schemaVersion: string
  readonly schema: Schema
  readonly compiled: CompiledPolicies
  /** What of a question's context each policy looks at, by its id: nothing else need be found out to ask them. */
  readonly contextReads: ReadonlyMap<string, ContextReads>
}

/** What a policy set is made from: texts by the name of their file. */
export interface PolicySource {
  /** In Cedar's schema language. */
  readonly schema: { readonly name: string; readonly text: string }
  readonly policies: Readonly<Record<string, string>>
}

/** Policies in one set. */
export const policiesMax = 20_000

/** Characters of a set's policies and schema together. */
const policySourceLengthMax = 16_777_216

/** Characters in the id of a policy. */
const policyIdLengthMax = 128

const idPattern = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/

/**
 * Compiles policies. cedar-wasm reads and validates them in strict mode, warnings count as errors; every policy
 * carries a unique `@id`. Nothing of a set with a problem is used.
 * @returns every problem found, each with its place
 */
export function compilePolicySet({ schema, policies }: PolicySource): Parsed<PolicySet> {
  const texts = [schema.text, ...Object.values(policies)]
  if (texts.reduce((length, text) => length + text.length, 0) > policySourceLengthMax)
    return { ok: false, problems: [{ place: schema.name, message: 'the policy set is too large' }] }
  // The reference would read another character in place of half of one.
  const torn = [[schema.name, schema.text] as const, ...Object.entries(policies)].filter(
    ([, text]) => !text.isWellFormed(),
  )
  if (torn.length > 0)
    return { ok: false, problems: torn.map(([place]) => ({ place, message: 'no well-formed Unicode' })) }
  const read = readSchema(schema)
  if (!read.ok) return read
  const sources: Source[] = []
  const problems: Problem[] = []
  for (const [name, text] of Object.entries(policies)) {
    const parsed = readPolicies(name, text, policiesMax - sources.length)
    for (const source of parsed.ok ? parsed.value : []) sources.push(source)
    for (const problem of parsed.ok ? [] : parsed.problems) problems.push(problem)
  }
  problems.push(...sharedIds(sources))
  if (problems.length === 0) problems.push(...validate(schema.text, sources))
  if (problems.length > 0) return { ok: false, problems }
  const compiled = collectPolicies(sources.map(({ policy }) => policy))
  const byId = Object.fromEntries(sources.map(({ policy, json }) => [policy.id, json]))
  return {
    ok: true,
    value: Object.freeze({
      version: contentHash({ schema: read.value.json, policies: byId }),
      schemaVersion: contentHash({ schema: read.value.json }),
      schema: read.value.schema,
      compiled,
      contextReads: new Map(sources.map(({ policy, json }) => [policy.id, contextReads(json)])),
    }),
  }
}

interface Source {
  /** File and line; found only when there is something to say about the policy. */
  readonly place: () => string
  readonly text: string
  readonly json: unknown
  readonly policy: CompiledPolicy
}

function readSchema({
  name,
  text,
}: PolicySource['schema']): Parsed<{ readonly schema: Schema; readonly json: unknown }> {
  const answer = askReference('schemaToJsonWithResolvedTypes', text)
  if (answer?.type !== 'success') return no(name, text, answer?.errors.map(referenceProblem) ?? [brokeOver])
  const warnings = answer.warnings.map(referenceProblem)
  if (warnings.length > 0) return no(name, text, warnings)
  try {
    return { ok: true, value: { schema: schemaAt(answer.json), json: answer.json } }
  } catch (thrown) {
    if (!(thrown instanceof DataProblem)) throw thrown
    return no(name, text, [{ message: thrown.message }])
  }
}

function readPolicies(name: string, text: string, most: number): Parsed<readonly Source[]> {
  const parts = askReference('policySetTextToParts', text)
  if (parts?.type !== 'success') return no(name, text, parts?.errors.map(referenceProblem) ?? [brokeOver])
  if (parts.policy_templates.length > 0)
    return no(name, text, [{ message: 'templates are not offered: write one policy for each entity' }])
  if (parts.policies.length > most) return no(name, text, [{ message: `more than ${policiesMax} policies` }])
  const read = parts.policies.map(policyText => readPolicy(name, text, policyText))
  const problems = read.flatMap(policy => (policy.ok ? [] : policy.problems))
  if (problems.length > 0) return { ok: false, problems }
  return { ok: true, value: read.flatMap(policy => (policy.ok ? [policy.value] : [])) }
}

function readPolicy(name: string, file: string, text: string): Parsed<Source> {
  const place = (): string => {
    const start = file.indexOf(text)
    return start === -1 ? name : `${name}:${lineOf(file, start)}`
  }
  const refused = (messages: readonly string[]): Parsed<Source> => ({
    ok: false,
    problems: messages.map(message => ({ place: place(), message })),
  })
  const answer = askReference('policyToJson', text)
  if (answer?.type !== 'success')
    return refused(answer?.errors.map(error => referenceProblem(error).message) ?? [brokeOver.message])
  // Cedar has annotations without a value: `@id` alone is null.
  const id: unknown = answer.json.annotations?.id
  if (typeof id !== 'string' || id.length > policyIdLengthMax || !idPattern.test(id))
    return refused(['every policy carries an id, such as @id("payments.owner-reads"): decisions name it'])
  try {
    const policy = compilePolicy(id, answer.json)
    const wrong = annotationProblems(policy)
    return wrong.length > 0 ? refused(wrong) : { ok: true, value: { place, text, json: answer.json, policy } }
  } catch (thrown) {
    if (!(thrown instanceof DataProblem)) throw thrown
    return refused([`${thrown.message} (${thrown.place})`])
  }
}

function sharedIds(sources: readonly Source[]): readonly Problem[] {
  const first = new Map<string, Source>()
  return sources.flatMap(source => {
    const { id } = source.policy
    const other = first.get(id)
    first.set(id, other ?? source)
    if (other === undefined) return []
    return [{ place: source.place(), message: `\`@id("${id}")\` already stands at ${other.place()}` }]
  })
}

/** Strict validation by the reference: it proves the absence of the type errors that would deny at run time. */
function validate(schema: string, sources: readonly Source[]): readonly Problem[] {
  const staticPolicies = Object.fromEntries(sources.map(({ policy, text }) => [policy.id, text]))
  const policies = { staticPolicies }
  const answer = askReference('validate', { schema, policies, validationSettings: { mode: 'strict' } })
  if (answer === undefined) return [{ place: 'policies', message: brokeOver.message }]
  if (answer.type === 'failure')
    return answer.errors.map(error => ({ place: 'policies', message: referenceProblem(error).message }))
  const places = new Map(sources.map(({ policy, place }) => [policy.id, place]))
  return [
    ...[...answer.validationErrors, ...answer.validationWarnings].map(({ policyId, error }) => ({
      place: places.get(policyId)?.() ?? policyId,
      message: referenceProblem(error).message,
    })),
    ...answer.otherWarnings.map(error => ({ place: 'policies', message: referenceProblem(error).message })),
  ]
}

function no(name: string, text: string, problems: readonly ReferenceProblem[]): Parsed<never> {
  return {
    ok: false,
    problems: problems.map(({ message, offset }) => ({
      place: offset === undefined ? name : `${name}:${lineOf(text, offset)}`,
      message,
    })),
  }
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

/** JSON with its members in one order, so that the same content has one hash. */
function contentHash(content: unknown): string {
  const ordered = JSON.stringify(content, (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : value,
  )
  return `sha256:${createHash('sha256').update(ordered).digest('base64url')}`
}
