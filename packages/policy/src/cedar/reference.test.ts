import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { compileStoredPolicies } from '../token/compile.ts'
import { shippedPolicies } from '../token/shipped.ts'

/** Whether a process that does this has loaded cedar-wasm. */
function loadsCedar(lines: readonly string[]): boolean {
  const script = [
    `import { compileStoredPolicies } from '${import.meta.resolve('../token/compile.ts')}'`,
    `import { shippedPolicies } from '${import.meta.resolve('../token/shipped.ts')}'`,
    "import { createRequire } from 'node:module'",
    ...lines,
    'const { cache } = createRequire(import.meta.url)',
    "process.stdout.write(String(Object.keys(cache).some(path => path.includes('cedar-wasm'))))",
  ].join('\n')
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
  assert.match(said, /^(true|false)$/)
  return said === 'true'
}

test('the shipped policies compile without loading the reference, from what it said of them', () => {
  assert.equal(loadsCedar(['if (!compileStoredPolicies(shippedPolicies).ok) throw new Error()']), false)
})

test('a policy of anybody else is read by the reference itself, whatever stands beside it', () => {
  const own = "{ ...shippedPolicies, 'own.cedar': '@id(\"own\") forbid (principal, action, resource);' }"
  assert.equal(loadsCedar([`if (!compileStoredPolicies(${own}).ok) throw new Error()`]), true)
})

test('a shipped policy with one character more is another question', () => {
  const [[name = '', text = ''] = []] = Object.entries(shippedPolicies)
  const spoiled = compileStoredPolicies({ ...shippedPolicies, [name]: `${text} permit` })
  assert.equal(spoiled.ok, false)
  const renamed = compileStoredPolicies({ ...shippedPolicies, [name]: text.replace('shipped.', 'other.') })
  assert.deepEqual(
    renamed.ok && renamed.value.compiled.policies.some(({ id }) => id.startsWith('other.')),
    true,
  )
})
