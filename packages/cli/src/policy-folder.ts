import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import type { Parsed, PolicySource } from '@holdfast/policy'
import type { Desk } from './command.ts'
import { exitCodes } from './exit-codes.ts'

export interface PolicyFolder {
  readonly source: PolicySource
  /** Files of tests, by name. */
  readonly tests: Readonly<Record<string, string>>
}

/** Policies, schema and tests of a folder. @returns undefined when it cannot be read, which has been told */
export async function readPolicyFolder(
  { terminal, leave }: Desk,
  folder: string,
): Promise<Parsed<PolicyFolder> | undefined> {
  try {
    return await readFolder(folder)
  } catch (cause) {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
    leave(exitCodes.broken)
    return undefined
  }
}

/** The same for who tells of a failure otherwise. @throws Error when the folder cannot be read */
export async function readFolder(folder: string): Promise<Parsed<PolicyFolder>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .toSorted()
  const schemas = files.filter(name => name.endsWith('.cedarschema'))
  const [schema] = schemas
  if (schema === undefined || schemas.length > 1)
    return no(folder, `expected one \`.cedarschema\`, found ${schemas.length}`)
  const texts = async (ending: string): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(
        files
          .filter(name => name.endsWith(ending) && !basename(name).startsWith('.'))
          .map(async name => [name, await readFile(join(folder, name), 'utf8')] as const),
      ),
    )
  const policies = await texts('.cedar')
  if (Object.keys(policies).length === 0) return no(folder, 'found no `.cedar` file')
  const text = await readFile(join(folder, schema), 'utf8')
  const value = { source: { schema: { name: schema, text }, policies }, tests: await texts('.tests.json') }
  return { ok: true, value }
}

function no(place: string, message: string): Parsed<never> {
  return { ok: false, problems: [{ place, message }] }
}
