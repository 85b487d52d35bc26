import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { certificateThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import { isListening } from '../../../packages/gateway/src/check/testing/proxy.ts'
import { freePorts, launcher, openWorkshop } from '../../../packages/holdfast/src/testing/product.ts'
import { runProgram } from '../../program.ts'
import { shippedText } from '../contract.ts'

// docs/learn/put-holdfast-beside-your-gateway.md, step by step, on ports of its own.

const nginx = '/usr/sbin/nginx'
const isRoot = process.getuid?.() === 0
const missing = !existsSync(nginx) ? `there is no ${nginx}` : !isRoot && "NGINX's folders belong to root"

test('the page about NGINX: the server, the check, the API, NGINX and a client', {
  skip: missing,
}, async () => {
  const workshop = await openWorkshop()
  const running: ChildProcess[] = []
  const started = await workshop.start()
  try {
    const { folder, ports } = workshop
    const [front = 0, check = 0, management = 0, behind = 0] = await freePorts(4)
    const at = (file: string): string => join(folder, file)
    const write = (file: string, shipped: string, replaced: Readonly<Record<string, string>>): void => {
      let text = shippedText(shipped)
      for (const [from, to] of Object.entries(replaced)) {
        assert.ok(text.includes(from), `${shipped} has no \`${from}\``)
        text = text.replaceAll(from, to)
      }
      writeFileSync(at(file), text)
    }
    const certificate = readFileSync(at('.holdfast/tls/clients/demo-gateway.pem'), 'utf8')
    const thumbprint = certificateThumbprint(new X509Certificate(certificate).raw)
    const { privateKey } = generateKeyPairSync('ed25519')
    writeFileSync(at('evidence.jwk.json'), JSON.stringify(privateKey.export({ format: 'jwk' })))
    write('beside.yaml', 'nginx/gateway.yaml', {
      'localhost:8449': `localhost:${front}`,
      'port: 8450': `port: ${check}`,
      'port: 9002': `port: ${management}`,
      'localhost:8443': `localhost:${ports.public}`,
      'localhost:8447': `localhost:${ports.demoApi}`,
    })
    write('my-nginx.conf', 'nginx/nginx.conf', {
      '/etc/holdfast/server': at('.holdfast/tls/server'),
      '/etc/holdfast/proxy': at('.holdfast/tls/clients/demo-gateway'),
      '/etc/holdfast/ca': at('.holdfast/tls/ca'),
      'listen 443': `listen 127.0.0.1:${front}`,
      'holdfast.internal:8450': `127.0.0.1:${check}`,
      'accounts.internal:8443': `127.0.0.1:${behind}`,
      'proxy_ssl_name accounts.internal': 'proxy_ssl_name localhost',
      'proxy_ssl_name holdfast.internal': 'proxy_ssl_name localhost',
      'api.example': 'localhost',
    })
    const env = {
      PROXY_THUMBPRINT: thumbprint,
      AUDIENCE: `https://localhost:${ports.demoApi}`,
      EXTERNAL_URL: `https://localhost:${front}`,
      PORT: String(behind),
    }
    const checked = runProgram(workshop, [launcher, 'gateway', '--check', '-c', 'beside.yaml'], env)
    assert.deepEqual(await checked.ended, [0, null], checked.text())
    writeFileSync(
      at('keys.json'),
      checked
        .text()
        .slice(checked.text().indexOf('{'))
        .replace(/\}[^}]*$/, '}'),
    )
    const gateway = runProgram(workshop, [launcher, 'gateway', '-c', 'beside.yaml'], env)
    running.push(gateway.child)
    await gateway.says(/gateway\.ready/)
    const api = runProgram(workshop, [join(import.meta.dirname, 'api.ts'), 'keys.json', thumbprint], env)
    running.push(api.child)
    await api.says(/accounts API at/)
    // The evidence key is new, yet the API's memory asks for five seconds in which nothing older can be repeated.
    await new Promise(resolve => setTimeout(resolve, 6500))
    const directives = `daemon off; user root; pid ${at('nginx.pid')}; error_log stderr;`
    const proxy = spawn(nginx, ['-c', at('my-nginx.conf'), '-e', 'stderr', '-g', directives], {
      stdio: 'ignore',
    })
    running.push(proxy)
    assert.ok(await isListening(front, proxy), 'NGINX did not start')
    const call = runProgram(workshop, [join(import.meta.dirname, 'call.ts')], env)
    assert.deepEqual(await call.ended, [0, null], call.text())
    assert.match(
      call.text(),
      /with token and proof: 200 \{"client":"demo-jwt-dpop".*"accounts":\["DE89","DE12"\]\}/,
    )
    assert.match(call.text(), /with the token alone: 401 invalid_token/)
    assert.match(call.text(), /with a header of our own: 401 no token/)
    assert.match(call.text(), /with another spelling: 400/)
    assert.match(api.text(), /accepted 200/)
  } finally {
    for (const child of running) {
      const ended = child.exitCode === null ? once(child, 'exit') : undefined
      child.kill('SIGTERM')
      await ended
    }
    await started.stop('SIGKILL')
    workshop.remove()
  }
})
