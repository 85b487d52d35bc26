import { defaultLimits, type EdgeLimits } from '@holdfast/server/http/limits.ts'
import { isTest, type SourceFile, sourceFiles } from '../../test/source-files.ts'
import { cell, generated, table } from './markdown.ts'

/** A named constant whose name ends in what it bounds: `bodyBytesMax`, `idleTimeoutMs`, `freshSeconds`. */
const constant =
  /((?:^[ \t]*(?:\/\/|\/?\*)[^\n]*\n)*)^(?:export )?const (\w*(?:Max|Min|Ms|Seconds|Bytes))(?:: \w+)? = ([\d_]+(?: \* [\d_]+)*|\d+)$/gm

/** Everything that has a stated maximum, read from where it is stated. */
export function limitsPage(): string {
  const names = Object.keys(defaultLimits) as (keyof EdgeLimits)[]
  const files = sourceFiles('packages', ['.ts']).filter(file => !isTest(file))
  return [
    '# Limits',
    generated,
    '## The edge',
    'What one request may cost before a room sees it.',
    table(
      ['Limit', 'Value'],
      names.map(name => [`\`${name}\``, String(defaultLimits[name])]),
    ),
    '## Everywhere else',
    'Lifetimes that a profile decides stand in [profiles.md](profiles.md).',
    table(
      ['Constant', 'Value', 'What for', 'File'],
      files.filter(({ path }) => !/\/(cli|demo)\//.test(path)).flatMap(rowsOf),
    ),
    '',
  ].join('\n\n')
}

function rowsOf({ path, text }: SourceFile): readonly (readonly string[])[] {
  return [...text.matchAll(constant)].map(([, comment = '', name = '', value = '']) => [
    `\`${name}\``,
    value.replaceAll('_', ' '),
    cell(plain(comment)),
    path.replace('packages/', ''),
  ])
}

function plain(comment: string): string {
  return comment
    .split('\n')
    .map(line => line.replace(/^[ \t]*(?:\/\/|\/?\*+\/?)[ \t]?/, '').replace(/[ \t]*\*\/$/, ''))
    .join(' ')
    .trim()
}
