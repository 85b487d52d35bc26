import type * as x509 from '@peculiar/x509'

/** One attribute: type as OID, value folded as directories compare it. */
interface Attribute {
  readonly type: string
  readonly value: string
}

/** Relative names in order; each is a set of attributes. */
export type DistinguishedName = readonly (readonly Attribute[])[]

/** Short names of RFC 4514 section 3, and those that certificates of banks and open-finance schemes use. */
const typeNames: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  SURNAME: '2.5.4.4',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  T: '2.5.4.12',
  TITLE: '2.5.4.12',
  BUSINESSCATEGORY: '2.5.4.15',
  POSTALCODE: '2.5.4.17',
  G: '2.5.4.42',
  I: '2.5.4.43',
  GIVENNAME: '2.5.4.42',
  ORGANIZATIONIDENTIFIER: '2.5.4.97',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  E: '1.2.840.113549.1.9.1',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
  JURISDICTIONLOCALITYNAME: '1.3.6.1.4.1.311.60.2.1.1',
  JURISDICTIONSTATEORPROVINCENAME: '1.3.6.1.4.1.311.60.2.1.2',
  JURISDICTIONCOUNTRYNAME: '1.3.6.1.4.1.311.60.2.1.3',
}

const objectIdentifier = /^[0-2](\.(0|[1-9]\d*))+$/
const attributesMax = 32

/** Parse the RFC 4514 text of a registration; undefined when it is malformed or has an unknown type. */
export function parseDistinguishedName(text: string): DistinguishedName | undefined {
  const name: Attribute[][] = []
  let relative: Attribute[] = []
  let at = 0
  for (let count = 0; count < attributesMax; count++) {
    const equals = text.indexOf('=', at)
    if (equals < 0) return undefined
    const type = oidOf(text.slice(at, equals).trim())
    const read = readValue(text, equals + 1)
    if (type === undefined || read === undefined) return undefined
    relative.push({ type, value: folded(read.value) })
    const separator = text.charAt(read.end)
    if (separator !== '+') {
      name.push(relative)
      relative = []
    }
    if (separator === '') return name
    at = read.end + 1
  }
  return undefined
}

function oidOf(type: string): string | undefined {
  return objectIdentifier.test(type) ? type : typeNames[type.toUpperCase()]
}

interface ReadValue {
  readonly value: string
  /** Index of the separator, or of the end. */
  readonly end: number
}

/** Up to an unescaped `,`, `;` or `+`; escapes are `\` and a special character, or `\` and two hex digits. */
function readValue(text: string, start: number): ReadValue | undefined {
  const bytes: Buffer[] = []
  let at = start
  while (at < text.length && !',;+'.includes(text.charAt(at))) {
    const character = text.charAt(at)
    if (character !== '\\') {
      if ('"<>\0'.includes(character)) return undefined
      const codePoint = String.fromCodePoint(text.codePointAt(at) ?? 0)
      bytes.push(Buffer.from(codePoint))
      at += codePoint.length
      continue
    }
    const hex = text.slice(at + 1, at + 3)
    if (/^[0-9a-fA-F]{2}$/.test(hex)) bytes.push(Buffer.from(hex, 'hex'))
    else if (/^[ "#+,;<=>\\]/.test(hex)) bytes.push(Buffer.from(hex.charAt(0)))
    else return undefined
    at += /^[0-9a-fA-F]{2}$/.test(hex) ? 3 : 2
  }
  const literal = Buffer.concat(bytes).toString('utf8')
  const value = text.charAt(start) === '#' ? stringOfDer(literal) : literal
  return value === undefined || value.trim() === '' ? undefined : { value, end: at }
}

/** PrintableString, UTF8String and IA5String. */
const stringTags: readonly number[] = [0x13, 0x0c, 0x16]
const shortLengthMax = 127

/** The `#` form, hex of a DER value; undefined for anything but one short string. */
function stringOfDer(literal: string): string | undefined {
  if (!/^#([0-9a-fA-F]{2}){3,}$/.test(literal)) return undefined
  const der = Buffer.from(literal.slice(1), 'hex')
  const [tag = 0, length = 0] = der
  if (!stringTags.includes(tag) || length > shortLengthMax || length !== der.length - 2) return undefined
  return der.subarray(2).toString('utf8')
}

/** As caseIgnoreMatch does (RFC 4517 section 4.2.11): case folded, spaces at the ends dropped, inner ones one. */
function folded(value: string): string {
  return value.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase()
}

export function nameOfCertificate(certificate: x509.X509Certificate): DistinguishedName {
  return certificate.subjectName
    .toJSON()
    .map(relative =>
      Object.entries(relative).flatMap(([type, values]) =>
        values.map(value => ({ type: oidOf(type) ?? type, value: folded(value) })),
      ),
    )
}

/**
 * Equal as structures, never as text. RFC 4514 prints the last relative name first and many tools print the first
 * one first; both spell the same attributes in the same nesting, so either direction is accepted.
 */
export function isSameName(left: DistinguishedName, right: DistinguishedName): boolean {
  return isSameSequence(left, right) || isSameSequence(left, right.toReversed())
}

function isSameSequence(left: DistinguishedName, right: DistinguishedName): boolean {
  return (
    left.length === right.length && left.every((relative, index) => isSameSet(relative, right[index] ?? []))
  )
}

function isSameSet(left: readonly Attribute[], right: readonly Attribute[]): boolean {
  const text = (attributes: readonly Attribute[]): string =>
    JSON.stringify(attributes.map(({ type, value }) => [type, value]).toSorted())
  return left.length === right.length && text(left) === text(right)
}
