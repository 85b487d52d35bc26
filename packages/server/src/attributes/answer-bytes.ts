import type { Duplex } from 'node:stream'

/** Bytes of one answer of a service, a directory or a database: what is larger tells nothing that an attribute would take. */
export const answerBytesMax = 65_536

/** What a source is that says more. */
export const answersTooMuch = `it answered with more than ${answerBytesMax} bytes`

/**
 * Breaks a connection off when more comes over it than an answer may have.
 * @param tooLarge called before
 * @returns ends the count
 */
export function boundAnswer(stream: Duplex, tooLarge: () => void): () => void {
  let bytes = 0
  const count = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes <= answerBytesMax) return
    tooLarge()
    stream.destroy()
  }
  stream.on('data', count)
  return () => {
    stream.off('data', count)
  }
}
