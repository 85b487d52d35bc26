import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadBootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { breakableCustody } from '@holdfast/server/keys/testing/breakable-custody.ts'
import { isTest, sourceFiles } from '../../../../test/source-files.ts'
import { serve } from '../serve.ts'
import { drillKeyTimes } from './rotation/drill.ts'

/** Keys that live for seconds, and keys that break on demand, are for drills alone (docs/decisions/0065). */

test('a production server does not start with a rehearsal', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'hf-rehearsal-'))
  try {
    const bootstrap = loadBootstrap({ cwd, env: {} })
    assert.ok(bootstrap.ok)
    const said: string[] = []
    const say = (line: string): void => void said.push(line)
    const exitCode = await serve({
      bootstrap: { ...bootstrap.value, environment: 'production' },
      ...{ cwd, log: 'silent' },
      terminal: { out: say, err: say, strong: text => text, faint: text => text },
      rehearsal: {
        ...{ keyTimes: drillKeyTimes, keyCustody: breakableCustody(), limits: {} },
        onReady: () => assert.fail('it serves'),
      },
    })
    assert.equal(exitCode, 3)
    assert.match(said.join('\n'), /only a development server is drilled/)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
})

test('one module rehearses, and no setting does', () => {
  const named = sourceFiles('packages', ['.ts', '.cjs']).filter(
    file => !isTest(file) && /\brehearsal\b/i.test(file.text),
  )
  assert.deepEqual(named.map(({ path }) => path).toSorted(), [
    'packages/holdfast/src/drill/node-process.ts',
    'packages/holdfast/src/serve.ts',
  ])
})
