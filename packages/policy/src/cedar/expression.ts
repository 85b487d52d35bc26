import type { EntityLookup } from './entities.ts'
import { EvaluationError, wrongType } from './evaluation-error.ts'
import { extensionFunctions } from './extension-functions.ts'
import { arrayAt, DataProblem, newBudget, objectAt, onlyMembers, stringAt, valueAt } from './json.ts'
import {
  add,
  contains,
  containsAll,
  containsAny,
  getAttribute,
  getTag,
  has,
  hasTag,
  isEmpty,
  isIn,
  less,
  multiply,
  negate,
  subtract,
} from './operators.ts'
import { compilePattern } from './pattern.ts'
import { type CedarRecord, type EntityUid, equals, setOf, type Value } from './value.ts'

/** What an expression may look at. */
export interface Environment {
  readonly principal: EntityUid
  readonly action: EntityUid
  readonly resource: EntityUid
  readonly context: CedarRecord
  readonly entities: EntityLookup
}

/** A compiled expression. @throws EvaluationError */
export type Run = (environment: Environment) => Value

/** Compiled; `constant` when nothing in it depends on the question. */
export interface Compiled {
  readonly run: Run
  readonly constant?: Value
}

/** Operators, calls and constants in one condition of a policy. */
const expressionNodesMax = 20_000

/** How deep they may nest. The reference bears a little more, and breaks then. */
const expressionDepthMax = 200

interface Bounds {
  nodes: number
}

/**
 * Compiles one expression of Cedar's JSON policy format.
 * @throws DataProblem when it is none, or holds a slot of a template
 */
export function compileExpression(json: unknown, place: string): Compiled {
  return expressionAt(json, place, { nodes: expressionNodesMax }, 0)
}

type Children = (json: unknown, member: string) => Compiled

function expressionAt(json: unknown, place: string, bounds: Bounds, depth: number): Compiled {
  if (--bounds.nodes < 0) throw new DataProblem(place, 'the policy is too large')
  if (depth > expressionDepthMax) throw new DataProblem(place, 'the policy nests too deeply')
  const object = objectAt(json, place)
  const [name, ...others] = Object.keys(object)
  if (name === undefined || others.length > 0) throw new DataProblem(place, 'expected one operator')
  const child: Children = (part, member) => expressionAt(part, `${place}.${name}${member}`, bounds, depth + 1)
  const body = object[name]
  const compile = operators.get(name)
  if (compile !== undefined) return compile(body, child, place)
  const extension = extensionFunctions.get(name)
  if (extension === undefined) throw new DataProblem(place, `unknown operator \`${name.slice(0, 64)}\``)
  const parts = arrayAt(body, place).map((part, index) => child(part, `[${index}]`))
  if (parts.length !== extension.arity) throw new DataProblem(place, `\`${name}\` takes ${extension.arity}`)
  return call(extension.call, parts)
}

/** Evaluated now when all its parts are constant; one that fails now fails in every question alike. */
function folded(run: Run, parts: readonly Compiled[]): Compiled {
  if (parts.some(({ constant }) => constant === undefined)) return { run }
  try {
    const constant = run(nowhere)
    return { run: () => constant, constant }
  } catch (thrown) {
    if (!(thrown instanceof EvaluationError)) throw thrown
    return { run }
  }
}

const nobody: EntityUid = { kind: 'entity', type: 'Nobody', id: '', key: '' }
const nowhere: Environment = {
  principal: nobody,
  action: nobody,
  resource: nobody,
  context: { kind: 'record', fields: new Map() },
  entities: new Map(),
}

function call(apply: (first: Value, second: Value) => Value, parts: readonly Compiled[]): Compiled {
  const [first, second] = parts
  if (first === undefined) throw new DataProblem('$', 'a call without arguments')
  if (second === undefined) return folded(environment => apply(first.run(environment), false), parts)
  return folded(environment => apply(first.run(environment), second.run(environment)), parts)
}

type Operator = (body: unknown, child: Children, place: string) => Compiled

function members(body: unknown, names: readonly string[], place: string): Readonly<Record<string, unknown>> {
  const object = objectAt(body, place)
  onlyMembers(object, names, place)
  return object
}

const unary =
  (apply: (value: Value) => Value): Operator =>
  (body, child, place) =>
    call(apply, [child(members(body, ['arg'], place).arg, '.arg')])

const binary =
  (apply: (left: Value, right: Value) => Value): Operator =>
  (body, child, place) => {
    const { left, right } = members(body, ['left', 'right'], place)
    return call(apply, [child(left, '.left'), child(right, '.right')])
  }

/** Operators that ask the entities: never constant. */
const asking =
  (apply: (left: Value, right: Value, entities: EntityLookup) => Value): Operator =>
  (body, child, place) => {
    const { left, right } = members(body, ['left', 'right'], place)
    const first = child(left, '.left').run
    const second = child(right, '.right').run
    return { run: at => apply(first(at), second(at), at.entities) }
  }

