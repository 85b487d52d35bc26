import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { systemClock } from '../../clock.ts'
import { openEntropy } from '../../entropy.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import { defaultKeyTimes } from '../life.ts'
import { openRing } from '../ring.ts'
import { externalCustodyContract } from '../testing/custody-contract.ts'
import { openSoftHsm } from '../testing/soft-hsm.ts'
import { pkcs11Keys } from './pkcs11.ts'
import { softwareCustody } from './software.ts'
import { softwareKeys } from './software-keys.ts'

const hsm = openSoftHsm()

describe('PKCS #11 custody', {
  skip: hsm === undefined ? 'SoftHSM2 and OpenSC are not installed' : false,
}, () => {
  if (hsm === undefined) return
  const { options } = hsm
  after(() => hsm.remove())

  for (const { title, run } of externalCustodyContract) it(title, () => run(pkcs11Keys(options)))

  it('fails closed when the PIN is wrong, the tool is missing, the library or the token is missing', async () => {
    const { key, kept } = await pkcs11Keys(options).make('ES256')
    assert.ok(await key.sign('JWT', {}))
    const broken = [
      { ...options, readPin: async () => '0000' },
      { ...options, toolPath: '/nowhere/pkcs11-tool' },
      { ...options, modulePath: '/nowhere/module.so' },
      { ...options, tokenLabel: 'another' },
      {
        ...options,
        readPin: async () => {
          throw new Error('no file')
        },
      },
    ]
    for (const spoiled of broken) {
      const opened = pkcs11Keys(spoiled).open('ES256', kept)
      await assert.rejects(async () => await opened.sign('JWT', {}), { code: 'keys.custody' })
    }
  })

  it('hands the PIN on in the environment, which nobody else can list, and nothing else of ours', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-tool-'))
    const toolPath = join(folder, 'tool')
    writeFileSync(
      toolPath,
      `#!/bin/sh\nprintf '%s\\n' "$@" > "${folder}/arguments"\nenv > "${folder}/environment"\nexit 1\n`,
    )
    chmodSync(toolPath, 0o700)
    const { kept } = await pkcs11Keys(options).make('ES256')
    const opened = pkcs11Keys({ ...options, toolPath }).open('ES256', kept)
    await assert.rejects(async () => await opened.sign('JWT', {}), { code: 'keys.custody' })
    const pin = await options.readPin()
    assert.ok(!readFileSync(join(folder, 'arguments'), 'utf8').includes(pin))
    const environment = readFileSync(join(folder, 'environment'), 'utf8')
    assert.ok(environment.includes(pin))
    const names = environment.split('\n').map(line => line.split('=', 1)[0])
    assert.ok(!names.includes('HOME'))
    rmSync(folder, { recursive: true })
  })

  it('takes over at the next rotation from keys in memory, and ends a key in the device with its row', async () => {
    let now = systemClock.now()
    const clock = { now: () => now, monotonicMs: () => now * 1000 }
    const store = await openSqliteStore({ path: ':memory:', clock })
    const entropy = openEntropy()
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const custody = softwareCustody(Buffer.alloc(32, 1), entropy)
    const url = 'https://as.example'
    const bench = {
      store,
      custody,
      clock,
      entropy,
      log,
      issuers: [{ url, algs: ['ES256', 'EdDSA'] as const }],
    }
    await openRing(bench)
    const keyCustody = pkcs11Keys(options)
    const ring = await openRing({ ...bench, keyCustody })
    assert.deepEqual(ring.algs(url), ['ES256'], 'an algorithm the device does not have is not signed with')
    const [rotated] = await ring.rotate([{ issuer: url, alg: 'ES256' }], 'r')
    const pass = async (seconds: number): Promise<void> => {
      now = (now + seconds) as typeof now
      await ring.refresh()
      await ring.keepUp()
      await ring.refresh()
    }
    await pass(defaultKeyTimes.announceSeconds)
    const token = await ring.sign(url, 'ES256', 'JWT', {})
    assert.ok(
      token.startsWith(
        Buffer.from(`{"alg":"ES256","kid":"${rotated?.kid}`).toString('base64url').slice(0, 40),
      ),
    )
    const row = (await store.listKeys(url)).find(({ id }) => id === rotated?.kid)
    assert.ok(row)
    const kept = custody.open(row, row.sealed)
    assert.throws(() => softwareKeys.open('ES256', kept), { code: 'keys.custody' })
    await ring.revoke(url, row.id, 'r')
    const opened = keyCustody.open('ES256', kept)
    await assert.rejects(async () => await opened.sign('JWT', {}), { code: 'keys.custody' })
    assert.equal(ring.signs(url), true)
    assert.ok(await ring.sign(url, 'ES256', 'JWT', {}), 'the one in its place is in the device too')
    await store.close()
  })
})
