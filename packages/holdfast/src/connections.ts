import { readFileSync } from 'node:fs'
import type { Connection } from '@holdfast/server/attributes/connections.ts'
import type { ConnectionChoice } from '@holdfast/server/control/bootstrap/connections.ts'
import { reachFrom, readSecret } from './reach.ts'

/** The connections that the configuration names, with what its files hold. */
export function connections(choices: readonly ConnectionChoice[]): readonly Connection[] {
  return choices.map(choice => {
    if (choice.kind === 'postgres') {
      const { kind, name, urlFile } = choice
      return { kind, name, connectionString: readFileSync(urlFile, 'utf8').trim() }
    }
    if (choice.kind === 'ldap') {
      const { kind, name, url, bindDn, passwordFile, caFile } = choice
      const readPassword = (): Promise<string> => readSecret(passwordFile)
      const caPem = caFile === undefined ? undefined : readFileSync(caFile, 'utf8')
      return { kind, name, url, bindDn, readPassword, caPem }
    }
    const { kind, name, url, bearerFile } = choice
    const readBearer = bearerFile === undefined ? undefined : () => readSecret(bearerFile)
    return { kind, name, url, readBearer, reach: reachFrom(choice) }
  })
}
