import { Fault } from '../../ports.ts'

/** Result codes of SQLite this driver tells apart; the low byte of what the library reports. */
const codes = { busy: 5, locked: 6, ioError: 10, corrupt: 11, full: 13, constraint: 19, notADatabase: 26 }

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined
  return error.errcode & 0xff
}

/** Two rows with one key, or a value nothing can store: the list's own mistake, never the disk's. */
export function isOwn(error: unknown): boolean {
  const code = resultCode(error)
  return code === codes.constraint || code === undefined
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === codes.busy || code === codes.locked
}

/** What the world did, by the name the rest of the program knows it by. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  switch (resultCode(error)) {
    case codes.full:
      return new Fault('store.full', { cause: error })
    case codes.corrupt:
    case codes.notADatabase:
      return new Fault('store.corrupt', { cause: error })
    case codes.constraint:
      return new Fault('store.conflict', { cause: error })
    default:
      return new Fault('store.unavailable', { cause: error })
  }
}

/**
 * After these nothing this process believes about the file may be trusted: it stops writing and recovers from
 * the log at the next start. A full disk is not among them: it heals when space returns.
 */
export function mustFence(error: unknown): boolean {
  const code = resultCode(error)
  return code === codes.ioError || code === codes.corrupt || code === codes.notADatabase
}
