import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { root } from './source-files.ts'

/** The table of docs/operate/evidence.md about independent clients says what the tests do. */

const [, table = ''] = readFileSync(join(root, 'docs/operate/evidence.md'), 'utf8').split(
  '## What independent clients prove',
)
const claimed = [...table.matchAll(/^\| ([^|]+) \| ([\w, -]+) \| (test\/[\w-]+\.test\.ts) \|$/gm)].map(
  ([, flow = '', libraries = '', file = '']) => ({ flow, libraries: libraries.split(', '), file }),
)

/** The text of a test, and of what it imports from `test/product`. */
function sourcesOf(path: string, seen = new Set<string>()): string {
  if (seen.has(path) || !existsSync(path)) return ''
  seen.add(path)
  const text = readFileSync(path, 'utf8')
  const imported = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, file = '']) => join(dirname(path), file))
  return [text, ...imported.map(file => sourcesOf(file, seen))].join('\n')
}

describe('the table of independent clients', () => {
  it('has every flow that was asked for', () => assert.ok(claimed.length >= 15))

  for (const { flow, libraries, file } of claimed)
    it(`${flow}: ${file} runs ${libraries.join(' and ')} on both stores`, () => {
      const path = join(root, file)
      assert.match(readFileSync(path, 'utf8'), /for \(const store of \['sqlite', 'postgres'\]/)
      const sources = sourcesOf(path)
      for (const library of libraries)
        assert.ok(new RegExp(`import \\* as \\w+ from '${library}'`).test(sources), library)
    })
})
