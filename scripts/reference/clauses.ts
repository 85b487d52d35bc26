import type { Standing } from '@holdfast/protocol'
import type { Catalogue, KnownClause } from '../../packages/cli/src/catalogue.ts'
import { cell, generated, table } from './markdown.ts'

/** Every clause that concerns what is built, by document, and where it stands. */
export function clausesPage({ clauses }: Catalogue): string {
  const documents = [...new Set(clauses.map(({ document }) => document))].toSorted()
  const count = (kind: Standing['kind']): number =>
    clauses.filter(({ standing }) => standing.kind === kind).length
  return [
    '# Clauses',
    generated,
    `${clauses.length} clauses of ${documents.length} documents: ${count('ruled')} ruled, ${count('shown')} observed by a test, ` +
      `${count('otherParty')} binding somebody else, ${count('notApplicable')} not applicable.`,
    'What each demands is told in our words; the document says it with authority.',
    ...documents.flatMap(document => sectionOf(document, clauses)),
    '',
  ].join('\n\n')
}

function sectionOf(document: string, clauses: readonly KnownClause[]): readonly string[] {
  const own = clauses.filter(clause => clause.document === document)
  return [
    `## ${document}`,
    linkOf(own[0]?.url ?? ''),
    table(
      ['Clause', 'Level', 'Says', 'Standing', 'Rows'],
      own.map(({ id, level, says, standing, rows = [] }) => [
        id,
        level,
        cell(says),
        cell(textOf(standing)),
        rows.join(' '),
      ]),
    ),
  ]
}

function textOf(standing: Standing): string {
  switch (standing.kind) {
    case 'ruled':
      return 'ruled'
    case 'shown':
      return `test: ${standing.test}`
    case 'otherParty':
      return `binds the ${standing.party}`
    case 'notApplicable':
      return `not applicable: ${standing.reason}`
    default:
      return standing satisfies never
  }
}

/** A document of our own stands in this repository, where an autolink leads nowhere. */
function linkOf(url: string): string {
  return url.startsWith('https://') ? `<${url}>` : `[${url.replace('../', 'docs/')}](${url})`
}
