import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { totpCode, totpStep } from '@holdfast/protocol/specs/rfc6238-totp/totp.ts'
import { Agent, request } from 'undici'
import { UserAgent } from '../../../test/product/user-agent.ts'
import { launcher, openWorkshop, type Run, type Started, type Workshop } from './testing/product.ts'

/** The binary from the outside: administrators with tokens of their own, from nothing, by commands only. */

const password = 'correct-horse-battery'
const days = `apiVersion: holdfast/v1
kind: Administrator
metadata: { name: carla }
spec: { user: carla, scopes: ['admin.audit:read'] }
`

describe('the admin API of the binary', () => {
  let workshop: Workshop
  let started: Started
  const inFolder = (name: string): string => join(workshop.folder, name)

  before(async () => {
    workshop = await openWorkshop()
    started = await workshop.start()
  })
  after(async () => {
    await started?.stop('SIGKILL')
    workshop?.remove()
  })

  const keyFor = (name: string): object => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const common = { kid: name, alg: 'ES256' }
    const text = JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...common })
    writeFileSync(inFolder(`${name}.jwk.json`), text, { mode: 0o600 })
    return { ...publicKey.export({ format: 'jwk' }), ...common, use: 'sig' }
  }
  const document = (kind: string, name: string, spec: object): string =>
    JSON.stringify({ apiVersion: 'holdfast/v1', kind, metadata: { name }, spec })
  const profile = (name: string, clientId: string, login: boolean, scopes: readonly string[]): string => {
    const file = inFolder(`${name}.yaml`)
    const value = {
      issuer: `https://localhost:${workshop.ports.public}`,
      admin: `https://localhost:${workshop.ports.admin}`,
      ...{ clientId, keyFile: `${clientId}.jwk.json`, caFile: '.holdfast/tls/ca.pem', scopes, login },
    }
    writeFileSync(file, JSON.stringify(value), { mode: 0o600 })
    return file
  }
  const as = (name: string, ...args: readonly string[]): Promise<Run> =>
    workshop.run(['--admin-profile', `${name}.yaml`, ...args])

  test('begins with documents that an operator applies on the machine', async () => {
    const documents = await workshop.run(['admin', 'documents'])
    assert.equal(documents.exitCode, 0, documents.err)
    const scopes = [...documents.out.matchAll(/"name": "(admin\.\w+:\w+)"/g)].map(match => match[1] ?? '')
    const scope = scopes.join(' ')
    writeFileSync(inFolder('admin.yaml'), documents.out)
    const bound = { dpop_bound_access_tokens: true, token_endpoint_auth_method: 'private_key_jwt', scope }
    const own = [
      document('Client', 'admin-cli', {
        resources: ['holdfast-admin'],
        metadata: {
          ...{ ...bound, client_name: 'Admin CLI', application_type: 'native' },
          ...{ redirect_uris: ['http://127.0.0.1/callback'], jwks: { keys: [keyFor('admin-cli')] } },
          scope: `${scope} offline_access`,
          grant_types: ['authorization_code', 'refresh_token'],
        },
      }),
      document('Client', 'deploy', {
        resources: ['holdfast-admin'],
        metadata: {
          ...{ ...bound, client_name: 'Deployment', grant_types: ['client_credentials'] },
          jwks: { keys: [keyFor('deploy')] },
        },
      }),
      ...['anna', 'bela', 'carla'].map(name => document('User', name, { password })),
      ...['anna', 'bela'].map(name => document('Administrator', name, { user: name, scopes })),
      document('Administrator', 'deploy', {
        ...{ client: 'deploy', responsible: ['anna'] },
        scopes: ['admin.apis:read', 'admin.apis:write', 'admin.governance:write', 'admin.issuers:write'],
      }),
    ]
    writeFileSync(inFolder('own.yaml'), own.join('\n---\n'))
    const applied = await workshop.run(['apply', '-f', 'admin.yaml', 'own.yaml'])
    assert.equal(applied.exitCode, 0, applied.err)
    profile('deploy', 'deploy', false, ['admin.apis:read', 'admin.apis:write', 'admin.issuers:write'])
    profile('anna', 'admin-cli', true, scopes)
    profile('bela', 'admin-cli', true, scopes)
  })

  test('a client applies and exports over HTTPS what its document lets it, and no more', async () => {
    const scope = document('Scope', 'books', { title: 'Books', description: 'Read books' })
    writeFileSync(inFolder('scope.yaml'), scope)
    const applied = await as('deploy', 'apply', '-f', 'scope.yaml')
    assert.equal(applied.exitCode, 0, applied.err)
    assert.match(applied.out, /\+ Scope\/books/)
    const exported = await as('deploy', 'export')
    assert.match(exported.out, /"name": "books"/)
    assert.doesNotMatch(exported.out, /"kind": "Client"/)
    const keys = await as('deploy', 'keys', 'list')
    assert.equal(keys.exitCode, 1)
    assert.match(keys.err, /bearer\.scope/)
    writeFileSync(inFolder('carla.yaml'), days)
    const widened = await as('deploy', 'apply', '-f', 'carla.yaml')
    assert.match(widened.err, /lacks `admin\.administrators:write`/)
  })

  test('the profile and its key are for their owner only', async () => {
    chmodSync(inFolder('deploy.jwk.json'), 0o644)
    const refused = await as('deploy', 'export')
    assert.equal(refused.exitCode, 3)
    assert.match(refused.err, /chmod 600/)
    chmodSync(inFolder('deploy.jwk.json'), 0o600)
  })

  test('nobody says on the command line who they are', async () => {
    const named = await as('deploy', 'govern', 'approve', 'g-1', '--as', 'bela')
    assert.equal(named.exitCode, 2)
    assert.match(named.err, /the person is who the token says/)
    const unnamed = await workshop.run(['govern', 'approve', 'g-1'])
    assert.equal(unnamed.exitCode, 2)
    assert.match(unnamed.err, /--as/)
  })

  const trusting = (): Agent =>
    new Agent({ connect: { ca: readFileSync(inFolder('.holdfast/tls/ca.pem'), 'utf8') } })
  const step = (): number => totpStep(epochSeconds(Math.floor(Date.now() / 1000)))

  /** Sets up an authenticator app, as its owner does on the account page. */
  const setUpApp = async (name: string): Promise<Buffer> => {
    const agent = trusting()
    const base = `https://localhost:${workshop.ports.public}/account/security`
    let secret = Buffer.alloc(0)
    await new UserAgent(agent).walk(new URL(`${base}/totp`), `${base}?done=app-added`, {
      ...{ username: name, password, consent: 'deny' },
      code: html => {
        const shown = /id="totp-secret">([A-Z2-7 ]+)</.exec(html)?.[1] ?? ''
        const bits = [...shown.replaceAll(' ', '')]
          .map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
          .join('')
        secret = Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)))
        return totpCode(secret, step())
      },
    })
    await agent.destroy()
    return secret
  }

  const signIn = async (name: string, secret?: Buffer): Promise<void> => {
    const { HOLDFAST_RELAUNCHED: _relaunched, ...env } = process.env
    const strongly = secret === undefined ? [] : ['--acr', 'urn:holdfast:acr:mfa']
    const args = [launcher, '--admin-profile', `${name}.yaml`, 'admin', 'login', ...strongly]
    const child = spawn(process.execPath, args, {
      ...{ cwd: workshop.folder, env, stdio: ['ignore', 'pipe', 'inherit'] },
    })
    let out = ''
    const shown = Promise.withResolvers<URL>()
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      const url = /https:\S+/.exec(out)?.[0]
      if (url !== undefined && out.includes(`${url}\n`)) shown.resolve(new URL(url))
    })
    const agent = trusting()
    const browser = new UserAgent(agent)
    const ended = once(child, 'close')
    const callback = await browser.walk(await shown.promise, 'http://127.0.0.1', {
      ...{ username: name, password, consent: 'allow' },
      // The code of this half minute was spent when the app was set up.
      ...(secret !== undefined && { code: () => totpCode(secret, step() + 1) }),
    })
    const page = await request(callback)
    assert.equal(page.statusCode, 200)
    await page.body.dump()
    const [code] = await ended
    assert.equal(code, 0, out)
    await agent.destroy()
  }

  test('people sign in with a browser, and what one proposes another reads and confirms', async () => {
    await signIn('anna')
    await signIn('bela')
    assert.equal(statSync(inFolder('anna.yaml.session')).mode & 0o777, 0o600)
    const who = await as('anna', 'admin', 'whoami')
    assert.match(who.out, /^anna {2}a person, with admin-cli/)
    const refused = await as('anna', 'apply', '-f', 'carla.yaml')
    // A password alone is not enough for what takes two persons.
    assert.match(refused.err, /step-up\.acr.*sign in again/)
    const changes = await as('bela', 'admin', 'changes')
    assert.equal(changes.exitCode, 0, changes.err)
    assert.match(changes.out, /^CHANGE +BY/)
  })

  test('what a client proposes is confirmed by no client, and withdrawn by who proposed it', async () => {
    const issuer = document('SecurityProfile', 'short', {
      ...{ base: 'fapi2-security', tighten: { accessTokenLifetimeSeconds: 60 } },
    })
    writeFileSync(inFolder('profile.yaml'), issuer)
    const waits = await as('deploy', 'apply', '-f', 'profile.yaml')
    assert.equal(waits.exitCode, 1)
    assert.match(waits.err, /waits for a second person: with admin\.issuers:approve/)
    const change = /confirm (c-[0-9a-f]{64})/.exec(waits.err)?.[1] ?? ''
    const shown = await as('bela', 'admin', 'show', change)
    assert.match(shown.out, /create SecurityProfile\/short/)
    assert.match(shown.out, /proposed by +deploy/)
    assert.match((await as('bela', 'admin', 'confirm', change)).err, /step-up\.acr/)
    const withdrawn = await as('deploy', 'admin', 'withdraw', change)
    assert.equal(withdrawn.exitCode, 0, withdrawn.err)
  })

  test('with an authenticator app one makes an administrator and the other one confirms it', async () => {
    const secrets = { anna: await setUpApp('anna'), bela: await setUpApp('bela') }
    await signIn('anna', secrets.anna)
    await signIn('bela', secrets.bela)
    const waits = await as('anna', 'apply', '-f', 'carla.yaml')
    const change = /confirm (c-[0-9a-f]{64})/.exec(waits.err)?.[1] ?? ''
    assert.match(waits.err, /Administrator\/carla: who administers, and what/)
    assert.match((await as('anna', 'admin', 'confirm', change)).err, /admin\.own-change/)
    const confirmed = await as('bela', 'admin', 'confirm', change)
    assert.equal(confirmed.exitCode, 0, confirmed.err)
    const exported = await workshop.run(['export', '--kind', 'Administrator', '-o', 'json'])
    assert.match(exported.out, /"carla"/)
    const again = await as('bela', 'admin', 'confirm', change)
    assert.match(again.err, /admin\.change-unknown/)
  })

  test('a session that the issuer ended is gone from the machine too', async () => {
    const ended = await workshop.run(['users', 'revoke', 'anna'])
    assert.equal(ended.exitCode, 0, ended.err)
    const refused = await as('anna', 'admin', 'whoami')
    assert.equal(refused.exitCode, 3)
    assert.match(refused.err, /holdfast admin login/)
    assert.equal(existsSync(inFolder('anna.yaml.session')), false)
  })
})
