import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCatalogue } from '../packages/cli/src/catalogue.ts'
import { root } from '../test/source-files.ts'
import { clausesPage } from './reference/clauses.ts'
import { limitsPage } from './reference/limits.ts'
import { profilesPage } from './reference/profiles.ts'
import { recordedAnswers } from './reference/recorded-answers.ts'
import { roomRefusals } from './reference/room-refusals.ts'
import { rulesPage } from './reference/rules.ts'

/** Every page of the reference by path, made from the sources as they are now. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const catalogue = await readCatalogue()
  return new Map([
    // For `holdfast explain`: the command must know what the pages know.
    ['packages/cli/src/room-refusals.json', `${JSON.stringify(roomRefusals(catalogue), undefined, 2)}\n`],
    // For a start with the policies that we ship: what the Cedar reference says of them.
    [
      'packages/policy/src/cedar/recorded-answers.json',
      `${JSON.stringify(recordedAnswers(), undefined, 2)}\n`,
    ],
    ['docs/reference/rules.md', await rulesPage(catalogue)],
    ['docs/reference/clauses.md', clausesPage(catalogue)],
    ['docs/reference/profiles.md', profilesPage()],
    ['docs/reference/limits.md', limitsPage()],
  ])
}

if (import.meta.main) {
  for (const [name, text] of await referencePages()) {
    writeFileSync(join(root, name), text)
    process.stdout.write(`${name}\n`)
  }
}
