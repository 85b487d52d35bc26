import type { TextFormat } from './detail-type.ts'

/** Controls, unassigned and private characters, line ends, and whatever is invisible or turns the direction of text. */
const deceptive = /[\p{C}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u

/**
 * Whether people read `text` as what it is: no character that hides, reorders or breaks it, one spelling for one
 * look, no space but single ones inside. Marks and letters of every script are welcome.
 */
export function isPlain(text: string): boolean {
  return (
    text !== '' &&
    !deceptive.test(text) &&
    text === text.normalize('NFC') &&
    text.trim() === text &&
    !/\s\s|[^\S ]/u.test(text) &&
    !/\p{M}{4}/u.test(text)
  )
}

const checks: Readonly<Record<TextFormat, (text: string) => boolean>> = {
  plain: isPlain,
  identifier: text => /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/.test(text),
  iban: isIban,
  bic: text => /^[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/.test(text),
  date: isDate,
  uri: isHttpsUri,
}

export function hasFormat(format: TextFormat, text: string): boolean {
  return checks[format](text)
}

/** ISO 13616: capital letters and digits without spaces, and the check digits are right. */
function isIban(text: string): boolean {
  if (!/^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/.test(text)) return false
  const turned = text.slice(4) + text.slice(0, 4)
  const digits = [...turned].map(character => Number.parseInt(character, 36).toString()).join('')
  return [...digits].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1
}

/** A day that is in the calendar, as `2026-11-21`. */
function isDate(text: string): boolean {
  const [, year, month, day] = /^([12][0-9]{3})-([01][0-9])-([0-3][0-9])$/.exec(text) ?? []
  if (year === undefined) return false
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return at.toISOString().startsWith(text)
}

function isHttpsUri(text: string): boolean {
  if (!/^https:\/\/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/.test(text) || !URL.canParse(text))
    return false
  const { username, password, href } = new URL(text)
  return username === '' && password === '' && (href === text || href === `${text}/`)
}
