import { exitCodes, type Terminal } from '@holdfast/cli'

/** A group and its leader are often both told to stop; that is one wish, not two. */
const sameWishMs = 500

/** Resolves at the first signal; one that comes later ends the process where it stands. */
export function signalled(terminal: Terminal): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    let firstMs: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        firstMs ??= performance.now()
        resolve(signal)
        if (performance.now() - firstMs < sameWishMs) return
        terminal.err(`${signal} again: leaving at once`)
        process.exit(exitCodes.broken)
      })
  })
}
