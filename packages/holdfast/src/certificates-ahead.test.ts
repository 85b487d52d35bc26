import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '@holdfast/server/clock.ts'
import { loadBootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import { certificatesAhead } from './certificates-ahead.ts'
import { demoCertificates } from './demo/certificates.ts'

function settings(t: TestContext, more = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'hf-certificates-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  const read = loadBootstrap({ cwd, env: {}, file: undefined })
  assert(read.ok)
  return { ...read.value, ...more }
}

const served = ['ca.key', 'ca.pem', 'clients', 'server.key', 'server.pem']

test('a first start finds every certificate made, and makes none of them again', async t => {
  const bootstrap = settings(t)
  await certificatesAhead(bootstrap)
  const folder = join(bootstrap.dataFolder, 'tls')
  assert.deepEqual(readdirSync(folder).toSorted(), served)
  assert.equal(statSync(bootstrap.dataFolder).mode & 0o777, 0o700)
  const timesOf = (): unknown =>
    readdirSync(folder, { recursive: true })
      .toSorted()
      .map(name => [name, statSync(join(folder, String(name))).mtimeMs])
  const before = timesOf()
  await demoCertificates(await openDevelopmentCa(folder, systemClock.now()))
  assert.deepEqual(timesOf(), before)
  await certificatesAhead(bootstrap)
  assert.deepEqual(timesOf(), before)
})

test('without the demo there are no certificates of its clients', async t => {
  const bootstrap = settings(t, { demo: false })
  await certificatesAhead(bootstrap)
  assert.deepEqual(readdirSync(join(bootstrap.dataFolder, 'tls')).toSorted(), served)
  assert.deepEqual(readdirSync(join(bootstrap.dataFolder, 'tls', 'clients')), [])
})

test('an operator who brings certificates gets no authority', async t => {
  const bootstrap = settings(t, { tls: { certificateFile: 'cert.pem', privateKeyFile: 'key.pem' } })
  await certificatesAhead(bootstrap)
  assert.throws(() => statSync(bootstrap.dataFolder), { code: 'ENOENT' })
})

test('what cannot be made is left to whoever says why', async t => {
  const { dataFolder, ...bootstrap } = settings(t)
  writeFileSync(dataFolder, 'a file where a folder should be')
  await certificatesAhead({ ...bootstrap, dataFolder })
  await assert.rejects(openDevelopmentCa(join(dataFolder, 'tls'), systemClock.now()), { code: 'ENOTDIR' })
})
