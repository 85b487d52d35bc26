import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Parsed, type Problem, shippedPolicies, shippedTests, tokenSchema } from '@holdfast/policy'
import { type PolicyFolder, readFolder } from './policy-folder.ts'
import { shippedTexts } from './shipped-before.ts'

/** What became of the files that came from us. */
export interface Refreshed {
  readonly written: readonly string[]
  /** Edited since, so they are somebody's own now. */
  readonly kept: readonly string[]
  /** Ids of shipped policies that no file of the folder has: what they permit, somebody else has to. */
  readonly absent: readonly string[]
}

const howToRefresh =
  '`holdfast policy init <folder> --refresh` writes it, and leaves your own files as they are'

/** The server asks by its own schema: a folder with another one would be tested against questions nobody asks. */
export function schemaProblems({ schema }: PolicyFolder['source']): readonly Problem[] {
  if (schema.text.trim() === tokenSchema.text.trim()) return []
  return [
    {
      place: schema.name,
      message: isOurs(schema)
        ? `is the schema of another version: ${howToRefresh}`
        : `is not the schema of the server, \`${tokenSchema.name}\`: \`holdfast policy init\` begins a folder with that`,
    },
  ]
}

/** What to say of a folder that its own schema is good enough for: the server would not take it. */
export function outdatedNote({ schema }: PolicyFolder['source']): string | undefined {
  if (!isOurs(schema)) return undefined
  const [problem] = schemaProblems({ schema, policies: {} })
  return problem && `${problem.place} ${problem.message}; until then \`submit\` refuses the folder`
}

function isOurs({ name }: PolicyFolder['source']['schema']): boolean {
  return basename(name) === tokenSchema.name
}

/**
 * Writes the schema of this version into a folder, and the shipped policies and tests where they are as an earlier
 * version wrote them. A file that is not there is not made: taking away a shipped policy is a way to permit less.
 * @param before hashes of what was ever shipped, by file
 */
export async function refreshPolicies(
  folder: string,
  before: typeof shippedTexts = shippedTexts,
): Promise<Parsed<Refreshed>> {
  const read = await readFolder(folder)
  if (!read.ok) return read
  const { schema, policies } = read.value.source
  if (!isOurs(schema)) return { ok: false, problems: schemaProblems(read.value.source) }
  const written: string[] = []
  const kept: string[] = []
  const replace = async (path: string, text: string): Promise<void> => {
    // A whole file or the one before: a folder is checked by pipelines at any time.
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
    written.push(path)
  }
  if (schema.text !== tokenSchema.text) await replace(join(folder, schema.name), tokenSchema.text)
  for (const [name, text] of Object.entries({ ...shippedPolicies, ...shippedTests })) {
    const path = join(folder, name)
    if (!existsSync(path)) continue
    const now = await readFile(path, 'utf8')
    if (now === text) continue
    const isAsShipped = before[name]?.includes(createHash('sha256').update(now).digest('hex')) ?? false
    if (isAsShipped) await replace(path, text)
    else kept.push(path)
  }
  const own = Object.keys(policies).filter(name => !written.includes(join(folder, name)))
  const known = new Set(own.flatMap(name => idsOf(policies[name] ?? '')))
  const renewed = Object.entries(shippedPolicies).filter(([name]) => written.includes(join(folder, name)))
  for (const id of renewed.flatMap(([, text]) => idsOf(text))) known.add(id)
  const absent = Object.values(shippedPolicies)
    .flatMap(idsOf)
    .filter(id => !known.has(id))
  return { ok: true, value: { written, kept, absent } }
}

function idsOf(text: string): readonly string[] {
  return [...text.matchAll(/@id\("([^"]+)"\)/g)].map(([, id]) => id ?? '')
}
