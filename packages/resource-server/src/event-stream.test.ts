import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { eventCharactersMax, readEvents, type StreamEvent } from './event-stream.ts'

async function read(chunks: readonly Uint8Array[]): Promise<readonly StreamEvent[]> {
  const body = (async function* () {
    yield* chunks
  })()
  const events: StreamEvent[] = []
  for await (const event of readEvents(body)) events.push(event)
  return events
}

describe('the stream of events', () => {
  test('is the same however it is cut into pieces', async () => {
    const bytes = Buffer.from('id: 1.2\nevent: revoked\ndata: {"ä":1}\n\ndata: x\n\n: comment\n\nid: 3')
    const whole = await read([bytes])
    assert.deepEqual(whole, [
      { id: '1.2', event: 'revoked', data: '{"ä":1}' },
      { id: undefined, event: 'message', data: 'x' },
    ])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: bytes.length })), async cuts => {
        const places = [0, ...cuts.toSorted((one, other) => one - other), bytes.length]
        const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
        assert.deepEqual(await read(pieces), whole)
      }),
    )
  })

  test('any bytes are events or an error, in bounded memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 })), async chunks => {
        await read(chunks).catch((thrown: unknown) => assert.ok(thrown instanceof Error))
      }),
    )
  })

  test('an event has an end', async () => {
    const longest = `data: ${'x'.repeat(eventCharactersMax - 6)}`
    assert.equal((await read([Buffer.from(`${longest}\n\n`)])).length, 1)
    await assert.rejects(read([Buffer.from(`${longest}x\n\n`)]), /too long/)
    await assert.rejects(read([Buffer.from(`${longest}xyz`)]), /too long/)
  })
})
