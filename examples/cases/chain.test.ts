import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePorts, launcher } from '../../packages/holdfast/src/testing/product.ts'
import { dispatcherFor } from '../../test/product/dispatchers.ts'
import { UserAgent } from '../../test/product/user-agent.ts'
import { type Program, runningWorkshop } from '../program.ts'

/** The whole chain: users sign in, tokens go through a gateway, the SDK checks them, the policies decide. */

const workshop = runningWorkshop()

/** As the page about the example has it. @returns the name of the version that is active now */
async function stopPayouts(): Promise<string> {
  const folder = join(workshop.open().folder, 'my-policies')
  for (const one of [folder, 'shipped-policies']) await workshop.said(['policy', 'init', one])
  cpSync(join(import.meta.dirname, 'issuer'), folder, { recursive: true })
  await workshop.said(['policy', 'test', folder, '--require-all'])
  const { name } = JSON.parse(await workshop.said(['policy', 'submit', folder, '-o', 'json']))
  for (const step of ['approve', 'activate']) await workshop.said(['policy', step, name])
  return name
}

test('officers work on cases through gateway, API and policies with real tokens', async () => {
  const [api = 0, gateway = 0, management = 0] = await freePorts(3)
  const env = {
    PORT: String(api),
    GATEWAY: `https://localhost:${gateway}`,
    MANAGEMENT_PORT: String(management),
  }
  const start = (...args: readonly string[]): Program => {
    const [file = '', ...rest] = args
    return workshop.program([join(import.meta.dirname, file), ...rest], env)
  }
  const registering = start('register.ts')
  assert.deepEqual(await registering.ended, [0, null], registering.text())
  await workshop.apply('my-cases/documents.yaml')

  const gate = workshop.program([launcher, 'gateway', '--config', 'my-cases/gateway.yaml'], env)
  const desk = start('api.ts')
  const dispatcher = dispatcherFor({
    caPem: readFileSync(join(workshop.open().folder, '.holdfast/tls/ca.pem'), 'utf8'),
  })
  try {
    await desk.says(/cases API at/)
    await gate.says(/listening|ready/)
    /** One officer signs in anew and does one thing. */
    const act = async (who: string, ...what: readonly string[]): Promise<string> => {
      const program = start('act.ts', ...what)
      const url = new URL(await program.says(/^https:\S+$/m))
      const person = { username: who, password: `${who}-is-an-example`, consent: 'allow' as const }
      const callback = await new UserAgent(dispatcher).walk(url, 'http://127.0.0.1:', person)
      await fetch(callback)
      assert.deepEqual(await program.ended, [0, null], program.text() + desk.text() + gate.text())
      return program.text().trim().split('\n').at(-1) ?? ''
    }
    // For a few seconds after a start nobody can know which proofs were used before it: 503, and the client comes again.
    let first = await act('dora', 'read', '7')
    for (let round = 0; round < 20 && / 503 /.test(first); round++) first = await act('dora', 'read', '7')
    assert.match(first, /^read 7: 403/)
    assert.match(await act('cleo', 'read', '7'), /^read 7: 403/)
    assert.match(await act('ada', 'propose', '7', '250.00'), /^propose 7: 200 .*"state":"proposed"/)
    assert.match(await act('ada', 'approve', '7'), /^approve 7: 403/)
    assert.match(await act('ben', 'approve', '7'), /^approve 7: 200 .*"state":"approved"/)
    assert.match(await act('ada', 'pay', '7'), /^pay 7: 403/)
    assert.match(await act('ada', 'pay', '7', '249.99'), /^pay 7: 403/)
    // The issuer's policies decide about payments at the gateway: stopped at once, and going on at once.
    const stopped = await stopPayouts()
    const asked = desk.text()
    assert.match(await act('ada', 'pay', '7', '250.00'), /^pay 7: 403/)
    assert.equal(desk.text(), asked)
    await workshop.said(['policy', 'rollback'])
    // The decision is in the issuer's audit: it would be another one by the policies of before, and says why it was so.
    const { out, err } = await workshop.open().run(['policy', 'simulate', 'shipped-policies'])
    const [, reference = ''] = /1 × access {2}cases-app[\s\S]*?such as (\S+)/.exec(err) ?? []
    const explained = await workshop.said(['policy', 'explain', reference])
    assert.ok(explained.startsWith(`policy.access  cases-app  by ${stopped}\ndeny`), err + out + explained)
    assert.match(explained, /payouts\.stopped +forbid +decides/)
    assert.match(await act('ada', 'pay', '7', '250.00'), /^pay 7: 200 .*"state":"paid"/)
    assert.match(await act('ada', 'pay', '7', '250.00'), /^pay 7: 403/)
    assert.match(await act('dora', 'propose', '8', '1500.00'), /^propose 8: 200/)
    // Another office may approve what it likes, but not this.
    assert.match(await act('ben', 'approve', '8'), /^approve 8: 403/)
    assert.match(await act('ada', 'approve', '10'), /^approve 10: 403/)
    assert.match(await act('ada', 'propose', '10', '1500.00'), /^propose 10: 200/)
    assert.match(await act('ada', 'pay', '10', '1500.00'), /^pay 10: 403/)
    assert.match(await act('ben', 'approve', '10'), /^approve 10: 200/)
    // What the officer agreed to was for one case, and a password is not enough for so much.
    assert.match(
      await act('ada', 'pay', '10', '1500.00'),
      /^pay 10: 401 insufficient_user_authentication urn:holdfast:acr:mfa urn:holdfast:acr:phr/,
    )
    assert.match(await act('ada', 'pay', '11', '90.00'), /^pay 11: 403/)
    // Who is no officer gets no further than the gateway, with a perfectly valid token.
    const before = desk.text()
    assert.match(await act('eve', 'read', '7'), /^read 7: 403/)
    assert.equal(desk.text(), before)
    const records = readFileSync(join(workshop.open().folder, 'my-cases/gateway-audit.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Readonly<Record<string, unknown>>)
    assert.equal(records.at(-1)?.ruleId, 'decision.denied')
    assert.ok(
      records.filter(({ outcome }) => outcome === 'accepted').every(one => one.policyVersion !== undefined),
    )
    for (const id of [
      'own-tenant',
      'not-own-work',
      'allowed-amount',
      'fresh-approval',
      'large-needs-two-factors',
    ])
      assert.match(desk.text(), new RegExp(`"determining":\\["cases\\.${id}"\\]`), id)
  } finally {
    for (const program of [gate, desk]) program.child.kill()
    await Promise.all([gate.ended, desk.ended])
    await dispatcher.destroy()
  }
})
