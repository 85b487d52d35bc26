import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listedClients } from './testing/demo-chain.ts'
import { openWorkshop, type Started, type Workshop } from './testing/product.ts'

let workshop: Workshop
let started: Started
before(async () => {
  workshop = await openWorkshop()
  started = await workshop.start()
})
after(async () => {
  await started?.stop('SIGKILL')
  workshop?.remove()
})

function caller(): readonly string[] {
  const listed = listedClients(workshop).find(({ clientId }) => clientId === 'demo-jwt-dpop')
  const { public: issuer, demoApi, gateway } = workshop.ports
  const options = {
    issuer: `https://localhost:${issuer}`,
    'client-id': 'demo-jwt-dpop',
    key: listed?.keyFile ?? '',
    scope: 'accounts:read',
    resource: `https://localhost:${demoApi}`,
    ca: join(workshop.folder, '.holdfast/tls/ca.pem'),
  }
  const places = [demoApi, gateway].flatMap(port => ['--at', `https://localhost:${port}/accounts`])
  return [...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]), ...places]
}

describe('holdfast measure', () => {
  test('revocation says how long API and gateway let a revoked token in', async () => {
    const said = await workshop.run([
      ...['measure', 'revocation', ...caller()],
      ...['--count', '2', '--aim-ms', '20000', '-o', 'json'],
    ])
    assert.equal(said.exitCode, 0, said.err)
    const figures = Object.values(
      JSON.parse(said.out) as Readonly<Record<string, { count: number; never: number }>>,
    )
    assert.equal(figures.length, 2)
    for (const { count, never } of figures) assert.deepEqual([count, never], [2, 0])
  })

  test('acceptance finds no honest token refused', async () => {
    const said = await workshop.run(['measure', 'acceptance', ...caller(), '--seconds', '2'])
    assert.equal(said.exitCode, 0, said.out + said.err)
    assert.match(said.out, /^[1-9]\d* requests with [1-9]\d* tokens; 0 refused/)
  })

  test('says what it cannot use', async () => {
    for (const [args, message] of [
      [['revocation', ...caller(), '--count', '0'], /a whole number/],
      [['revocation', ...caller(), '--at', 'http://localhost/'], /an https URL/],
      [['revocation'], /required option/],
    ] as const) {
      const said = await workshop.run(['measure', ...args])
      assert.equal(said.exitCode, 2)
      assert.match(said.err, message)
    }
    const elsewhere = await workshop.run(['measure', 'revocation', ...caller(), '--key', 'nowhere.json'])
    assert.equal(elsewhere.exitCode, 3)
  })
})
