import { parseArgs } from 'node:util'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { entitiesAt } from '../cedar/entities.ts'
import { collectPolicies, compilePolicy, evaluate } from '../cedar/evaluate.ts'
import { newBudget, objectAt, recordAt } from '../cedar/json.ts'
import { entityUid } from '../cedar/value.ts'
import { type Dice, diceOf, times } from './dice.ts'
import { focusedPolicy } from './focused-policies.ts'
import { actionUid, dataEntities, dataRecord, partyUid, type Uid } from './random-data.ts'
import { policy } from './random-policies.ts'

/**
 * Our evaluator against cedar-wasm: the same policies, entities and questions; decision, determining policies and
 * failing policies must be the same. A case is one question put to both, about up to 24 policies, or a
 * hundred of the focused kind.
 *
 *     node packages/policy/src/testing/differential.ts --cases 1000000 --seed 1
 */

export interface Tally {
  cases: number
  /** Policies that stood in the sets that were asked, counted once for each case. */
  evaluations: number
  allowed: number
  denied: number
  /** Cases in which at least one policy failed, and policies that failed. */
  withErrors: number
  errors: number
  /** Policies that decided something. */
  determining: number
  disagreements: Disagreement[]
}

export interface Disagreement {
  readonly seed: number
  readonly question: number
  readonly ours: Answer
  readonly theirs: Answer
  readonly input: unknown
}

interface Answer {
  readonly decision: string
  readonly determining: readonly string[]
  readonly failing: readonly string[]
}

interface Question {
  readonly principal: Uid
  readonly action: Uid
  readonly resource: Uid
  readonly context: Readonly<Record<string, unknown>>
}

const questionsPerSet = 8
const focusedPerSet = 100
const disagreementsMax = 5

/** Runs at least `cases` cases, each set of policies from a seed of its own, counted up from `seed`. */
export function compareWithReference(options: { readonly cases: number; readonly seed: number }): Tally {
  const tally: Tally = {
    cases: 0,
    evaluations: 0,
    allowed: 0,
    denied: 0,
    withErrors: 0,
    errors: 0,
    determining: 0,
    disagreements: [],
  }
  for (let seed = options.seed; tally.cases < options.cases; seed++) {
    compareOneSet(seed, tally)
    if (tally.disagreements.length >= disagreementsMax) break
  }
  return tally
}

function compareOneSet(seed: number, tally: Tally): void {
  const dice = diceOf(seed)
  const isFocused = dice.chance(20)
  // A forbid hides which policies would have permitted, so half of the sets have none.
  const forbids = dice.pick([0, 0, 10, 50])
  const policies = Object.fromEntries(
    isFocused
      ? times(focusedPerSet, index => [`p${index}`, focusedPolicy(dice)])
      : times(1 + dice.roll(24), index => [`p${index}`, policy(dice, forbids)]),
  )
  const parsed = cedar.preparsePolicySet('differential', {
    staticPolicies: policies as unknown as Record<string, cedar.PolicyJson>,
  })
  if (parsed.type === 'failure') throw new Error(`seed ${seed}: ${parsed.errors[0]?.message}`)
  const compiled = collectPolicies(Object.entries(policies).map(([id, json]) => compilePolicy(id, json)))
  const entities = isFocused ? [] : dataEntities(dice)
  const store = entitiesAt(entities)
  for (let number = 0; number < (isFocused ? 1 : questionsPerSet); number++) {
    const question = questionOf(dice)
    const theirs = askCedar(question, entities)
    const ours = evaluate(compiled, {
      principal: entityUid(question.principal.type, question.principal.id),
      action: entityUid(question.action.type, question.action.id),
      resource: entityUid(question.resource.type, question.resource.id),
      context: recordAt(objectAt(question.context, '$'), '$', newBudget()),
      entities: store,
    })
    tally.evaluations += compiled.policies.length
    const answer = { ...ours, failing: ours.errors.map(({ policyId }) => policyId) }
    count(tally, answer)
    if (!isSame(answer, theirs))
      tally.disagreements.push({
        seed,
        question: number,
        ours: answer,
        theirs,
        input: { policies, entities, question },
      })
  }
}

function questionOf(dice: Dice): Question {
  return {
    principal: partyUid(dice),
    action: actionUid(dice),
    resource: partyUid(dice),
    context: dataRecord(dice, dice.roll(14)),
  }
}

function askCedar(question: Question, entities: readonly unknown[]): Answer {
  const answer = cedar.statefulIsAuthorized({
    ...question,
    context: question.context as cedar.Context,
    preparsedPolicySetId: 'differential',
    entities: entities as cedar.Entities,
  })
  if (answer.type === 'failure')
    return { decision: `failure: ${answer.errors[0]?.message}`, determining: [], failing: [] }
  const { decision, diagnostics } = answer.response
  return {
    decision,
    determining: diagnostics.reason.toSorted(),
    failing: diagnostics.errors.map(({ policyId }) => policyId).toSorted(),
  }
}

function isSame(ours: Answer, theirs: Answer): boolean {
  return (
    ours.decision === theirs.decision &&
    ours.determining.join() === theirs.determining.join() &&
    ours.failing.join() === theirs.failing.join()
  )
}

function count(tally: Tally, { decision, determining, failing }: Answer): void {
  tally.cases++
  if (decision === 'allow') tally.allowed++
  else tally.denied++
  if (failing.length > 0) tally.withErrors++
  tally.errors += failing.length
  tally.determining += determining.length
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { cases: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
  })
  const tally = compareWithReference({ cases: Number(values.cases), seed: Number(values.seed) })
  const { disagreements, ...counted } = tally
  console.log(JSON.stringify({ ...counted, disagreements: disagreements.length }))
  for (const disagreement of disagreements) console.log(JSON.stringify(disagreement, null, 1))
  process.exitCode = disagreements.length === 0 ? 0 : 1
}
