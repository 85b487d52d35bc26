import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { launcher, openWorkshop } from './testing/product.ts'

/** A Node that is too old, when this machine has one. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find(
  path =>
    existsSync(path) &&
    spawnSync(path, ['-p', 'process.versions.node.split(".")[0] < 24']).stdout.toString().trim() === 'true',
)
const skip = oldNode === undefined ? 'no Node older than 24 on this machine' : false
const node = oldNode ?? process.execPath

function launch(path: string, args: readonly string[], cwd: string) {
  const { HOLDFAST_RELAUNCHED: _relaunched, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(node, [path, ...args], { cwd, env, encoding: 'utf8' })
  return { status, out: stdout, err: stderr }
}

describe('the launcher under an older Node', { skip }, () => {
  test('hands over to the packaged Node from any folder', () => {
    const { status, out, err } = launch(launcher, ['--version'], tmpdir())
    assert.equal(status, 0, err)
    assert.match(out, /^\d+\.\d+\.\d+/)
    assert.equal(err, '')
  })

  test('keeps the exit code', () => {
    assert.equal(launch(launcher, ['no-such-command'], tmpdir()).status, 2)
  })

  test('says what to do when there is no packaged Node', t => {
    const folder = mkdtempSync(join(tmpdir(), 'hf-launcher-'))
    t.after(() => rmSync(folder, { recursive: true }))
    cpSync(dirname(launcher), join(folder, 'bin'), { recursive: true })
    const { status, err } = launch(join(folder, 'bin', 'holdfast.cjs'), ['--version'], folder)
    assert.equal(status, 3)
    assert.match(err, /needs Node 24.*npm ci/)
  })

  test('passes SIGTERM on, and the server behind it drains', async t => {
    const workshop = await openWorkshop()
    t.after(() => workshop.remove())
    const started = await workshop.start(node)
    const ended = await started.stop('SIGTERM')
    assert.equal(ended.exitCode, 0, ended.err)
    assert.match(ended.err, /SIGTERM: finishing/)
    assert.doesNotMatch(ended.err, /Warning/)
  })
})
