import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const folder = import.meta.dirname
const holdfast = join(folder, '../../packages/holdfast/bin/holdfast.cjs')

function run(...args: readonly string[]): { readonly code: number; readonly out: string } {
  try {
    const out = execFileSync(process.execPath, [holdfast, ...args], { encoding: 'utf8', stdio: 'pipe' })
    return { code: 0, out }
  } catch (thrown) {
    const { status, stdout, stderr } = thrown as { status: number; stdout: string; stderr: string }
    return { code: status, out: stdout + stderr }
  }
}

describe('the policies of the example', () => {
  it('are well, and each decides a test', () => {
    assert.match(run('policy', 'check', folder).out, /^5 policies are well {2}sha256:/)
    const tested = run('policy', 'test', folder, '--require-all')
    assert.equal(tested.code, 0, tested.out)
    assert.match(tested.out, /^6 of 6 tests as expected/)
  })

  it('fail their tests when a number is changed', () => {
    const copy = mkdtempSync(join(tmpdir(), 'holdfast-policies-'))
    try {
      cpSync(folder, copy, { recursive: true })
      const file = join(copy, 'payments.cedar')
      writeFileSync(file, readFileSync(file, 'utf8').replace('amount > 1000', 'amount > 999'))
      const { code, out } = run('policy', 'test', copy)
      assert.equal(code, 1)
      assert.match(out, /an owner pays a small amount\n {2}decision: expected "permit", got "deny"/)
    } finally {
      rmSync(copy, { recursive: true })
    }
  })
})
