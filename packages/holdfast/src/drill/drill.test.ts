import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { postgresAbsence, testConnectionString } from '@holdfast/server/store/drivers/postgres-for-tests.ts'
import { begun, type Run } from '../testing/product.ts'
import type { RevocationReport } from './revocation/drill.ts'
import type { RotationReport } from './rotation/drill.ts'

/** The commands as a user runs them, small; the full runs are the same commands with larger numbers. */

const placeNames = ['api-1', 'gateway-1', 'api-2', 'gateway-2']

describe('holdfast drill', { skip: (await postgresAbsence()) ?? false }, () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hf-drill-test-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const drill = async <Report>(args: readonly string[]): Promise<Run & { readonly evidence: Report }> => {
    const file = join(folder, `${args[0]}.json`)
    const given = ['drill', ...args, '--postgres', testConnectionString, '--evidence', file]
    const ran = await begun(folder, process.execPath, given).ended
    assert.notEqual(ran.exitCode, 3, ran.err)
    return { ...ran, evidence: JSON.parse(readFileSync(file, 'utf8')) as Report }
  }

  test('revocation: what ended is refused everywhere, and within the bound with the network dead', async () => {
    const { exitCode, out, err, evidence } = await drill<RevocationReport>([
      ...['revocation', '--count', '100', '--cut', '5'],
      // How long a test takes on a busy machine says nothing about the product; the full run has the aims.
      ...['--aim-p99-ms', '10000', '--aim-max-ms', '15000'],
    ])
    assert.equal(exitCode, 0, out + err)
    const { propagation, load, cuts, toldByApis } = evidence
    assert.deepEqual(Object.keys(propagation.places), placeNames)
    for (const { count, p99Ms } of Object.values(propagation.places)) {
      assert.equal(count, 100)
      assert.ok(p99Ms > 0)
    }
    for (const [kind, { count }] of Object.entries(propagation.kinds)) assert.ok(count >= 4, kind)
    assert.deepEqual([propagation.never, propagation.letInAgain, load.refusedCount], [0, 0, 0])
    assert.ok(load.requests > 0)
    for (const { count } of toldByApis) assert.ok(count >= 100)
    for (const { lastLetInMs, letInAgain } of cuts) {
      // Were nothing let in at all, the network was not what is dead.
      assert.ok(lastLetInMs > 500 && lastLetInMs <= 5000, `${lastLetInMs} ms`)
      assert.equal(letInAgain, 0)
    }
    const [told, silent] = cuts
    assert.deepEqual(Object.keys(told?.honest ?? {}), ['200'])
    assert.ok((silent?.honest[503] ?? 0) > 0, 'nobody can be asked: good tokens are not let in either')
    assert.match(out, /feed cut, nothing stays: 5 ended/)
  })

  test('rotation: no honest token is refused; a stale verifier, a broken key and a theft end well', async () => {
    const { exitCode, out, err, evidence } = await drill<RotationReport>([
      ...['rotation', '--rotations', '20', '--issuers', '5', '--load', '15'],
    ])
    assert.equal(exitCode, 0, out + err)
    const { rotations, load, stale, broken, removals } = evidence
    assert.equal(rotations.count, 20)
    assert.equal(load.refusedCount, 0)
    assert.ok(load.requests > 100)
    assert.match(stale.because.join(), /^stale\/[\w-]{22} does not hold the key; it holds [\w-]{12} since /)
    assert.match(JSON.stringify(stale.audited), /stale\//)
    assert.ok(broken.rolledBackMs < 11_000)
    assert.equal((broken.audited as Readonly<Record<string, unknown>>).own_check, 'wrong')
    for (const { places } of removals) {
      assert.deepEqual(Object.keys(places), placeNames)
      for (const { letInMs } of Object.values(places)) assert.ok(letInMs < 10_000, `${letInMs} ms`)
    }
    assert.match(out, /20 rotations/)
  })

  test('says what it cannot use, and why it could not', async () => {
    const run = (args: readonly string[]): Promise<Run> =>
      begun(folder, process.execPath, ['drill', ...args]).ended
    for (const [args, message] of [
      [['revocation'], /`--postgres <url>`, or `HOLDFAST_DRILL_POSTGRES`/],
      [['revocation', '--postgres', 'host=localhost password=x'], /is a URL such as postgres:/],
      [['rotation', '--postgres', 'x', '--issuers', '1'], /from 2 to 50/],
      [['revocation', '--postgres', 'x', '--at-once', '65'], /from 1 to 64/],
    ] as const) {
      const said = await run(args)
      assert.equal(said.exitCode, 2)
      assert.match(said.err, message)
    }
    const nowhere = await run(['revocation', '--postgres', 'postgres://nobody@127.0.0.1:1/none'])
    assert.equal(nowhere.exitCode, 3)
    assert.match(nowhere.err, /node-1 ended by itself/)
  })
})
