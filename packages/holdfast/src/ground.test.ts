import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Bootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { readKeyEncryptionKey } from './ground.ts'

const entropy = openEntropy()
const good = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7)).toString('base64')

function settings(t: TestContext, environment: Bootstrap['environment']): Bootstrap {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-ground-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return { environment, keyEncryptionKeyFile: join(folder, 'kek') } as Bootstrap
}

describe('the key-encryption key', () => {
  it('is made at the first start of a development server, for its owner alone, and read again', t => {
    const bootstrap = settings(t, 'development')
    const made = readKeyEncryptionKey(bootstrap, entropy)
    assert.equal(made.length, 32)
    assert.equal(statSync(bootstrap.keyEncryptionKeyFile).mode & 0o777, 0o600)
    assert.deepEqual(readKeyEncryptionKey(bootstrap, entropy), made)
  })

  it('may be longer, and then wrapped, as the usual tools write it', t => {
    const bootstrap = settings(t, 'production')
    const long = Buffer.concat([Buffer.from(good, 'base64'), Buffer.alloc(32, 1)])
    const text = long.toString('base64')
    writeFileSync(bootstrap.keyEncryptionKeyFile, `${text.slice(0, 64)}\n${text.slice(64)}\n`, {
      mode: 0o600,
    })
    assert.deepEqual(readKeyEncryptionKey(bootstrap, entropy), long)
  })

  it('is never made in production', t => {
    assert.throws(() => readKeyEncryptionKey(settings(t, 'production'), entropy), /there is no file/)
  })

  const refused: readonly (readonly [name: string, text: string, says: RegExp])[] = [
    ['31 bytes', Buffer.alloc(31, 'k7').toString('base64'), /fewer than 32 bytes/],
    ['no base64, though long enough when read loosely', `my-secret-pass-phrase!${good}`, /is not base64/],
    ['one byte over and over', Buffer.alloc(32).toString('base64'), /is not random/],
  ]
  for (const [name, text, says] of refused)
    it(`is refused in production when it is ${name}`, t => {
      const bootstrap = settings(t, 'production')
      writeFileSync(bootstrap.keyEncryptionKeyFile, `${text}\n`, { mode: 0o600 })
      assert.throws(() => readKeyEncryptionKey(bootstrap, entropy), says)
    })

  it('is refused in production while everybody on the machine can read it', t => {
    const bootstrap = settings(t, 'production')
    writeFileSync(bootstrap.keyEncryptionKeyFile, `${good}\n`)
    chmodSync(bootstrap.keyEncryptionKeyFile, 0o644)
    assert.throws(() => readKeyEncryptionKey(bootstrap, entropy), /chmod o-rwx/)
    chmodSync(bootstrap.keyEncryptionKeyFile, 0o440)
    assert.deepEqual(readKeyEncryptionKey(bootstrap, entropy), Buffer.from(good, 'base64'))
  })
})
