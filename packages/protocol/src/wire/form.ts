import { accept, type Outcome, type Refusal, refuse } from '../refusal.ts'

/** Parameters of a form body or a query string. A parameter without a value is absent (RFC 6749 section 3.1). */
export interface Form {
  /** The value, or undefined when absent or, for repeatable parameters, sent more than once. */
  readonly get: (name: string) => string | undefined
  readonly all: (name: string) => readonly string[]
  /** Names of the parameters that have a value, in the order they came. */
  readonly names: readonly string[]
}

export interface FormLimits {
  readonly parametersMax: number
}

export const formLimits: FormLimits = { parametersMax: 64 }

/** Parameters that a specification lets a client repeat (RFC 8707 section 2). */
const repeatable: ReadonlySet<string> = new Set(['resource'])

/** A form before anything was said about repeated parameters. */
export interface FormReading {
  readonly form: Form
  /** Names that stand more than once and may not; `form` does not answer for them. */
  readonly repeated: readonly string[]
}

/**
 * Parses `application/x-www-form-urlencoded` text strictly: no repeated parameter but `resource`, only well-formed
 * percent-encoded UTF-8, no raw characters outside printable ASCII. Serves query strings too.
 */
export function parseForm(body: string, limits: FormLimits = formLimits): Outcome<Form> {
  const reading = readForm(body, limits)
  if (!reading.ok) return reading
  const [repeated] = reading.value.repeated
  return repeated === undefined ? accept(reading.value.form) : duplicateRefusal(repeated)
}

/** The refusal of a repeated parameter, for rooms that must first find out where to send it. */
export function duplicateRefusal(name: string): Refusal {
  return refuse(
    'form.duplicate',
    ['RFC6749-3.1', 'RFC6749-3.2'],
    'invalid_request',
    `${quoted(name)} is sent more than once`,
    {
      parameter: name.slice(0, 64),
    },
  )
}

/**
 * As `parseForm`, but a repeated parameter is reported instead of refused: the authorization endpoint must know
 * `client_id` and `redirect_uri` before it can decide between a redirect and a page (RFC 6749 section 4.1.2.1).
 */
export function readForm(body: string, limits: FormLimits = formLimits): Outcome<FormReading> {
  // An empty list remembers that the name was sent, though a parameter without value is absent.
  const values = new Map<string, string[]>()
  const repeated = new Set<string>()
  if (body !== '') {
    const pairs = body.split('&', limits.parametersMax + 1)
    if (pairs.length > limits.parametersMax)
      return refuse(
        'form.size',
        ['RFC6749-3.1', 'RFC6749-3.2'],
        'invalid_request',
        `more than ${limits.parametersMax} parameters`,
      )
    // Nearly always all of it is well: one look instead of two for each parameter.
    const isPlain = encodedText.test(body)
    for (const pair of pairs) {
      if (pair === '') continue
      const equals = pair.indexOf('=')
      const name = decodeComponent(equals < 0 ? pair : pair.slice(0, equals), isPlain)
      const value = equals < 0 ? '' : decodeComponent(pair.slice(equals + 1), isPlain)
      if (name === undefined || name === '') return malformed('a parameter name')
      if (value === undefined) return malformed(`the value of ${quoted(name)}`)
      const before = values.get(name)
      if (before === undefined) values.set(name, value === '' ? [] : [value])
      else if (!repeatable.has(name)) repeated.add(name)
      else if (value !== '') before.push(value)
    }
  }
  for (const name of repeated) values.delete(name)
  return accept({ form: formOf(values), repeated: [...repeated] })
}

/** Parameters that came another way than as a form: those of a signed request. */
export function formOf(values: ReadonlyMap<string, readonly string[]>): Form {
  return {
    get: name => {
      const sent = values.get(name)
      return sent?.length === 1 ? sent[0] : undefined
    },
    all: name => values.get(name) ?? [],
    get names() {
      return [...values.keys()].filter(name => values.get(name)?.length !== 0)
    },
  }
}

function malformed(what: string): Refusal {
  return refuse(
    'form.encoding',
    ['RFC6749-3.1', 'RFC6749-3.2'],
    'invalid_request',
    `${what} is not percent-encoded UTF-8`,
  )
}

/** Parameter names come from the sender: only what is harmless in a log line is repeated. */
function quoted(name: string): string {
  return `\`${name.slice(0, 64).replace(/[^\w.:-]/g, '?')}\``
}

const encodedText = /^[\x21-\x7e]*$/

/** @param isPlain whether the whole text that this is a part of was looked through already */
function decodeComponent(text: string, isPlain: boolean): string | undefined {
  if (!isPlain && !encodedText.test(text)) return undefined
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    const decoded = decodeURIComponent(spaced)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}
