import { type Dice, times } from './dice.ts'
import { extensionText } from './random-data.ts'

/**
 * Policies that ask one thing each, of constants alone: texts of extension values, patterns, and Longs at their
 * edges. Hundreds fit into one question, so what is rare elsewhere is common here.
 */
export function focusedPolicy(dice: Dice): Readonly<Record<string, unknown>> {
  const question = dice.pick([datetimes, durations, decimals, addresses, patterns, longs])
  return {
    effect: 'permit',
    principal: { op: 'All' },
    action: { op: 'All' },
    resource: { op: 'All' },
    conditions: [{ kind: 'when', body: question(dice) }],
  }
}

type Expression = Readonly<Record<string, unknown>>

const value = (literal: unknown): Expression => ({ Value: literal })
const binary = (operator: string, left: Expression, right: Expression): Expression => ({
  [operator]: { left, right },
})
const comparison = (dice: Dice): string => dice.pick(['==', '!=', '<', '<=', '>', '>='])

function text(dice: Dice, sort: 'decimal' | 'ip' | 'datetime' | 'duration'): Expression {
  return { [sort]: [value(sort === 'datetime' && dice.chance(50) ? clock(dice) : extensionText(dice, sort))] }
}

/** The same reading of a clock in some zone and in none. */
function zones(dice: Dice): Expression {
  const reading = `2026-11-2${dice.roll(2)}T0${dice.roll(10)}:30:00`
  const there = { datetime: [value(`${reading}${dice.pick(['+0130', '-0130', '+0000', '-2359'])}`)] }
  const here = { datetime: [value(`${reading}Z`)] }
  return binary(
    comparison(dice),
    { durationSince: [there, here] },
    {
      duration: [value(dice.pick(['90m', '-90m', '0ms', '1439m', '-1439m']))],
    },
  )
}

/** A time of two neighbouring days, each field around its edge. */
function clock(dice: Dice): string {
  const field = (edges: readonly string[]): string => dice.pick(edges)
  const time = `${field(['00', '12', '23', '24'])}:${field(['00', '59', '60'])}:${field(['00', '59', '60', '61'])}`
  const zone = dice.pick(['Z', 'Z', '+0000', '-0000', '+0130', '-0130', '+2359', '-2359', '+2400', '-0060'])
  return `2026-11-${field(['20', '21', '30', '31'])}T${time}${field(['', '.001', '.999'])}${zone}`
}

function datetimes(dice: Dice): Expression {
  if (dice.chance(25)) return zones(dice)
  const at = text(dice, 'datetime')
  const seen = dice.pick([at, { toDate: [at] }, { offset: [at, text(dice, 'duration')] }])
  if (dice.chance(40)) return binary(comparison(dice), seen, text(dice, 'datetime'))
  const between = dice.pick([{ toTime: [seen] }, { durationSince: [seen, text(dice, 'datetime')] }])
  return binary(comparison(dice), between, text(dice, 'duration'))
}

function durations(dice: Dice): Expression {
  const length = text(dice, 'duration')
  if (dice.chance(40)) return binary(comparison(dice), length, text(dice, 'duration'))
  const unit = dice.pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])
  return binary(comparison(dice), { [unit]: [length] }, edge(dice))
}

function decimals(dice: Dice): Expression {
  const [left, right] = [text(dice, 'decimal'), text(dice, 'decimal')]
  const test = dice.pick(['==', 'lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])
  return test === '==' ? binary(test, left, right) : { [test]: [left, right] }
}

function addresses(dice: Dice): Expression {
  const [left, right] = [range(dice), range(dice)]
  const test = dice.pick(['==', 'isInRange', 'isInRange', 'isIpv4', 'isLoopback', 'isMulticast'])
  if (test === '==') return binary(test, left, right)
  return { [test]: test === 'isInRange' ? [left, right] : [left] }
}

function range(dice: Dice): Expression {
  if (dice.chance(50)) return text(dice, 'ip')
  const isV4 = dice.chance(50)
  const hosts = isV4
    ? ['10.0.0.1', '10.0.0.255', '10.0.1.0', '127.255.255.255', '128.0.0.0', '223.255.255.255', '239.1.1.1']
    : ['::1', '::2', 'fe00::', 'ff00::', 'ffff::1', '2001:db8::', '2001:db9::']
  const prefixes = isV4 ? [0, 3, 4, 7, 8, 23, 24, 31, 32, 33] : [0, 7, 8, 31, 32, 127, 128, 129]
  const zero = dice.chance(5) ? '0' : ''
  return { ip: [value(`${dice.pick(hosts)}/${zero}${dice.pick(prefixes)}`)] }
}

function patterns(dice: Dice): Expression {
  const letters = (most: number): string =>
    times(dice.roll(most), () => dice.pick(['a', 'a', 'b', '😀'])).join('')
  const pattern = times(dice.roll(6), () => (dice.chance(50) ? 'Wildcard' : { Literal: letters(3) }))
  // Texts made of the pattern's own pieces, one too few at times, are the ones that nearly match.
  const pieces = pattern.flatMap(part => (typeof part === 'string' ? [] : [part.Literal]))
  const text = dice.pick([
    letters(7),
    pieces.join(''),
    pieces.slice(1).join(''),
    pieces.slice(0, -1).join(''),
  ])
  return { like: { left: value(text), pattern } }
}

/** Within one or two of the ends of 64 bits, of 53 bits, or of nothing. */
function edge(dice: Dice): Expression {
  const near = value(dice.roll(5) - 2)
  const min: Expression = { toMilliseconds: [{ duration: [value('-9223372036854775808ms')] }] }
  const max: Expression = { toMilliseconds: [{ duration: [value('9223372036854775807ms')] }] }
  const safe = value(dice.pick([1, -1]) * (2 ** 53 - 1))
  return dice.pick([near, near, min, max, safe, binary('+', safe, near), binary('-', max, near)])
}

function longs(dice: Dice): Expression {
  const sum = binary(dice.pick(['+', '-', '*']), edge(dice), edge(dice))
  return binary(comparison(dice), dice.chance(30) ? { neg: { arg: sum } } : sum, edge(dice))
}
