import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'

/** How one administrator reaches one server over HTTPS. */
export interface AdminProfile {
  /** Absolute path of the file. */
  readonly file: string
  readonly issuer: string
  /** Origin of the admin API; also its resource identifier. */
  readonly admin: string
  readonly clientId: string
  /** Private JWK of the client, for `private_key_jwt`. */
  readonly keyFile: string
  /** PEM of the authority of both servers, when it is not a public one. */
  readonly caFile: string | undefined
  readonly scopes: readonly string[]
  /** Whether a user signs in; otherwise the client speaks for itself. */
  readonly login: boolean
}

const members = ['issuer', 'admin', 'clientId', 'keyFile', 'caFile', 'scopes', 'login']

/** @throws Error that says what is wrong with the file */
export function readAdminProfile(path: string, cwd: string): AdminProfile {
  const file = resolve(cwd, path)
  const base = dirname(file)
  const value: unknown = parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 })
  const wrong = (message: string): Error => new Error(`\`${path}\`: ${message}`)
  if (typeof value !== 'object' || value === null) throw wrong('is no profile')
  const unknown = Object.keys(value).filter(key => !members.includes(key))
  if (unknown.length > 0) throw wrong(`unknown key \`${unknown.join('`, `')}\``)
  const profile = value as Readonly<Record<string, unknown>>
  const text = (name: string): string => {
    const found = profile[name]
    if (typeof found !== 'string' || found === '') throw wrong(`\`${name}\` is missing`)
    return found
  }
  const url = (name: string): string => {
    const found = text(name)
    if (!URL.canParse(found) || !found.startsWith('https://')) throw wrong(`\`${name}\` is no https URL`)
    return found.replace(/\/$/, '')
  }
  const { scopes, login = false, caFile } = profile
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(scope => typeof scope === 'string'))
    throw wrong('`scopes` is no list of scopes')
  if (typeof login !== 'boolean') throw wrong('`login` is neither true nor false')
  const keyFile = resolve(base, text('keyFile'))
  for (const secret of [file, keyFile]) assertPrivate(secret)
  return {
    ...{ file, issuer: url('issuer'), admin: url('admin'), clientId: text('clientId'), keyFile, login },
    scopes: scopes as readonly string[],
    caFile: caFile === undefined ? undefined : resolve(base, text('caFile')),
  }
}

/** @throws Error when others on this machine can read it */
export function assertPrivate(file: string): void {
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    throw new Error(`\`${file}\` can be read by others on this machine; \`chmod 600\` it`)
}
