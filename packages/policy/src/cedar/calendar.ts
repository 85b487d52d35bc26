import { type Long, longOf } from './long.ts'

const datePattern = /^([0-9]{4})-([0-9]{2})-([0-9]{2})/
const timePattern = /^T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2}))$/
const durationPattern = /^(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/
const unitsMs = [86_400_000n, 3_600_000n, 60_000n, 1_000n, 1n] as const

/**
 * Reads `2026-11-21`, `2026-11-21T08:00:00Z` and the forms with milliseconds and an offset (`.123+0100`).
 * @returns milliseconds since 1970 in UTC; undefined when the text is no datetime
 */
export function parseDatetime(text: string): number | undefined {
  const date = datePattern.exec(text)
  if (date === null) return undefined
  const midnight = midnightOf(Number(date[1]), Number(date[2]), Number(date[3]))
  const rest = text.slice(date[0].length)
  if (midnight === undefined || rest === '') return midnight
  const time = timePattern.exec(rest)
  if (time === null) return undefined
  const [hour = 0, minute = 0, second = 0] = time.slice(1, 4).map(Number)
  const [offsetHour, offsetMinute] = [Number(time[6] ?? 0), Number(time[7] ?? 0)]
  // A leap second cannot be told from a mistake, so it is none.
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return undefined
  const offset = (offsetHour * 60 + offsetMinute) * (time[5] === '-' ? -60_000 : 60_000)
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000 + Number(time[4] ?? 0) - offset
}

function midnightOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isReal ? date.getTime() : undefined
}

/**
 * Reads `1d2h3m4s5ms`, any part left out, `-` in front for the past.
 * @returns milliseconds; undefined when the text is no duration or does not fit
 */
export function parseDuration(text: string): Long | undefined {
  const match = durationPattern.exec(text)
  if (match === null || text === '' || text === '-') return undefined
  const sign = match[1] === '-' ? -1n : 1n
  let total = 0n
  for (const [index, unit] of unitsMs.entries()) {
    // Digits without end would make the arithmetic the attack; twenty is more than any Long has.
    const digits = (match[index + 2] ?? '0').replace(/^0+(?=.)/, '')
    if (digits.length > 20) return undefined
    const amount = BigInt(digits)
    // Only milliseconds may reach the one value that has no positive twin: the others are scaled while positive.
    if (longOf(unit === 1n ? sign * amount : amount * unit) === undefined) return undefined
    total += sign * amount * unit
  }
  return longOf(total)
}

/**
 * Reads `12.3456`: digits on both sides of the point, at most four behind it.
 * @returns ten-thousandths; undefined when the text is no decimal or does not fit
 */
export function parseDecimal(text: string): Long | undefined {
  const match = /^(-?)([0-9]+)\.([0-9]{1,4})$/.exec(text)
  if (match === null) return undefined
  const whole = (match[2] ?? '').replace(/^0+(?=.)/, '')
  if (whole.length > 20) return undefined
  const amount = BigInt(whole) * 10_000n + BigInt((match[3] ?? '').padEnd(4, '0'))
  return longOf(match[1] === '-' ? -amount : amount)
}
