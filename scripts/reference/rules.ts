import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Rule } from '@holdfast/protocol'
import type { Catalogue, KnownRule } from '../../packages/cli/src/catalogue.ts'
import { isTest, root, sourceFiles } from '../../test/source-files.ts'
import { cell, generated, table } from './markdown.ts'

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
  const known = new Set(catalogue.rules.map(({ id }) => id))
  return [
    '# Rules',
    generated,
    `${catalogue.rules.length} rules. A refusal, its audit record and its log line carry the rule's id; \`holdfast explain <id>\` shows one.`,
    ...sections,
    '## Refusals outside a rule table',
    'What a parser or a guard of `commit` refuses: there is nothing to judge, so there is no rule object.',
    table(['Id', 'Error', 'Clauses', 'File'], refusalsOf(known)),
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

function refusalsOf(known: ReadonlySet<string>): readonly (readonly string[])[] {
  const call = /\brefuse\(\s*'([\w.-]+)',\s*\[([^\]]*)\],\s*'([a-z_]+)'/g
  const rows = new Map<string, readonly string[]>()
  for (const file of sourceFiles('packages', ['.ts']).filter(source => !isTest(source)))
    for (const [, id = '', clauses = '', error = ''] of file.text.matchAll(call)) {
      if (known.has(id) || rows.has(id)) continue
      const names = [...clauses.matchAll(/'([^']+)'/g)].map(match => match[1] ?? '')
      rows.set(id, [`\`${id}\``, `\`${error}\``, names.join(' '), file.path.replace('packages/', '')])
    }
  return [...rows.values()].toSorted((left, right) => ((left[0] ?? '') < (right[0] ?? '') ? -1 : 1))
}
