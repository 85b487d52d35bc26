import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ApplyResult, Change } from '@holdfast/server/control/admin-api.ts'
import {
  type AddCommand,
  configOption,
  type Desk,
  json,
  outputOption,
  reportProblem,
  withAdmin,
} from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

interface ApplyOptions {
  readonly file: readonly string[]
  readonly dryRun?: boolean
  readonly prune?: boolean
  readonly config?: string
  readonly output: string
}

interface NamedText {
  readonly path: string
  readonly text: string
}

const filesMax = 1000
const signs: Readonly<Record<Change['action'], string>> = {
  create: '+',
  update: '~',
  delete: '-',
  unchanged: ' ',
}

export const addApply: AddCommand = (program, desk) => {
  program
    .command('apply')
    .description('bring clients, users, scopes, resource servers and profiles to what documents say')
    .requiredOption('-f, --file <path...>', 'files, or folders with .yaml, .yml and .json files')
    .option('--dry-run', 'show the plan and change nothing')
    .option('--prune', 'delete what the files do not name, within the kinds and issuers that they do name')
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ file, dryRun = false, prune = false, config, output }: ApplyOptions) => {
      const files = read(file)
      if (typeof files === 'string') {
        desk.terminal.err(files)
        return desk.leave(exitCodes.usage)
      }
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.apply({ files, dryRun, prune })
        if (!answer.ok) return reportProblem(desk, answer)
        if (output === 'json') desk.terminal.out(json(answer.value))
        else writePlan(desk, answer.value)
        return exitCodes.done
      })
    })
}

function writePlan(
  { terminal }: Desk,
  { changes, narrowed, dryRun, revision, reference }: ApplyResult,
): void {
  for (const { action, kind, name, fields } of changes) {
    const line = `${signs[action]} ${kind}/${name}`
    terminal.out(action === 'unchanged' ? terminal.faint(`${line} unchanged`) : terminal.strong(line))
    if (action !== 'update') continue
    for (const { field, from, to } of fields)
      terminal.out(`    ${field}: ${from ?? '(absent)'} -> ${to ?? '(absent)'}`)
  }
  for (const { name } of narrowed)
    terminal.out(`! Client/${name} may have less: its access tokens that say more end`)
  const count = (action: Change['action']): number =>
    changes.filter(change => change.action === action).length
  const counts = `${count('create')} created, ${count('update')} updated, ${count('delete')} deleted, ${count('unchanged')} unchanged`
  if (dryRun) terminal.out(`dry run, nothing was changed: ${counts}`)
  else
    terminal.out(reference === undefined ? counts : `${counts}; revision ${revision}, reference ${reference}`)
}

/** The files of all paths in order, or why not. */
function read(paths: readonly string[]): readonly NamedText[] | string {
  try {
    const files = paths.flatMap(path => (statSync(path).isDirectory() ? documentsIn(path) : [path]))
    if (files.length === 0) return 'there is no .yaml, .yml or .json file'
    if (files.length > filesMax) return `more than ${filesMax} files`
    return files.map(path => ({ path, text: readFileSync(path, 'utf8') }))
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

function documentsIn(folder: string): readonly string[] {
  const isDocument = (entry: Dirent): boolean => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name)
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(isDocument)
    .map(entry => join(entry.parentPath, entry.name))
    .toSorted()
}
