import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCatalogue } from '../packages/cli/src/catalogue.ts'
import { root } from '../test/source-files.ts'
import { clausesPage } from './reference/clauses.ts'
import { limitsPage } from './reference/limits.ts'
import { profilesPage } from './reference/profiles.ts'
import { rulesPage } from './reference/rules.ts'

export const referenceFolder: string = join(root, 'docs/reference')

/** Every page of the reference by file name, made from the sources as they are now. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const catalogue = await readCatalogue()
  return new Map([
    ['rules.md', await rulesPage(catalogue)],
    ['clauses.md', clausesPage(catalogue)],
    ['profiles.md', profilesPage()],
    ['limits.md', limitsPage()],
  ])
}

if (import.meta.main) {
  mkdirSync(referenceFolder, { recursive: true })
  for (const [name, text] of await referencePages()) {
    writeFileSync(join(referenceFolder, name), text)
    process.stdout.write(`docs/reference/${name}\n`)
  }
}
