import type { IncomingMessage } from 'node:http'
import { type EdgeRefusal, edgeRefusals } from './edge-error.ts'

const empty = Buffer.alloc(0)

/**
 * The whole body, never more than `bytesMax` of it in memory. How long it may take is the listener's
 * request timeout. Calls `done` exactly once, unless the client goes away first.
 */
export function readBody(
  raw: IncomingMessage,
  bytesMax: number,
  done: (body: Buffer | EdgeRefusal) => void,
): void {
  const chunks: Buffer[] = []
  let bytes = 0
  let isDone = false
  const finish = (result: Buffer | EdgeRefusal): void => {
    if (isDone) return
    isDone = true
    done(result)
  }

  raw.on('data', (chunk: Buffer) => {
    if (isDone) return
    bytes += chunk.length
    if (bytes > bytesMax) {
      chunks.length = 0
      finish(edgeRefusals.bodyTooLarge)
      return
    }
    chunks.push(chunk)
  })
  raw.on('end', () => {
    if (chunks.length === 0) finish(empty)
    else finish(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes))
  })
  raw.on('error', () => finish(edgeRefusals.bodyBroken))
}
