import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Clause, ClauseManifest, Rule } from '@holdfast/protocol'
import roomRefusals from './room-refusals.json' with { type: 'json' }

/** A clause with the document it stands in. */
export interface KnownClause extends Clause {
  readonly document: string
  readonly url: string
}

export interface KnownRule extends Pick<Rule<unknown>, 'id' | 'clauses' | 'level' | 'title'> {
  /** Path inside the protocol package. */
  readonly file: string
  /** Files beside it whose tests name the rule. */
  readonly tests: readonly string[]
}

/** What a parser or a guard of `commit` refuses: there is nothing to judge, so there is no rule object. */
export interface KnownRefusal {
  readonly id: string
  readonly error: string
  readonly clauses: readonly string[]
  /** Path inside `packages/`. */
  readonly file: string
}

/** Every clause and every rule of the law, read from the spec rooms themselves so that it cannot fall behind. */
export interface Catalogue {
  readonly clauses: readonly KnownClause[]
  readonly rules: readonly KnownRule[]
  readonly refusals: readonly KnownRefusal[]
}

const protocolFolder = dirname(fileURLToPath(import.meta.resolve('@holdfast/protocol')))
const lawFolders = ['specs', 'sender', 'wire', 'jose']

export async function readCatalogue(): Promise<Catalogue> {
  const clauses: KnownClause[] = []
  const rules = new Map<string, KnownRule>()
  for (const folder of roomsOf(protocolFolder)) {
    const names = readdirSync(folder).filter(name => name.endsWith('.ts'))
    const tests = names.filter(name => name.endsWith('.test.ts'))
    for (const name of names.filter(name => /^(?:[\w-]+-)?(?:rules|clauses)\.ts$/.test(name))) {
      const path = join(folder, name)
      const exported = Object.values((await import(pathToFileURL(path).href)) as Record<string, unknown>)
      for (const manifest of exported.filter(isManifest))
        for (const clause of manifest.clauses)
          clauses.push({ ...clause, document: manifest.title, url: manifest.url })
      for (const { id, clauses: stands, level, title } of exported.flatMap(asArray).filter(isRule)) {
        const naming = tests.filter(test => readFileSync(join(folder, test), 'utf8').includes(`'${id}'`))
        const inside = (file: string): string => join(folder, file).slice(protocolFolder.length + 1)
        rules.set(id, { id, clauses: stands, level, title, file: inside(name), tests: naming.map(inside) })
      }
    }
  }
  return { clauses, rules: [...rules.values()], refusals: roomRefusals }
}

function roomsOf(base: string): readonly string[] {
  return lawFolders.flatMap(folder => [
    join(base, folder),
    ...readdirSync(join(base, folder), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => join(base, folder, entry.name)),
  ])
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function isManifest(value: unknown): value is ClauseManifest {
  return typeof value === 'object' && value !== null && 'spec' in value && 'clauses' in value
}

function isRule(value: unknown): value is Rule<unknown> {
  return (
    typeof value === 'object' && value !== null && 'id' in value && 'check' in value && 'clauses' in value
  )
}
