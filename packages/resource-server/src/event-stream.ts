/** One server-sent event (WHATWG HTML section 9.2), as far as the feed uses them. */
export interface StreamEvent {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** Longest event; the feed's own are below 400 characters. */
export const eventCharactersMax = 4096

/**
 * Splits a stream into events.
 * @throws Error when an event is too long or the bytes are not UTF-8
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let waiting = ''
  for await (const chunk of body) {
    waiting += decoder.decode(chunk, { stream: true })
    let end = waiting.indexOf('\n\n')
    while (end !== -1) {
      if (end > eventCharactersMax) throw new Error('an event of the feed is too long')
      const event = eventOf(waiting.slice(0, end))
      waiting = waiting.slice(end + 2)
      if (event !== undefined) yield event
      end = waiting.indexOf('\n\n')
    }
    if (waiting.length > eventCharactersMax) throw new Error('an event of the feed is too long')
  }
}

function eventOf(text: string): StreamEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''))
  }
  const data = fields.get('data')
  return data === undefined
    ? undefined
    : { id: fields.get('id'), event: fields.get('event') ?? 'message', data }
}
