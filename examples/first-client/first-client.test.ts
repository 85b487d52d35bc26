import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openWorkshop, type Started, type Workshop } from '../../packages/holdfast/src/testing/product.ts'
import { dispatcherFor } from '../../test/product/dispatchers.ts'
import { UserAgent } from '../../test/product/user-agent.ts'

let workshop: Workshop
let started: Started
before(async () => {
  workshop = await openWorkshop()
  started = await workshop.start()
})
after(async () => {
  await started.stop('SIGKILL')
  workshop.remove()
})

function run(program: string): { readonly child: ChildProcess; readonly text: () => string } {
  const child = spawn(process.execPath, [join(import.meta.dirname, program)], {
    cwd: workshop.folder,
    env: {
      ...process.env,
      ISSUER: `https://localhost:${workshop.ports.public}`,
      API: `https://localhost:${workshop.ports.demoApi}`,
      NODE_EXTRA_CA_CERTS: join(workshop.folder, '.holdfast/tls/ca.pem'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  return { child, text: () => text }
}

test('the tutorial of the first client works as it is written', async () => {
  const registering = run('register.ts')
  assert.deepEqual(await once(registering.child, 'close'), [0, null], registering.text())
  const applied = await workshop.run(['apply', '-f', 'my-client/client.yaml'])
  assert.equal(applied.exitCode, 0, applied.err)

  const { child, text } = run('client.ts')
  const ended = once(child, 'close')
  for (let round = 0; round < 200 && !text().includes('https://') && child.exitCode === null; round++)
    await new Promise(resolve => setTimeout(resolve, 50))
  const url = /^https:\S+$/m.exec(text())?.[0]
  assert.ok(url, text())
  const agent = dispatcherFor({ caPem: readFileSync(join(workshop.folder, '.holdfast/tls/ca.pem'), 'utf8') })
  const person = { username: 'alice', password: 'correct-horse-battery', consent: 'allow' } as const
  const callback = await new UserAgent(agent).walk(new URL(url), 'http://127.0.0.1:', person)
  await agent.destroy()
  assert.equal((await fetch(callback)).status, 200)

  assert.deepEqual(await ended, [0, null], text())
  for (const said of [/signed in: u_/, /the API says 200: .*Everyday/, /refreshed: \d+ s more/, /revoked/])
    assert.match(text(), said)
})
