import { type Dice, times } from './dice.ts'
import {
  actionUid,
  dataValue,
  extensionText,
  longValue,
  names,
  partyTypes,
  partyUid,
  type Sort,
  sorts,
  stringValue,
} from './random-data.ts'

/** Policies in Cedar's JSON format: mostly well-typed, so that they reach deep, and wrong often enough to fail there. */

type Expression = Readonly<Record<string, unknown>>

const value = (literal: unknown): Expression => ({ Value: literal })
const binary = (operator: string, left: Expression, right: Expression): Expression => ({
  [operator]: { left, right },
})

/** An expression that is meant to have this sort. Every eighth has another one. */
export function expression(dice: Dice, wanted: Sort, depth: number): Expression {
  const sort = dice.chance(7) ? dice.pick(sorts) : wanted
  if (depth <= 0 || dice.chance(15)) return leaf(dice, sort)
  if (dice.chance(12))
    return {
      'if-then-else': {
        if: expression(dice, 'bool', depth - 1),
        // biome-ignore lint/suspicious/noThenProperty: the name Cedar gives it
        then: expression(dice, sort, depth - 1),
        else: expression(dice, sort, depth - 1),
      },
    }
  if (dice.chance(18)) return access(dice, sort, depth - 1)
  return made(dice, sort, depth - 1)
}

function leaf(dice: Dice, sort: Sort): Expression {
  if (dice.chance(45)) return access(dice, sort, 0)
  switch (sort) {
    case 'bool':
      return value(dice.chance(50))
    case 'long':
      return value(longValue(dice))
    case 'string':
      return value(stringValue(dice))
    case 'entity':
      return dice.chance(60) ? variable(dice) : value({ __entity: partyUid(dice) })
    case 'set':
      return { Set: times(dice.roll(4), () => value(dataValue(dice, dice.pick(['long', 'string', 'bool'])))) }
    case 'record':
      return dice.chance(40) ? { Var: 'context' } : { Record: { x: value(1), long: value(longValue(dice)) } }
    default:
      return { [sort]: [value(extensionText(dice, sort))] }
  }
}

function variable(dice: Dice): Expression {
  return { Var: dice.pick(['principal', 'resource', 'action', 'principal']) }
}

/** An attribute or tag whose name promises the sort. */
function access(dice: Dice, sort: Sort, depth: number): Expression {
  const name = dice.chance(90) ? sort : dice.pick(names)
  const holder: Sort = dice.chance(60) ? 'entity' : 'record'
  const left = depth > 0 ? expression(dice, holder, depth - 1) : holderLeaf(dice, holder)
  if (holder === 'entity' && dice.chance(15)) return binary('getTag', left, value(name))
  return { '.': { left, attr: name } }
}

function holderLeaf(dice: Dice, holder: 'entity' | 'record'): Expression {
  return holder === 'entity' ? variable(dice) : { Var: 'context' }
}

function made(dice: Dice, sort: Sort, depth: number): Expression {
  const of = (wanted: Sort): Expression => expression(dice, wanted, depth)
  switch (sort) {
    case 'bool':
      return predicate(dice, depth)
    case 'long':
      if (dice.chance(20)) return { neg: { arg: of('long') } }
      if (dice.chance(15)) return { [dice.pick(toNumbers)]: [of('duration')] }
      return binary(dice.pick(['+', '-', '*']), of('long'), of('long'))
    case 'set': {
      const element = dice.pick(sorts)
      return { Set: times(dice.roll(4), () => of(element)) }
    }
    case 'record':
      return {
        Record: Object.fromEntries(times(dice.roll(4), () => [dice.pick(names), of(dice.pick(sorts))])),
      }
    case 'datetime':
      return dice.chance(50) ? { offset: [of('datetime'), of('duration')] } : { toDate: [of('datetime')] }
    case 'duration':
      if (dice.chance(50)) return { durationSince: [of('datetime'), of('datetime')] }
      return { toTime: [of('datetime')] }
    case 'ip':
    case 'decimal':
      return { [sort]: [dice.chance(80) ? value(extensionText(dice, sort)) : of('string')] }
    case 'string':
    case 'entity':
      return leaf(dice, sort)
    default:
      return sort satisfies never
  }
}

