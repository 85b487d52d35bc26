import { cannotListen } from '@holdfast/cli'
import type { Bootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { Fault } from '@holdfast/server/ports.ts'
import { usedListeners } from './used-listeners.ts'

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
export async function explainStart(thrown: unknown, bootstrap: Listening): Promise<string> {
  if (!(thrown instanceof Error)) return String(thrown)
  const { code, port } = thrown as NodeJS.ErrnoException & { readonly port?: number }
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    const why = code === 'EADDRINUSE' ? 'is in use by another process' : 'may not be opened by this user'
    const used = Object.entries(usedListeners(bootstrap))
    const [name = '<name>', twin] = used.flatMap(([one, address]) => (address.port === port ? one : []))
    if (twin !== undefined)
      return `listeners.${name} and listeners.${twin} have one port, ${port}: set one of them in holdfast.yaml`
    const said = `port ${port} ${why}; free it, or set ${settingOf(name)} in holdfast.yaml`
    const others = await othersRefused(used.filter(([other]) => other !== name))
    return others.length === 0 ? said : `${said}\n  nor can these be opened: ${others.join(', ')}`
  }
  if (!(thrown instanceof Fault)) return thrown.stack ?? thrown.message
  const todo = advice[thrown.code]
  return [thrown.message, causeOf(thrown), todo].filter(part => part !== undefined).join('\n  ')
}

type Listening = Pick<Bootstrap, 'listeners' | 'admin' | 'demo'>

/** What else is set with a port, or instead of it. */
const besides: Readonly<Record<string, string>> = {
  public: ', with the port of issuers[].url',
  admin: ', or admin.enabled to false',
}

function settingOf(name: string): string {
  return `listeners.${name}.port${besides[name] ?? ''}`
}

/** All at once, so that nobody starts again for each: a second server on one machine collides at every port. */
async function othersRefused(
  listeners: readonly (readonly [name: string, address: Bootstrap['listeners']['public']])[],
): Promise<readonly string[]> {
  const asked = await Promise.all(
    listeners.map(async ([name, { host, port }]) => {
      const problem = port === 0 ? undefined : await cannotListen(host, port)
      return problem === undefined ? [] : [`${port} (${settingOf(name)})`]
    }),
  )
  return asked.flat()
}

/** What the database or the system said, when the fault itself does not say it. */
function causeOf({ cause, message }: Fault): string | undefined {
  const said = cause instanceof AggregateError ? cause.errors[0] : cause
  if (!(said instanceof Error) || said.message === '' || message.includes(said.message)) return undefined
  return said.message
}
