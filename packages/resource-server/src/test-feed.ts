import {
  eventStreamMediaType,
  type RevocationTopic,
  revocationDigest,
} from '@holdfast/protocol/revocation-event.ts'
import type { Clock, FetchedResponse, FetchInit } from './ports.ts'

/** What an issuer says on its revocation feed, as a test has it say. */
export interface TestFeed {
  readonly answer: (init: FetchInit) => FetchedResponse
  /** `Last-Event-ID` of every connection. */
  readonly asked: (string | undefined)[]
  readonly say: (event: string, data: unknown, id?: string) => Promise<void>
  /** @param name identifier of what ended, in clear @param at when; now unless said */
  readonly end: (topic: RevocationTopic, name: string, at?: number) => Promise<void>
  /** A heartbeat that says: asked this very moment. */
  readonly beat: () => Promise<void>
  /** Ends every connection; the API comes back by itself. */
  readonly hangUp: () => Promise<void>
}

interface Reader {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  readonly openedMs: number
}

const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

/** @param monotonicMs the clock of the API, which a heartbeat is judged by */
export function testFeed(issuer: string, clock: Clock, monotonicMs: () => number): TestFeed {
  const readers = new Set<Reader>()
  const asked: (string | undefined)[] = []
  const sayTo = (data: (reader: Reader) => unknown, event: string, id: string): Promise<void> => {
    for (const reader of readers)
      reader.controller.enqueue(
        Buffer.from(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data(reader))}\n\n`),
      )
    return turn()
  }
  const heard = async (): Promise<void> => {
    for (let count = 0; count < 400 && readers.size === 0; count++) await turn()
  }
  return {
    asked,
    answer: ({ headers, signal }) => {
      asked.push(headers['last-event-id'])
      const body = new ReadableStream<Uint8Array>({
        start: controller => {
          const reader = { controller, openedMs: monotonicMs() }
          readers.add(reader)
          signal.addEventListener('abort', () => {
            if (readers.delete(reader)) controller.error(new Error('aborted'))
          })
        },
      })
      return new Response(body, { headers: { 'content-type': eventStreamMediaType } })
    },
    say: async (event, data, id = '1.1') => {
      await heard()
      await sayTo(() => data, event, id)
    },
    end: async (topic, name, at = clock.now()) => {
      await heard()
      const digest = revocationDigest(topic, issuer, name)
      await sayTo(() => ({ topic, digest, at, committed_ms: at * 1000 }), 'revoked', '1.1')
    },
    beat: async () => {
      await heard()
      await sayTo(({ openedMs }) => ({ elapsed_ms: monotonicMs() - openedMs }), 'heartbeat', '1.1')
    },
    hangUp: async () => {
      for (const { controller } of readers) controller.close()
      readers.clear()
      await turn()
    },
  }
}
