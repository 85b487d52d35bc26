import { isDeepStrictEqual } from 'node:util'
import { arrayAt, DataProblem, type JsonObject, objectAt, onlyMembers, stringAt } from './cedar/json.ts'
import { decide, type Entities, prepareEntities } from './decide.ts'
import type { Decision } from './decision.ts'
import type { PolicySet } from './policy-set.ts'
import { type Parsed, type Problem, parseQuestion, type Question, reading } from './question.ts'

/** Tests of policies, as data: entities, and questions with the answer they must get. */
export interface CaseFile {
  readonly entities: Entities
  readonly cases: readonly Case[]
}

export interface Case {
  readonly name: string
  readonly question: Question
  readonly expected: Expected
}

/** What is left out is not compared; the decision never is left out. */
export interface Expected {
  readonly decision: Decision['decision']
  readonly determining?: readonly string[]
  /** Policies, or `question` …, that must fail. Left out: nothing may. */
  readonly errors?: readonly string[]
  /** The members named here, by the names of `Obligations`. */
  readonly obligations?: JsonObject
}

export interface CaseResult {
  readonly name: string
  readonly decision: Decision
  /** Empty when it is as expected. */
  readonly differences: readonly string[]
}

const obligationNames = [
  'stepUp',
  'maxLifetimeSeconds',
  'dropScopes',
  'dropDetails',
  'requireApproval',
  'approvalSeconds',
  'isApprovalReusable',
  'addClaims',
  'ask',
] as const

/**
 * Reads one file of tests:
 * `{ "entities": [ … ], "tests": [ { "name": …, "question": { … }, "expect": { "decision": "permit" } } ] }`.
 */
export function parseCases(set: PolicySet, json: unknown): Parsed<CaseFile> {
  const read = reading(() => {
    const object = objectAt(json, '$')
    onlyMembers(object, ['entities', 'tests'], '$')
    const tests = arrayAt(object.tests, '$.tests')
    if (tests.length === 0) throw new DataProblem('$.tests', 'a file of tests has at least one')
    return { entities: arrayAt(object.entities ?? [], '$.entities'), tests }
  })
  if (!read.ok) return read
  const entities = prepareEntities(set, read.value.entities)
  const cases = read.value.tests.map((test, index) => caseAt(test, `$.tests[${index}]`))
  const problems: Problem[] = [
    ...(entities.ok
      ? []
      : entities.problems.map(({ place, message }) => ({ place: `$.entities ${place}`, message }))),
    ...cases.flatMap(test => (test.ok ? [] : test.problems)),
  ]
  if (!entities.ok || problems.length > 0) return { ok: false, problems }
  return {
    ok: true,
    value: { entities: entities.value, cases: cases.flatMap(test => (test.ok ? [test.value] : [])) },
  }
}

function caseAt(json: unknown, place: string): Parsed<Case> {
  const read = reading(() => {
    const object = objectAt(json, place)
    onlyMembers(object, ['name', 'question', 'expect'], place)
    return {
      name: stringAt(object.name, `${place}.name`),
      question: parseQuestion(object.question),
      expected: expectedAt(objectAt(object.expect, `${place}.expect`), `${place}.expect`),
    }
  })
  if (!read.ok) return read
  const { name, question, expected } = read.value
  if (question.ok) return { ok: true, value: { name, question: question.value, expected } }
  return {
    ok: false,
    problems: question.problems.map(problem => ({ ...problem, place: `${place}.question ${problem.place}` })),
  }
}

function expectedAt(object: JsonObject, place: string): Expected {
  onlyMembers(object, ['decision', 'determining', 'errors', 'obligations'], place)
  const { decision, determining, errors, obligations } = object
  if (decision !== 'permit' && decision !== 'deny')
    throw new DataProblem(`${place}.decision`, 'expected `permit` or `deny`')
  const texts = (list: unknown, name: string): readonly string[] =>
    arrayAt(list, `${place}.${name}`).map((text, index) => stringAt(text, `${place}.${name}[${index}]`))
  const named = obligations === undefined ? undefined : objectAt(obligations, `${place}.obligations`)
  if (named !== undefined) onlyMembers(named, obligationNames, `${place}.obligations`)
  return {
    decision,
    ...(determining !== undefined && { determining: texts(determining, 'determining') }),
    ...(errors !== undefined && { errors: texts(errors, 'errors') }),
    ...(named !== undefined && { obligations: named }),
  }
}

/** Asks every question and compares. */
export function runCases(set: PolicySet, { entities, cases }: CaseFile): readonly CaseResult[] {
  return cases.map(({ name, question, expected }) => {
    const decision = decide(set, question, entities)
    return { name, decision, differences: differencesOf(expected, decision) }
  })
}

function differencesOf(expected: Expected, decided: Decision): readonly string[] {
  const failed = [...new Set(decided.errors.map(({ place }) => place))].toSorted()
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['decision', expected.decision, decided.decision],
    ['determining', expected.determining?.toSorted() ?? decided.determining, decided.determining],
    ['errors', expected.errors?.toSorted() ?? [], failed],
    ...obligationNames
      .filter(name => expected.obligations !== undefined && Object.hasOwn(expected.obligations, name))
      .map(name => [name, expected.obligations?.[name], decided.obligations[name]] as const),
  ]
  const differences = pairs
    .filter(([, wanted, found]) => !isDeepStrictEqual(wanted, found))
    .map(([name, wanted, found]) => `${name}: expected ${text(wanted)}, got ${text(found)}`)
  return differences.length === 0
    ? []
    : [...differences, ...decided.errors.map(({ place, message }) => `${place}: ${message}`)]
}

const text = (value: unknown): string => JSON.stringify(value) ?? 'nothing'

/** Policies that decided no case: nobody would notice their loss. */
export function untestedPolicies(set: PolicySet, results: readonly CaseResult[]): readonly string[] {
  const seen = new Set(results.flatMap(({ decision }) => decision.determining))
  return set.compiled.policies.map(({ id }) => id).filter(id => !seen.has(id))
}
