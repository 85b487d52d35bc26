import { type InnerList, type Item, serializeInnerList, serializeItem } from '../../wire/structured-field.ts'

/** What components of a message are taken from. */
export interface Message {
  /** By name, with its `@` (RFC 9421 section 2.2). */
  readonly derived: ReadonlyMap<string, string>
  /** All values of a field by lower-case name. */
  readonly field: (name: string) => readonly string[]
}

/** @param targetUri as the client wrote it, nothing normalised */
export function requestMessage(method: string, targetUri: string, field: Message['field']): Message {
  return {
    derived: new Map([
      ['@method', method],
      ['@target-uri', targetUri],
    ]),
    field,
  }
}

export function responseMessage(status: number, field: Message['field']): Message {
  return { derived: new Map([['@status', String(status)]]), field }
}

/** What signatures of a message may cover: itself, and with `req` the request it answers. */
export interface Signable {
  readonly message: Message
  readonly request?: Message | undefined
}

/** A value is one line of what a field can hold: a line break would let one component speak for two. */
const line = /^[\t\x20-\x7e]*$/

/** @returns undefined when the message has no such component, or none that is one line */
export function componentValue({ item, params }: Item, { message, request }: Signable): string | undefined {
  const from = params.has('req') ? request : message
  if (from === undefined || item.type !== 'string') return undefined
  const { value: name } = item
  const value = name.startsWith('@') ? from.derived.get(name) : combined(from.field(name))
  return value !== undefined && line.test(value) ? value : undefined
}

/** The lines of a field as one (RFC 9421 section 2.1). */
function combined(values: readonly string[]): string | undefined {
  return values.length === 0
    ? undefined
    : values.map(value => value.replaceAll(/^[\t ]+|[\t ]+$/g, '')).join(', ')
}

/** What is signed (RFC 9421 section 2.5); undefined when a covered component is not to be had. */
export function signatureBase(list: InnerList, signable: Signable): string | undefined {
  let base = ''
  for (const item of list.items) {
    const value = componentValue(item, signable)
    if (value === undefined) return undefined
    base += `${serializeItem(item)}: ${value}\n`
  }
  return `${base}"@signature-params": ${serializeInnerList(list)}`
}

/** A covered component by name; with `req` of the request that is answered. */
export function component(name: string, isOfRequest = false): Item {
  const params = isOfRequest ? new Map([['req', { type: 'boolean', value: true } as const]]) : new Map()
  return { item: { type: 'string', value: name }, params }
}
