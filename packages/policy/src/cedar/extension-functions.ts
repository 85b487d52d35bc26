import { parseDatetime, parseDecimal, parseDuration } from './calendar.ts'
import { EvaluationError, wrongType } from './evaluation-error.ts'
import { isInRange, isLoopback, isMulticast, parseIpRange } from './ip-range.ts'
import { addLongs, divideLong, type Long, remainderOfLong, subtractLongs } from './long.ts'
import type { IpRange, Scalar, Value } from './value.ts'

export interface ExtensionFunction {
  readonly arity: 1 | 2
  readonly call: (first: Value, second: Value) => Value
}

const day = 86_400_000

function scalar(kind: Scalar['kind'], amount: Long | undefined, what: string): Scalar {
  if (amount === undefined) throw new EvaluationError('extension', what)
  return { kind, amount }
}

function text(value: Value): string {
  if (typeof value !== 'string') throw wrongType('string', value)
  return value
}

function amountOf(kind: Scalar['kind'], value: Value): Long {
  if (typeof value !== 'object' || value.kind !== kind) throw wrongType(kind, value)
  return value.amount
}

function range(value: Value): IpRange {
  if (typeof value !== 'object' || value.kind !== 'ipaddr') throw wrongType('ipaddr', value)
  return value
}

const compareDecimals = (holds: (left: Long, right: Long) => boolean): ExtensionFunction => ({
  arity: 2,
  call: (left, right) => holds(amountOf('decimal', left), amountOf('decimal', right)),
})

const ofRange = (ask: (range: IpRange) => boolean): ExtensionFunction => ({
  arity: 1,
  call: value => ask(range(value)),
})

const ofDuration = (unitMs: number): ExtensionFunction => ({
  arity: 1,
  call: value => divideLong(amountOf('duration', value), unitMs),
})

/** Every function of Cedar's extensions `decimal`, `ipaddr` and `datetime`, by its name in the JSON policy format. */
export const extensionFunctions: ReadonlyMap<string, ExtensionFunction> = new Map<string, ExtensionFunction>([
  ['decimal', { arity: 1, call: value => scalar('decimal', parseDecimal(text(value)), 'not a decimal') }],
  ['lessThan', compareDecimals((left, right) => left < right)],
  ['lessThanOrEqual', compareDecimals((left, right) => left <= right)],
  ['greaterThan', compareDecimals((left, right) => left > right)],
  ['greaterThanOrEqual', compareDecimals((left, right) => left >= right)],

  [
    'ip',
    {
      arity: 1,
      call: value => {
        const parsed = parseIpRange(text(value))
        if (parsed === undefined) throw new EvaluationError('extension', 'not an IP address or range')
        return parsed
      },
    },
  ],
  ['isIpv4', ofRange(({ version }) => version === 4)],
  ['isIpv6', ofRange(({ version }) => version === 6)],
  ['isLoopback', ofRange(isLoopback)],
  ['isMulticast', ofRange(isMulticast)],
  ['isInRange', { arity: 2, call: (inner, outer) => isInRange(range(inner), range(outer)) }],

  ['datetime', { arity: 1, call: value => scalar('datetime', parseDatetime(text(value)), 'not a datetime') }],
  ['duration', { arity: 1, call: value => scalar('duration', parseDuration(text(value)), 'not a duration') }],
  [
    'offset',
    {
      arity: 2,
      call: (at, by) => {
        const moved = addLongs(amountOf('datetime', at), amountOf('duration', by))
        return scalar('datetime', moved, 'overflow while moving a datetime')
      },
    },
  ],
  [
    'durationSince',
    {
      arity: 2,
      call: (later, earlier) => {
        const between = subtractLongs(amountOf('datetime', later), amountOf('datetime', earlier))
        return scalar('duration', between, 'overflow while measuring a duration')
      },
    },
  ],
  [
    'toDate',
    {
      arity: 1,
      call: value => {
        const at = amountOf('datetime', value)
        return scalar('datetime', subtractLongs(at, remainderOfLong(at, day)), 'overflow while taking a date')
      },
    },
  ],
  [
    'toTime',
    {
      arity: 1,
      call: value => ({ kind: 'duration', amount: remainderOfLong(amountOf('datetime', value), day) }),
    },
  ],
  ['toMilliseconds', ofDuration(1)],
  ['toSeconds', ofDuration(1_000)],
  ['toMinutes', ofDuration(60_000)],
  ['toHours', ofDuration(3_600_000)],
  ['toDays', ofDuration(day)],
])
