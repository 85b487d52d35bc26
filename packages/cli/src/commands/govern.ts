import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { type AddCommand, type Desk, json } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { type ImportedApi, importOpenApi } from '../openapi.ts'
import type { Terminal } from '../terminal.ts'
import { addGovernReport } from './govern-report.ts'
import { addScopeGrants } from './scope-grants.ts'

interface ImportOptions {
  readonly resourceServer: string
  readonly owner: string
  readonly tier: string
  readonly withScopes?: boolean
  readonly out?: string
}

/** `holdfast govern …`: who may do what at which API. */
export const addGovern: AddCommand = (program, desk) => {
  const govern = program
    .command('govern')
    .description('which scope lets into which operation of an API, and which client may have it')
  govern
    .command('import <file>')
    .description(
      'write the ApiOperations document of an API, for review, from OpenAPI 3.0 or 3.1; asks no server',
    )
    .requiredOption('--resource-server <name>', 'the ResourceServer document it goes with')
    .requiredOption('--owner <name>', 'who answers for the API')
    .option('--tier <number>', 'risk, 0 to 4, of operations without `x-risk-tier`', '3')
    .option('--with-scopes', 'also write a Scope document for each scope, in the words of the file')
    .option('--out <file>', 'write there instead of to the terminal; nothing is overwritten')
    .action((file: string, options: ImportOptions) => importFile(desk, file, options))
  addScopeGrants(govern, desk)
  addGovernReport(govern, desk)
}

function importFile({ terminal, leave }: Desk, file: string, options: ImportOptions): void {
  if (/^[0-4]$/.test(options.tier)) leave(imported(terminal, file, options))
  else {
    terminal.err('`--tier` is a number from 0 to 4')
    leave(exitCodes.usage)
  }
}

function imported(terminal: Terminal, file: string, options: ImportOptions): number {
  try {
    const read = importOpenApi(readFileSync(file, 'utf8'), Number(options.tier))
    if (!read.ok) {
      terminal.err(`${file} ${read.problem}`)
      return exitCodes.no
    }
    const text = documentsOf(read.value, options)
    if (options.out === undefined) terminal.out(text.trimEnd())
    else {
      writeFileSync(options.out, text, { flag: 'wx' })
      terminal.out(`wrote ${options.out}: ${read.value.operations.length} operations`)
    }
    for (const note of read.value.notes) terminal.err(note)
    terminal.err(`name these scopes in ResourceServer/${options.resourceServer}: ${scopeNames(read.value)}`)
    return exitCodes.done
  } catch (cause) {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
    return exitCodes.broken
  }
}

function scopeNames({ scopes }: ImportedApi): string {
  return scopes.size === 0 ? 'none' : [...scopes.keys()].join(', ')
}

function documentsOf(
  { operations, scopes }: ImportedApi,
  { resourceServer, owner, withScopes = false }: ImportOptions,
): string {
  const catalogue = documentText('ApiOperations', resourceServer, { owner, operations })
  const words = withScopes
    ? [...scopes].map(([name, description]) =>
        documentText('Scope', name, {
          title: description.slice(0, 80),
          description: description.slice(0, 400),
        }),
      )
    : []
  return [...words, catalogue].join('---\n')
}

function documentText(kind: string, name: string, spec: unknown): string {
  // Through JSON: equal parts would become aliases, which `apply` refuses.
  const plain: unknown = JSON.parse(json({ apiVersion: 'holdfast/v1', kind, metadata: { name }, spec }))
  return stringify(plain, { aliasDuplicateObjects: false, lineWidth: 120 })
}
