import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { referencePages } from '../scripts/generate-reference.ts'
import { root } from './source-files.ts'

for (const [name, text] of await referencePages())
  test(`${name} is what the sources say; \`npm run reference\` brings it up to date`, () => {
    const lines = (page: string): readonly string[] => page.split('\n')
    const [stored, made] = [lines(readFileSync(join(root, name), 'utf8')), lines(text)]
    // Line by line: a difference shows as one row, not as a page.
    const differing = made.findIndex((line, index) => line !== stored[index])
    assert.equal(stored[differing], made[differing])
    assert.equal(stored.length, made.length)
  })
