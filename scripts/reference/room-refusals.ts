import type { Catalogue, KnownRefusal } from '../../packages/cli/src/catalogue.ts'
import { isTest, sourceFiles } from '../../test/source-files.ts'

/** What parsers and guards refuse without a rule object, read from the calls themselves. */
export function roomRefusals(catalogue: Pick<Catalogue, 'rules'>): readonly KnownRefusal[] {
  const ruled = new Set(catalogue.rules.map(({ id }) => id))
  const call = /\brefuse\(\s*'([\w.-]+)',\s*\[([^\]]*)\],\s*'([a-z_]+)'/g
  const found = new Map<string, KnownRefusal>()
  for (const { path, text } of sourceFiles('packages', ['.ts']).filter(source => !isTest(source)))
    for (const [, id = '', names = '', error = ''] of text.matchAll(call)) {
      if (ruled.has(id) || found.has(id)) continue
      const clauses = [...names.matchAll(/'([^']+)'/g)].map(match => match[1] ?? '')
      found.set(id, { id, error, clauses, file: path.replace('packages/', '') })
    }
  return [...found.values()].toSorted((left, right) => (left.id < right.id ? -1 : 1))
}
