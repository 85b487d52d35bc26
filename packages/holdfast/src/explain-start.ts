import type { Bootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { Fault } from '@holdfast/server/ports.ts'

/** What to do about a fault that keeps a process from starting. */
const advice: Readonly<Record<string, string>> = {
  'store.unavailable': 'check that the database runs and that `store` in holdfast.yaml names it',
  'store.deadline': 'the database is reached and does not answer; check its load and the network',
  'store.full': 'free space where the data is',
  'store.locked': 'stop the other process, or give this one a dataFolder of its own',
  'store.corrupt': 'keep the file for analysis and restore the last backup; see the runbooks',
  'store.foreign': 'set store.path, or dataFolder, to a place of its own',
  'store.version': 'start the program version that wrote it, or restore the backup made before that upgrade',
  'geography.broken': 'mend the file, or take `risk.geographyFile` out of holdfast.yaml',
  'keys.sealed': 'put back the key that keyEncryptionKeyFile held when this store was first started',
}

/** A start that failed, in the words of the setting that mends it. */
export function explainStart(thrown: unknown, { listeners }: Pick<Bootstrap, 'listeners'>): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const { code, port } = thrown as NodeJS.ErrnoException & { readonly port?: number }
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    const name = Object.entries(listeners).find(([, address]) => address.port === port)?.[0]
    const why = code === 'EADDRINUSE' ? 'is in use by another process' : 'may not be opened by this user'
    return `port ${port} ${why}; free it, or set listeners.${name ?? '<name>'}.port in holdfast.yaml`
  }
  if (!(thrown instanceof Fault)) return thrown.stack ?? thrown.message
  const todo = advice[thrown.code]
  return [thrown.message, causeOf(thrown), todo].filter(part => part !== undefined).join('\n  ')
}

/** What the database or the system said, when the fault itself does not say it. */
function causeOf({ cause, message }: Fault): string | undefined {
  const said = cause instanceof AggregateError ? cause.errors[0] : cause
  if (!(said instanceof Error) || said.message === '' || message.includes(said.message)) return undefined
  return said.message
}
