import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { dispatcherFor, fetchOver } from '../../../test/product/dispatchers.ts'
import { accountsOf, again, caPemOf, demoClient, dpopCaller, originOf } from './testing/demo-caller.ts'
import { startGateway, writeGatewayFile } from './testing/gateway-process.ts'
import { openWorkshop, type Started, type Workshop } from './testing/product.ts'

/** Client libraries that know nothing of us call the demo API through the gateway, over TLS. */

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

describe('the demo gateway', () => {
  test('oauth4webapi calls the API through it with DPoP, and the answer names the same reference as the audit', async () => {
    const { agent, fetch, client, token, DPoP, call } = await dpopCaller(workshop)
    const { ports } = workshop
    try {
      const answer = await again(async () => call(DPoP))
      assert.equal(answer.status, 200)
      const body = (await answer.json()) as Record<string, unknown>
      assert.equal(body.client, 'demo-jwt-dpop')
      assert.equal(body.reference, answer.headers.get('x-request-id'))
      const explained = await workshop.run(['explain', String(body.reference)])
      assert.equal(explained.exitCode, 0, explained.err)
      // Both decided, under one reference: the gateway and the API.
      assert.equal(explained.out.split('api.access').length - 1, 2, explained.out)

      const thief = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
      await assert.rejects(again(async () => call(thief)))
      await assert.rejects(async () => await call(undefined))
      const forged = await fetch(accountsOf(ports.gateway).href, {
        headers: { authorization: `Bearer ${token}`, 'holdfast-evidence': 'x', 'holdfast-token': 'y' },
      })
      assert.equal(forged.status, 401)
    } finally {
      await agent.destroy()
    }
  })

  test('openid-client calls the API through it with a certificate, and no other certificate will do', async () => {
    const { agent, fetch } = demoClient(workshop, 'demo-pki-mtls')
    const other = demoClient(workshop, 'demo-jwt-mtls')
    const { ports } = workshop
    try {
      const configuration = await openid.discovery(
        new URL(originOf(ports.public)),
        'demo-pki-mtls',
        { use_mtls_endpoint_aliases: true },
        openid.TlsClientAuth(),
        { algorithm: 'oauth2', [openid.customFetch]: fetch as never },
      )
      const { access_token: token } = await openid.clientCredentialsGrant(configuration, {
        scope: 'accounts:read',
        resource: originOf(ports.demoApi),
      })
      const url = accountsOf(ports.gateway)
      const answer = await openid.fetchProtectedResource(configuration, token, url, 'GET')
      assert.equal(answer.status, 200)
      for (const fetchAs of [other.fetch, fetchOver(dispatcherFor({ caPem: caPemOf(workshop) }))]) {
        const stolen = await fetchAs(url.href, { headers: { authorization: `Bearer ${token}` } })
        assert.equal(stolen.status, 401)
      }
      const written = await fetch(`${originOf(ports.gateway)}/payments`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
      assert.equal(written.status, 403)
    } finally {
      await agent.destroy()
      await other.agent.destroy()
    }
  })
})

describe('holdfast gateway', () => {
  test('--check says what is wrong, or prints the keys APIs must trust', async () => {
    await writeGatewayFile(workshop)
    const good = await workshop.run(['gateway', '--check'])
    assert.equal(good.exitCode, 0, good.err)
    const { keys } = JSON.parse(good.out) as { keys: readonly Record<string, string>[] }
    assert.equal(keys[0]?.crv, 'Ed25519')
    assert.equal(keys[0]?.d, undefined)
    const missing = await workshop.run(['gateway', '-c', 'nowhere.yaml'])
    assert.equal(missing.exitCode, 2, missing.err)
    const text = readFileSync(join(workshop.folder, 'gateway.yaml'), 'utf8')
    writeFileSync(join(workshop.folder, 'bad.yaml'), text.replace('externalUrl', 'externalUlr'))
    const bad = await workshop.run(['gateway', '-c', 'bad.yaml'])
    assert.equal(bad.exitCode, 2)
    assert.match(bad.err, /externalUrl/)
    writeFileSync(join(workshop.folder, 'route.yaml'), text.replace('path: /accounts', 'path: /a//b'))
    const route = await workshop.run(['gateway', '--check', '-c', 'route.yaml'])
    assert.equal(route.exitCode, 1 + 2, route.err)
  })

  test('hears from the issuer that a token ended, and that a tenant did, refuses, and says how long that took', async () => {
    const { port, management, running } = await startGateway(workshop)
    const value = async (name: string): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${management}/metrics`)).text()
      const line = text.split('\n').find(one => one.startsWith(`holdfast_gateway_${name} `))
      return Number(line?.split(' ')[1])
    }
    const until = async (name: string, least: number): Promise<void> => {
      for (let round = 0; round < 600 && !((await value(name)) >= least); round++) await pause(50)
      assert.ok((await value(name)) >= least, name)
    }
    await until('revocation_feed_trusted', 1)
    const { agent, DPoP, call, revoke } = await dpopCaller(workshop)
    try {
      const url = accountsOf(port)
      // The API behind trusts the demo gateway and not this one, so every answer is a refusal; the metrics tell whose.
      const ask = (): Promise<unknown> => again(async () => await call(DPoP, url)).catch(() => undefined)
      const refused = 'refusals_total{rule="access-token.inactive"}'
      await ask()
      assert.equal(await value(refused), Number.NaN)
      assert.equal(await value('revocation_seconds_count'), 0)
      await revoke()
      await until('revocation_seconds_count', 1)
      await ask()
      assert.equal(await value(refused), 1)
      const other = await dpopCaller(workshop)
      const askOther = (): Promise<unknown> =>
        again(async () => await other.call(other.DPoP, url)).catch(() => undefined)
      try {
        await askOther()
        assert.equal(await value(refused), 1)
        const ended = await workshop.run(['tenants', 'revoke', 'demo'])
        assert.equal(ended.exitCode, 0, ended.err)
        await until('revocation_seconds_count', 2)
        await askOther()
        assert.equal(await value(refused), 2)
      } finally {
        await other.agent.destroy()
      }
    } finally {
      await agent.destroy()
      running.kill('SIGKILL')
    }
  })

  test('runs by itself, writes its audit before it answers, and drains at a signal', async () => {
    const { port, management, running } = await startGateway(workshop)
    assert.equal((await fetch(`http://127.0.0.1:${management}/readyz`)).status, 200)
    const { agent, fetch: send } = demoClient(workshop, 'demo-jwt-dpop')
    const refused = await send(accountsOf(port).href, {
      headers: { authorization: 'DPoP at_wrong', dpop: 'x' },
    })
    assert.equal(refused.status, 401)
    await agent.destroy()
    assert.ok(existsSync(join(workshop.folder, 'gateway-audit.jsonl')))
    const lines = readFileSync(join(workshop.folder, 'gateway-audit.jsonl'), 'utf8').trim().split('\n')
    assert.equal((JSON.parse(lines[0] ?? '') as { outcome: string }).outcome, 'refused')
    running.kill('SIGTERM')
    const [code] = await once(running, 'exit')
    assert.equal(code, 0)
  })
})
