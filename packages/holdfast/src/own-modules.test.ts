import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const { ownModule } = createRequire(import.meta.url)('../bin/own-modules.cjs') as {
  readonly ownModule: (packages: string, specifier: string, parent: string | undefined) => string | undefined
}
const packages = new URL('../../', import.meta.url).href
const folder = fileURLToPath(packages)

/** Names after `from` and in `import(…)`. */
function specifiersOf(path: string): readonly string[] {
  const found = readFileSync(path, 'utf8').matchAll(
    /(?:\bfrom|\bimport|\bimport\()\s*'(@holdfast\/[^']+|\.\.?\/[^']+\.ts)'/g,
  )
  return [...found].map(([, name]) => name ?? '')
}

/** Node resolves names of our packages to the folders that `node_modules` links to. */
const found = (name: string, parent: string): string =>
  pathToFileURL(createRequire(parent).resolve(name)).href

test('every name that our modules use leads where Node itself finds it', () => {
  const paths = globSync('*/src/**/*.ts', { cwd: folder }).filter(path => !path.endsWith('.test.ts'))
  const wanted = new Map<string, string>()
  for (const path of paths) {
    const parent = pathToFileURL(join(folder, path)).href
    for (const name of specifiersOf(join(folder, path)))
      if (name.startsWith('@')) wanted.set(name, parent)
      else assert.equal(ownModule(packages, name, parent), new URL(name, parent).href)
  }
  assert(wanted.size > 150, `only ${wanted.size} names found`)
  for (const [name, parent] of wanted)
    assert.equal(ownModule(packages, name, parent), found(name, parent), name)
})

test('nothing else is ours', () => {
  const parent = `${packages}server/src/main.ts`
  for (const [name, from] of [
    ['fastify', parent],
    ['node:fs', parent],
    ['@holdfastly/server', parent],
    ['@holdfast/server/package.json', parent],
    ['./data.json', parent],
    ['./main.ts', 'file:///elsewhere/main.ts'],
    ['./main.ts', `${packages}server/node_modules/other/main.ts`],
    ['@holdfast/server/main.ts', undefined],
  ] as const)
    assert.equal(ownModule(packages, name, from), undefined, name)
})
