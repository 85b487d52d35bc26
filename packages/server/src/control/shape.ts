import { z } from 'zod'
import { type Checked, checked, type Problem } from './problem.ts'
import { didYouMean } from './suggestion.ts'

/** Of one value; whoever has more repairs these first. */
const issuesMax = 100

/**
 * A value against a schema, with messages for people: unknown keys come with the key that was probably meant.
 * @param place path of `value` inside `document`
 */
export function checkShape<T>(
  document: string,
  place: string,
  schema: z.ZodType<T>,
  value: unknown,
): Checked<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return checked(parsed.data)
  return {
    ok: false,
    problems: parsed.error.issues
      .slice(0, issuesMax)
      .flatMap(issue => problemsOf(document, place, schema, issue)),
  }
}

function problemsOf(
  document: string,
  place: string,
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
): readonly Problem[] {
  const field = textOfPath(place, issue.path)
  if (issue.code !== 'unrecognized_keys') return [{ document, field, message: messageOf(issue) }]
  const known = keysAt(schema, issue.path)
  return issue.keys.slice(0, issuesMax).map(key => ({
    document,
    field: textOfPath(field, [key]),
    message: `unknown key${didYouMean(key, known)}`,
  }))
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'is missing'
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
}

/** Keys that the object schema at `path` knows; empty when there is none. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let current: unknown = unwrapped(schema)
  for (const step of path) {
    if (current instanceof z.ZodObject) current = unwrapped(current.shape[String(step)])
    else if (current instanceof z.ZodArray) current = unwrapped(current.element)
    else if (current instanceof z.ZodRecord) current = unwrapped(current.valueType)
    else return []
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : []
}

function unwrapped(schema: unknown): unknown {
  let current = schema
  while (
    current instanceof z.ZodOptional ||
    current instanceof z.ZodDefault ||
    current instanceof z.ZodPrefault
  )
    current = current.unwrap()
  return current
}

/** `spec.metadata` + [`redirect_uris`, 0] → `spec.metadata.redirect_uris[0]`. */
export function textOfPath(place: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, place)
}
