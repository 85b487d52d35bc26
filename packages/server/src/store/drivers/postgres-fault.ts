import { Fault } from '../../ports.ts'

/** SQLSTATE of an error the server sent; undefined when the connection itself broke. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Classes 22 and 23: a value nothing can store, two rows with one key. The list's own, and undone alone. */
export function isOwn(error: unknown): boolean {
  const state = sqlState(error)
  return state?.startsWith('23') === true || state?.startsWith('22') === true
}

/** Serialization failure, deadlock, lock timeout: another node stands in the way, and trying again helps. */
export function isContention(error: unknown): boolean {
  return ['40001', '40P01', '55P03'].includes(sqlState(error) ?? '')
}

/** The connection ended, by the network or by the server's shutdown; not a refusal, not a deadline. */
export function isBroken(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined) return state === '57P01'
  return error instanceof Error && error.message.startsWith('Connection terminated')
}

export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  const state = sqlState(error)
  if (state === '53100') return new Fault('store.full', { cause: error })
  if (state === '57014') return new Fault('store.deadline', { cause: error })
  if (state?.startsWith('23')) return new Fault('store.conflict', { cause: error })
  if (state?.startsWith('XX')) return new Fault('store.corrupt', { cause: error })
  if (error instanceof Error && error.message === 'Query read timeout') {
    return new Fault('store.deadline', { cause: error })
  }
  return new Fault('store.unavailable', { cause: error })
}
