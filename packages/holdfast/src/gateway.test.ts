import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { importJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import type { Agent } from 'undici'
import { dispatcherFor, fetchOver } from '../../../test/product/dispatchers.ts'
import { listedClients } from './testing/demo-chain.ts'
import { freePorts, launcher, openWorkshop, type Started, type Workshop } from './testing/product.ts'

/** Client libraries that know nothing of us call the demo API through the gateway, over TLS. */

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

const origin = (port: number | undefined): string => `https://localhost:${port}`
const caPem = (): string => readFileSync(join(workshop.folder, '.holdfast/tls/ca.pem'), 'utf8')

function demoClient(clientId: string) {
  const listed = listedClients(workshop).find(client => client.clientId === clientId)
  assert.ok(listed)
  const { certificateFile, certificateKeyFile, keyFile } = listed
  const agent: Agent = dispatcherFor(
    { caPem: caPem() },
    certificateFile === undefined
      ? undefined
      : ({
          certificate: {
            certPem: readFileSync(certificateFile, 'utf8'),
            keyPem: readFileSync(certificateKeyFile ?? '', 'utf8'),
          },
        } as never),
  )
  const jwk =
    keyFile === undefined ? undefined : (JSON.parse(readFileSync(keyFile, 'utf8')) as { kid: string })
  return { agent, jwk, fetch: fetchOver(agent) }
}

const accountsOf = (port: number | undefined): URL => new URL(`${origin(port)}/accounts`)

const again = async <T>(call: () => Promise<T>): Promise<T> =>
  call().catch(cause => (oauth.isDPoPNonceError(cause) ? call() : Promise.reject(cause)))

/** `demo-jwt-dpop` with a token for the demo API, as oauth4webapi has it. */
async function dpopCaller() {
  const { agent, jwk, fetch } = demoClient('demo-jwt-dpop')
  const { ports } = workshop
  const issuer = new URL(origin(ports.public))
  const options = { [oauth.customFetch]: fetch as never }
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }),
  )
  const client: oauth.Client = { client_id: 'demo-jwt-dpop' }
  const key = (await importJWK(jwk as never, 'ES256')) as CryptoKey
  const authentication = oauth.PrivateKeyJwt({ key, kid: jwk?.kid ?? '' })
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const parameters = new URLSearchParams({ scope: 'accounts:read', resource: origin(ports.demoApi) })
  const { access_token: token } = await again(async () =>
    oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, {
        ...options,
        DPoP,
      }),
    ),
  )
  return {
    ...{ agent, fetch, client, token, DPoP },
    call: (with_: typeof DPoP | undefined, url = accountsOf(ports.gateway), method = 'GET') =>
      oauth.protectedResourceRequest(token, method, url, new Headers(), null, {
        ...options,
        ...(with_ && { DPoP: with_ }),
      }),
    revoke: async () =>
      oauth.processRevocationResponse(
        await oauth.revocationRequest(server, client, authentication, token, options),
      ),
  }
}

describe('the demo gateway', () => {
  test('oauth4webapi calls the API through it with DPoP, and the answer names the same reference as the audit', async () => {
    const { agent, fetch, client, token, DPoP, call } = await dpopCaller()
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
    const { agent, fetch } = demoClient('demo-pki-mtls')
    const other = demoClient('demo-jwt-mtls')
    const { ports } = workshop
    try {
      const configuration = await openid.discovery(
        new URL(origin(ports.public)),
        'demo-pki-mtls',
        { use_mtls_endpoint_aliases: true },
        openid.TlsClientAuth(),
        { algorithm: 'oauth2', [openid.customFetch]: fetch as never },
      )
      const { access_token: token } = await openid.clientCredentialsGrant(configuration, {
        scope: 'accounts:read',
        resource: origin(ports.demoApi),
      })
      const url = accountsOf(ports.gateway)
      const answer = await openid.fetchProtectedResource(configuration, token, url, 'GET')
      assert.equal(answer.status, 200)
      for (const fetchAs of [other.fetch, fetchOver(dispatcherFor({ caPem: caPem() }))]) {
        const stolen = await fetchAs(url.href, { headers: { authorization: `Bearer ${token}` } })
        assert.equal(stolen.status, 401)
      }
      const written = await fetch(`${origin(ports.gateway)}/payments`, {
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
  let child: ChildProcess | undefined
  after(() => child?.kill('SIGKILL'))

  const writeConfiguration = async (): Promise<{ port: number; management: number }> => {
    const { folder, ports } = workshop
    const [port = 0, management = 0] = await freePorts(2)
    const { privateKey } = generateKeyPairSync('ed25519')
    writeFileSync(join(folder, 'evidence.jwk.json'), JSON.stringify(privateKey.export({ format: 'jwk' })))
    const client = listedClients(workshop).find(({ clientId }) => clientId === 'demo-gateway')
    const yaml = [
      `externalUrl: ${origin(port)}`,
      `listener: { port: ${port} }`,
      `management: { port: ${management} }`,
      'tls: { certificateFile: .holdfast/tls/server.pem, privateKeyFile: .holdfast/tls/server.key }',
      `issuer: { url: ${origin(ports.public)}, caFile: .holdfast/tls/ca.pem }`,
      `client: { clientId: demo-gateway, privateKeyFile: ${client?.keyFile ?? ''} }`,
      'evidenceKeyFile: evidence.jwk.json',
      'auditFile: gateway-audit.jsonl',
      'apis:',
      '  - name: demo-bank',
      `    audience: ${origin(ports.demoApi)}`,
      '    upstream:',
      `      url: ${origin(ports.demoApi)}`,
      '      caFile: .holdfast/tls/ca.pem',
      '      certificateFile: .holdfast/tls/clients/demo-gateway.pem',
      '      privateKeyFile: .holdfast/tls/clients/demo-gateway.key',
      'routes:',
      '  - { api: demo-bank, methods: [GET], path: /accounts, scopes: [accounts:read] }',
    ]
    writeFileSync(join(folder, 'gateway.yaml'), `${yaml.join('\n')}\n`)
    return { port, management }
  }

  test('--check says what is wrong, or prints the keys APIs must trust', async () => {
    await writeConfiguration()
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

  const runGateway = async () => {
    const listeners = await writeConfiguration()
    const { HOLDFAST_RELAUNCHED: _relaunched, ...env } = process.env
    const running = spawn(process.execPath, [launcher, 'gateway'], {
      cwd: workshop.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = running
    let text = ''
    running.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    for (let round = 0; round < 600 && !text.includes('gateway.ready') && running.exitCode === null; round++)
      await pause(50)
    assert.match(text, /gateway\.ready/)
    return { ...listeners, running }
  }

  test('hears from the issuer that a token ended, refuses it, and says how long that took', async () => {
    const { port, management, running } = await runGateway()
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
    const { agent, DPoP, call, revoke } = await dpopCaller()
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
    } finally {
      await agent.destroy()
      running.kill('SIGKILL')
    }
  })

  test('runs by itself, writes its audit before it answers, and drains at a signal', async () => {
    const { port, management, running } = await runGateway()
    assert.equal((await fetch(`http://127.0.0.1:${management}/readyz`)).status, 200)
    const { agent, fetch: send } = demoClient('demo-jwt-dpop')
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