/** `&&` stops at false, `||` at true; what was not reached can neither fail nor have a wrong type. */
const shortCircuit =
  (stopsAt: boolean): Operator =>
  (body, child, place) => {
    const { left, right } = members(body, ['left', 'right'], place)
    const [first, second] = [child(left, '.left'), child(right, '.right')]
    const run: Run = at => {
      const chosen = bool(first.run(at))
      return chosen === stopsAt ? chosen : bool(second.run(at))
    }
    return folded(run, [first, second])
  }

export function bool(value: Value): boolean {
  if (typeof value !== 'boolean') throw wrongType('bool', value)
  return value
}

const variables: Readonly<Record<string, Run>> = {
  principal: at => at.principal,
  action: at => at.action,
  resource: at => at.resource,
  context: at => at.context,
}

const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  [
    'Value',
    (body, _child, place) => {
      const constant = valueAt(body, place, newBudget())
      return { run: () => constant, constant }
    },
  ],
  [
    'Var',
    (body, _child, place) => {
      const name = stringAt(body, place)
      const run = Object.hasOwn(variables, name) ? variables[name] : undefined
      if (run === undefined) throw new DataProblem(place, 'unknown variable')
      return { run }
    },
  ],
  ['!', unary(value => !bool(value))],
  ['neg', unary(negate)],
  ['isEmpty', unary(isEmpty)],
  ['==', binary(equals)],
  ['!=', binary((left, right) => !equals(left, right))],
  ['<', binary((left, right) => less(left, right, false))],
  ['<=', binary((left, right) => less(left, right, true))],
  ['>', binary((left, right) => !less(left, right, true))],
  ['>=', binary((left, right) => !less(left, right, false))],
  ['+', binary(add)],
  ['-', binary(subtract)],
  ['*', binary(multiply)],
  ['contains', binary(contains)],
  ['containsAll', binary(containsAll)],
  ['containsAny', binary(containsAny)],
  ['in', asking(isIn)],
  ['getTag', asking(getTag)],
  ['hasTag', asking(hasTag)],
  ['&&', shortCircuit(false)],
  ['||', shortCircuit(true)],
  ['if-then-else', choice],
  ['.', attribute],
  ['has', attributePresence],
  ['is', typeTest],
  ['like', likeness],
  ['Set', (body, child, place) => setExpression(arrayAt(body, place), child)],
  ['Record', recordExpression],
])

function choice(body: unknown, child: Children, place: string): Compiled {
  const parts = members(body, ['if', 'then', 'else'], place)
  const [test, yes, no] = [child(parts.if, '.if'), child(parts.then, '.then'), child(parts.else, '.else')]
  return folded(at => (bool(test.run(at)) ? yes.run(at) : no.run(at)), [test, yes, no])
}

function attribute(body: unknown, child: Children, place: string): Compiled {
  const { left, attr } = members(body, ['left', 'attr'], place)
  const name = stringAt(attr, place)
  const of = child(left, '.left').run
  return { run: at => getAttribute(of(at), name, at.entities) }
}

/** `a has b.c` asks for each step in turn, and stops at the first that is missing. */
function attributePresence(body: unknown, child: Children, place: string): Compiled {
  const { left, attr } = members(body, ['left', 'attr'], place)
  const path = (Array.isArray(attr) ? attr : [attr]).map(name => stringAt(name, place))
  const of = child(left, '.left').run
  const last = path.pop()
  if (last === undefined) throw new DataProblem(place, 'expected the name of an attribute')
  return {
    run: at => {
      let value = of(at)
      for (const name of path) {
        if (!has(value, name, at.entities)) return false
        value = getAttribute(value, name, at.entities)
      }
      return has(value, last, at.entities)
    },
  }
}

function typeTest(body: unknown, child: Children, place: string): Compiled {
  const parts = members(body, ['left', 'entity_type', 'in'], place)
  const type = stringAt(parts.entity_type, place)
  const of = child(parts.left, '.left').run
  const isOfType = (value: Value): boolean => {
    if (typeof value !== 'object' || value.kind !== 'entity') throw wrongType('entity', value)
    return value.type === type
  }
  if (parts.in === undefined) return { run: at => isOfType(of(at)) }
  const within = child(parts.in, '.in').run
  return {
    run: at => {
      const value = of(at)
      return isOfType(value) && isIn(value, within(at), at.entities)
    },
  }
}

function likeness(body: unknown, child: Children, place: string): Compiled {
  const { left, pattern } = members(body, ['left', 'pattern'], place)
  const isLike = compilePattern(arrayAt(pattern, place), place)
  return call(
    value => {
      if (typeof value !== 'string') throw wrongType('string', value)
      return isLike(value)
    },
    [child(left, '.left')],
  )
}

function setExpression(items: readonly unknown[], child: Children): Compiled {
  const parts = items.map((item, index) => child(item, `[${index}]`))
  return folded(at => setOf(parts.map(({ run }) => run(at))), parts)
}

function recordExpression(body: unknown, child: Children, place: string): Compiled {
  const parts = Object.entries(objectAt(body, place)).map(
    ([name, field]) => [stringAt(name, place), child(field, '{}')] as const,
  )
  return folded(
    at => ({ kind: 'record', fields: new Map(parts.map(([name, { run }]) => [name, run(at)])) }),
    parts.map(([, part]) => part),
  )
}
