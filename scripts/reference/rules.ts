import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Rule } from '@holdfast/protocol'
import type { Catalogue, KnownRefusal, KnownRule } from '../../packages/cli/src/catalogue.ts'
import { root } from '../../test/source-files.ts'
import { cell, generated, table } from './markdown.ts'
import { roomRefusals } from './room-refusals.ts'

/** Every rule object, by the spec room it lives in; then the refusals that rooms make outside a table. */
export async function rulesPage(catalogue: Catalogue): Promise<string> {
  const files = [...new Set(catalogue.rules.map(({ file }) => file))].toSorted()
  const sections: string[] = []
  for (const file of files) {
    const rules = catalogue.rules.filter(rule => rule.file === file)
    const errors = await errorsOf(file)
    sections.push(
      `## ${file}`,
      table(
        ['Rule', 'Level', 'What holds', 'Error', 'Clauses'],
        rules.map(rule => rowOf(rule, errors.get(rule.id) ?? [])),
      ),
    )
  }
  return [
    '# Rules',
    generated,
    `${catalogue.rules.length} rules. A refusal, its audit record and its log line carry the rule's id; \`holdfast explain <id>\` shows one.`,
    ...sections,
    '## Refusals outside a rule table',
    'What a parser or a guard of `commit` refuses: there is nothing to judge, so there is no rule object.',
    table(['Id', 'Error', 'Clauses', 'File'], roomRefusals(catalogue).map(refusalRow)),
    '',
  ].join('\n\n')
}

function rowOf({ id, level, title, clauses }: KnownRule, errors: readonly string[]): readonly string[] {
  return [`\`${id}\``, level, cell(title), errors.map(error => `\`${error}\``).join(' '), clauses.join(' ')]
}

/** The error codes each check names in its own text; a check that delegates names none. */
async function errorsOf(file: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const path = join(root, 'packages/protocol/src', file)
  const exported = Object.values((await import(pathToFileURL(path).href)) as Record<string, unknown>)
  const rules = exported.flatMap(value => (Array.isArray(value) ? value : [value])).filter(isRule)
  return new Map(
    rules.map(({ id, check }) => {
      const named = [...String(check).matchAll(/\bfail\(\s*'([a-z_]+)'/g)].map(match => match[1] ?? '')
      return [id, [...new Set(named)]]
    }),
  )
}

function isRule(value: unknown): value is Rule<unknown> {
  return typeof value === 'object' && value !== null && 'id' in value && 'check' in value
}

function refusalRow({ id, error, clauses, file }: KnownRefusal): readonly string[] {
  return [`\`${id}\``, `\`${error}\``, clauses.join(' '), file]
}
