import { type Dice, times } from './dice.ts'

/** Entities, contexts and values for differential tests: small enough to collide, odd enough to fail. */

export type Sort =
  | 'bool'
  | 'long'
  | 'string'
  | 'entity'
  | 'set'
  | 'record'
  | 'decimal'
  | 'ip'
  | 'datetime'
  | 'duration'

export const sorts: readonly Sort[] = [
  'bool',
  'long',
  'string',
  'entity',
  'set',
  'record',
  'decimal',
  'ip',
  'datetime',
  'duration',
]

export interface Uid {
  readonly type: string
  readonly id: string
}

export const partyTypes: readonly string[] = ['User', 'Team', 'Bank::User', 'Bank::Account']
export const ids: readonly string[] = ['a', 'b', 'c', '"', '::"a']
export const names: readonly string[] = [...sorts, 'x', 'in', 'a "b"', '']
const actionIds: readonly string[] = ['read', 'write', 'all', 'pay']

const longs = [0, 1, -1, 2, 3, 7, 100, 2 ** 31, 2 ** 53 - 1, -(2 ** 53 - 1), 4_503_599_627_370_496]
const strings = ['', 'a', 'b', 'ab', 'aab', 'a*b', '*', 'é', '😀', '😀a', '\\', '1', '-0', 'read', 'bool']

const decimals = ['0.0', '-0.5', '1.0', '1.00', '12.3456', '922337203685477.5807', '-922337203685477.5808']
const wrongDecimals = ['1', '1.', '.1', '1.12345', '922337203685477.5808', '+1.0', '١.٠', '1.0 ', '00.10']
const addresses = ['10.0.0.1', '10.0.0.0/8', '10.1.2.3/0', '127.0.0.1', '127.0.0.1/7', '224.0.0.1', '::1']
const moreAddresses = ['::', 'ff00::/8', 'ff00::/7', '2001:db8::1/32', '1:2:3:4:5:6:7::', '0:0:0:0:0:0:0:1']
const wrongAddresses = ['10.0.0.01', '10.0.0.1/33', '10.0.0.1/08', '::ffff:1.2.3.4', '1::2::3', '10.0.0', '']
const moreWrongAddresses = [
  'fe80::1%1',
  '::/129',
  '1:2:3:4:5:6:7:8::',
  '1:2:3:4::5:6:7:8',
  '10.0.0.1/',
  ':1::',
]
const datetimes = [
  '1970-01-01',
  '2026-11-21T08:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '0000-01-01',
  '0050-03-01',
]
const moreDatetimes = ['9999-12-31T23:59:59.999-2359', '2024-02-29', '2026-11-21T00:00:00.5Z', '2023-02-29']
const wrongDatetimes = ['2026-11-21T24:00:00Z', '2026-11-21T08:00:60Z', '2026-11-21T08:00:00', '2026-1-1', '']
const durations = ['0ms', '1d', '-1d', '1d2h3m4s5ms', '-86400000ms', '9223372036854775807ms', '90m']
const moreDurations = ['-9223372036854775808ms', '106751991167d7h12m55s807ms', '-106751991167d7h12m55s808ms']
const wrongDurations = [
  '',
  '-',
  '1',
  '1ms1s',
  '9223372036854775808ms',
  '106751991168d',
  '1d ',
  '--1s',
  '1.5s',
]

const texts: Readonly<Record<'decimal' | 'ip' | 'datetime' | 'duration', readonly string[]>> = {
  decimal: decimals,
  ip: [...addresses, ...moreAddresses],
  datetime: [...datetimes, ...moreDatetimes.slice(0, 2)],
  duration: [...durations, ...moreDurations],
}
const wrongTexts: typeof texts = {
  decimal: wrongDecimals,
  ip: [...wrongAddresses, ...moreWrongAddresses],
  datetime: [...wrongDatetimes, ...moreDatetimes.slice(2)],
  duration: wrongDurations,
}

const letters: typeof texts = {
  decimal: [...'0123456789.-'],
  ip: [...'0123456789.:/abcdef'],
  datetime: [...'0123456789-:TZ.+'],
  duration: [...'0123456789-dhms'],
}

/** Text for a constructor: mostly well-formed, at times one letter off, at times wrong. */
export function extensionText(dice: Dice, sort: keyof typeof texts): string {
  if (dice.chance(8)) return dice.pick(wrongTexts[sort])
  const text = dice.pick(texts[sort])
  if (!dice.chance(15)) return text
  const at = dice.roll(text.length + 1)
  return text.slice(0, at) + dice.pick(letters[sort]) + text.slice(at + dice.roll(2))
}

export const longValue = (dice: Dice): number => dice.pick(longs)
export const stringValue = (dice: Dice): string => dice.pick(dice.chance(20) ? names : strings)
export const partyUid = (dice: Dice): Uid => ({ type: dice.pick(partyTypes), id: dice.pick(ids) })
export const actionUid = (dice: Dice): Uid => ({ type: 'Action', id: dice.pick(actionIds) })

/** A value in Cedar's JSON data format; extension values are always well-formed, or the whole document is refused. */
export function dataValue(dice: Dice, sort: Sort, depth = 0): unknown {
  switch (sort) {
    case 'bool':
      return dice.chance(50)
    case 'long':
      return longValue(dice)
    case 'string':
      return stringValue(dice)
    case 'entity':
      return { __entity: dice.chance(10) ? actionUid(dice) : partyUid(dice) }
    case 'set': {
      const of = dice.pick(sorts.slice(0, depth < 3 ? sorts.length : 4))
      return times(dice.roll(5), () => dataValue(dice, dice.chance(85) ? of : 'long', depth + 1))
    }
    case 'record':
      return dataRecord(dice, depth < 3 ? dice.roll(4) : 0, depth + 1)
    default:
      return { __extn: { fn: sort, arg: dice.pick(texts[sort]) } }
  }
}

/** Fields mostly hold what their name says. */
export function dataRecord(dice: Dice, fields: number, depth = 0): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    times(fields, () => {
      const name = dice.pick(names)
      const sort = sorts.find(candidate => candidate === name)
      return [name, dataValue(dice, sort === undefined || dice.chance(10) ? dice.pick(sorts) : sort, depth)]
    }),
  )
}

/** A hierarchy without circles: parents come later in the list, or are not in it. */
export function dataEntities(dice: Dice): readonly unknown[] {
  const all = [
    ...partyTypes.flatMap(type => ids.map(id => ({ type, id }))),
    ...actionIds.map(id => ({ type: 'Action', id })),
  ].filter(() => dice.chance(55))
  return all.map((uid, index) => {
    // Actions have only actions above them, as in every schema.
    const later = all.slice(index + 1).filter(({ type }) => (type === 'Action') === (uid.type === 'Action'))
    const parents = later.filter(() => dice.chance(15))
    const stranger = uid.type !== 'Action' && dice.chance(10) ? [{ type: 'Team', id: 'stranger' }] : []
    return {
      uid,
      attrs: dataRecord(dice, dice.roll(12)),
      parents: [...parents, ...stranger],
      ...(dice.chance(40) && { tags: dataRecord(dice, dice.roll(4)) }),
    }
  })
}
