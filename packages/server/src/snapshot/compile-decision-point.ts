import { createHash } from 'node:crypto'
import { askedEngines, compilePolicySet, type Deciding, prepareEntities } from '@holdfast/policy'
import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'

/** Compiling is slow and revisions are many: what was compiled once is used again, as long as it is what is served. */
const compiledMax = 64
const compiled = new Map<string, Deciding>()

/** @returns undefined when there is none, or none that works; then `problems` says why */
export function compileDecisionPoint(
  documents: readonly DocumentOf<'DecisionPoint'>[],
  problems: Problem[],
): Deciding | undefined {
  const [point, ...others] = documents
  if (point === undefined) return undefined
  for (const { name } of others)
    problems.push({
      document: `DecisionPoint/${name}`,
      field: 'metadata.name',
      message: `an issuer has one decision point, and \`${point.name}\` is it`,
    })
  const digest = createHash('sha256').update(JSON.stringify(point.spec)).digest('base64url')
  const known = compiled.get(digest)
  if (known !== undefined) return known
  const made = compiledFrom(point, problems)
  if (made === undefined) return undefined
  if (compiled.size >= compiledMax) compiled.clear()
  compiled.set(digest, made)
  return made
}

function compiledFrom(
  { name, spec }: DocumentOf<'DecisionPoint'>,
  problems: Problem[],
): Deciding | undefined {
  const { schema, policies, entities, givenTypes } = spec
  const say = (
    field: string,
    found: readonly { readonly place: string; readonly message: string }[],
  ): void => {
    for (const { place, message } of found)
      problems.push({ document: `DecisionPoint/${name}`, field, message: `${place}: ${message}` })
  }
  const set = compilePolicySet({ schema: { name: 'schema', text: schema }, policies })
  if (!set.ok) return void say('spec.policies', set.problems)
  for (const engine of askedEngines(set.value))
    return void say('spec.policies', [
      { place: engine, message: '`@ask` is for the questions of this server' },
    ])
  for (const type of givenTypes) {
    const shape = set.value.schema.entityTypes.get(type)
    if (shape === undefined || shape.above.size > 0) {
      const message =
        shape === undefined ? 'is not in the schema' : 'can have something above it, which nobody would tell'
      return void say('spec.givenTypes', [{ place: type, message }])
    }
  }
  const prepared = prepareEntities(set.value, entities)
  if (!prepared.ok) return void say('spec.entities', prepared.problems)
  return { set: set.value, entities: prepared.value, givenTypes }
}
