import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { ClauseManifest, Rule } from '@holdfast/protocol'
import { root, sourceFiles } from './source-files.ts'

/**
 * Holds every MUST of every manifest to its word: ruled by a rule whose refusals are tested, observed by a
 * test that exists, or said to be somebody else's or not applicable, with the reason.
 */

const specsFolder = join(root, 'packages/protocol/src/specs')

async function load(spec: string, pattern: RegExp): Promise<readonly unknown[]> {
  const files = readdirSync(join(specsFolder, spec)).filter(name => pattern.test(name))
  const modules = await Promise.all(
    files.map(
      name => import(pathToFileURL(join(specsFolder, spec, name)).href) as Promise<Record<string, unknown>>,
    ),
  )
  return modules.flatMap(module => Object.values(module))
}

const isManifest = (value: unknown): value is ClauseManifest =>
  typeof value === 'object' && value !== null && 'spec' in value && 'clauses' in value

const isRule = (value: unknown): value is Rule<unknown> =>
  typeof value === 'object' && value !== null && 'id' in value && 'check' in value && 'clauses' in value

const specs = readdirSync(specsFolder, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name)

const manifests = (await Promise.all(specs.map(spec => load(spec, /clauses\.ts$/)))).flat().filter(isManifest)
const rules = (await Promise.all(specs.map(spec => load(spec, /rules\.ts$/))))
  .flat()
  .flatMap(value => (Array.isArray(value) ? value : [value]))
  .filter(isRule)
const distinctRules = [...new Set(rules)]

const tests = ['packages', 'test', 'examples'].flatMap(folder => sourceFiles(folder, ['.test.ts']))
const testText = tests.map(file => file.text).join('\n')
/** A test that runs for many values is cited with `…` for the value. */
const allTitles = [...testText.matchAll(/\b(?:it|test|describe)\(\s*(['"`])((?:(?!\1)[^\\]|\\.)*)\1/g)].map(
  match => (match[2] ?? '').replaceAll(/\$\{[^}]*\}/g, '…').replaceAll(/\\(.)/g, '$1'),
)
const titles = new Set(allTitles)

/** Refusals made where no pure rule can stand: by the parse step and by a guard that lost its race. */
const refusalsInRooms = sourceFiles('packages', ['.ts'])
  .filter(file => !file.path.endsWith('.test.ts'))
  .flatMap(file => [...file.text.matchAll(/refuse\(\s*'([^']+)',\s*\[([^\]]*)\]/g)])
  .map(match => ({
    id: match[1] ?? '',
    clauses: [...(match[2] ?? '').matchAll(/'([^']+)'/g)].map(clause => clause[1] ?? ''),
  }))

const carried = new Set([...distinctRules, ...refusalsInRooms].flatMap(rule => rule.clauses))
const standing = new Map(
  manifests.flatMap(manifest => manifest.clauses.map(clause => [clause.id, clause] as const)),
)

describe('clause coverage', () => {
  it('there is a manifest in every spec room', () => {
    const without = specs.filter(spec => !existsSync(join(specsFolder, spec, 'clauses.ts')))
    assert.deepEqual(without, [])
    assert.ok(manifests.length >= 10)
  })

  it('a clause id stands in one manifest only', () => {
    const ids = manifests.flatMap(manifest => manifest.clauses.map(clause => clause.id))
    assert.deepEqual(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      [],
    )
  })

  for (const manifest of manifests) {
    it(`every clause of ${manifest.spec} is ruled, shown, another party's or not applicable`, () => {
      const open: string[] = []
      for (const { id, standing } of manifest.clauses) {
        if (standing.kind === 'ruled' && !carried.has(id)) open.push(`${id}: no rule carries it`)
        if (standing.kind === 'shown' && !titles.has(standing.test))
          open.push(`${id}: no test \`${standing.test}\``)
        if (standing.kind === 'notApplicable' && standing.reason.length < 10) open.push(`${id}: no reason`)
      }
      assert.deepEqual(open, [])
    })
  }

  it('a test that a clause names is the only one of its name', () => {
    const cited = new Set(
      [...standing.values()].flatMap(({ standing }) => (standing.kind === 'shown' ? [standing.test] : [])),
    )
    assert.deepEqual(
      allTitles.filter((title, index) => cited.has(title) && allTitles.indexOf(title) !== index),
      [],
    )
  })

  it('every rule has its own id and a refusal in a test', () => {
    const ids = distinctRules.map(rule => rule.id)
    assert.deepEqual(
      ids.filter((id, index) => ids.indexOf(id) !== index),
      [],
    )
    assert.deepEqual(
      [...new Set([...ids, ...refusalsInRooms.map(refusal => refusal.id)])].filter(
        id => !testText.includes(`'${id}'`) && !testText.includes(`\`${id}\``),
      ),
      [],
    )
  })

  it('a clause that a rule names stands in the manifest of its document', () => {
    const documents = new Set([...standing.keys()].map(documentOf))
    const unknown = [...carried].filter(id => documents.has(documentOf(id)) && !standing.has(id))
    assert.deepEqual(unknown, [])
  })
})

/** `RFC6749-4.1.2` → `RFC6749`; `FAPI2-SP-FINAL-5.3.2.2-5` → `FAPI2-SP-FINAL`. */
function documentOf(clauseId: string): string {
  return clauseId.replace(/-\d[\d.]*(-\d+)*([a-z])?$/, '')
}