const toNumbers = ['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'] as const
const decimalTests = ['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'] as const
const ipTests = ['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'] as const
const comparisons = ['<', '<=', '>', '>='] as const

function predicate(dice: Dice, depth: number): Expression {
  const of = (wanted: Sort): Expression => expression(dice, wanted, depth)
  const forms: readonly (() => Expression)[] = [
    () => binary('&&', of('bool'), of('bool')),
    () => binary('||', of('bool'), of('bool')),
    () => ({ '!': { arg: of('bool') } }),
    () => equality(dice, of),
    () => equality(dice, of),
    () => {
      const ordered = dice.pick(['long', 'long', 'datetime', 'duration'] as const)
      return binary(dice.pick(comparisons), of(ordered), of(ordered))
    },
    () => binary('contains', of('set'), of(dice.pick(sorts))),
    () => binary(dice.pick(['containsAll', 'containsAny']), of('set'), of('set')),
    () => ({ isEmpty: { arg: of('set') } }),
    () => binary('in', of('entity'), dice.chance(60) ? of('entity') : entitySet(dice, depth)),
    () => ({ is: typeTest(dice, of) }),
    () => ({ has: { left: of(dice.pick(['entity', 'record'])), attr: presence(dice) } }),
    () => binary('hasTag', of('entity'), dice.chance(80) ? value(dice.pick(names)) : of('string')),
    () => ({ like: { left: of('string'), pattern: pattern(dice) } }),
    () => ({ [dice.pick(decimalTests)]: [of('decimal'), of('decimal')] }),
    () => ({ [dice.pick(ipTests)]: [of('ip')] }),
    () => ({ isInRange: [of('ip'), of('ip')] }),
  ]
  return dice.pick(forms)()
}

function equality(dice: Dice, of: (sort: Sort) => Expression): Expression {
  const sort = dice.pick(sorts)
  return binary(dice.chance(70) ? '==' : '!=', of(sort), of(sort))
}

function entitySet(dice: Dice, depth: number): Expression {
  return { Set: times(dice.roll(4), () => expression(dice, 'entity', depth - 1)) }
}

function typeTest(dice: Dice, of: (sort: Sort) => Expression): Expression {
  const test = { left: of('entity'), entity_type: dice.pick([...partyTypes, 'Action']) }
  return dice.chance(35) ? { ...test, in: of('entity') } : test
}

function presence(dice: Dice): string | readonly string[] {
  const name = dice.pick(names)
  // Longer paths are written with identifiers only.
  return dice.chance(25) ? ['record', dice.pick(['record', 'entity']), dice.pick(['x', 'long'])] : name
}

function pattern(dice: Dice): readonly unknown[] {
  return times(dice.roll(5), () => (dice.chance(45) ? 'Wildcard' : { Literal: stringValue(dice) }))
}

function party(dice: Dice): Expression {
  const entity = partyUid(dice)
  const type = dice.pick(partyTypes)
  if (dice.chance(60)) return { op: 'All' }
  return dice.pick([
    { op: '==', entity },
    { op: 'in', entity },
    { op: 'is', entity_type: type },
    { op: 'is', entity_type: type, in: { entity } },
  ])
}

function action(dice: Dice): Expression {
  if (dice.chance(60)) return { op: 'All' }
  return dice.pick([
    { op: '==', entity: actionUid(dice) },
    { op: 'in', entity: actionUid(dice) },
    { op: 'in', entities: times(dice.roll(4), () => actionUid(dice)) },
  ])
}

/** One static policy; `forbids` is the chance, in percent, that it is a forbid. */
export function policy(dice: Dice, forbids = 35): Expression {
  return {
    effect: dice.chance(forbids) ? 'forbid' : 'permit',
    principal: party(dice),
    action: action(dice),
    resource: party(dice),
    conditions: times(dice.pick([0, 1, 1, 1, 2, 3]), () => ({
      kind: dice.chance(70) ? 'when' : 'unless',
      body: expression(dice, 'bool', 1 + dice.roll(6)),
    })),
  }
}
