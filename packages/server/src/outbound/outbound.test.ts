import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { identities } from '../http/testing/edge-world.ts'
import type { Outbound } from '../ports.ts'
import { insideOf, isNetwork, isPublicAddress } from './addresses.ts'
import { allowLoopbackForTests, openOutbound, type ResolveAll } from './client.ts'

const limits = { bytesMax: 1000, timeoutMs: 1000 }
const refused = { code: 'outbound.refused' }
const failed = { code: 'outbound.failed' }

describe('addresses of the public internet', () => {
  it('every special-use network is outside, on both of its edges', () => {
    const inside = [
      ['0.0.0.0', '0.255.255.255'],
      ['10.0.0.0', '10.255.255.255'],
      ['100.64.0.0', '100.127.255.255'],
      ['127.0.0.1', '127.255.255.255'],
      ['169.254.0.0', '169.254.169.254'],
      ['172.16.0.0', '172.31.255.255'],
      ['192.0.0.0', '192.0.0.255'],
      ['192.0.2.0', '192.0.2.255'],
      ['192.168.0.0', '192.168.255.255'],
      ['198.18.0.0', '198.19.255.255'],
      ['198.51.100.0', '203.0.113.255'],
      ['224.0.0.0', '239.255.255.255'],
      ['240.0.0.0', '255.255.255.255'],
      ['::', '::1'],
      ['::ffff:10.0.0.1', '::ffff:8.8.8.8'],
      ['::ffff:7f00:1', '::127.0.0.1'],
      ['64:ff9b::a00:1', '64:ff9b:1::1'],
      ['100::1', 'fc00::1'],
      ['fd00:ec2::254', 'fe80::1'],
      ['fec0::1', 'ff02::1'],
      ['2001::1', '2001:1ff:ffff::'],
      ['2001:db8::1', '2002:7f00:1::'],
      ['3fff::1', '4000::1'],
    ].flat()
    for (const address of inside) assert.ok(!isPublicAddress(address), address)
  })

  it('their neighbours are inside', () => {
    const outside = [
      '1.0.0.0',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
      '128.0.0.0',
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
      '192.169.0.0',
      '223.255.255.255',
      '2001:200::1',
      '2606:4700::1111',
      '2a00:1450::1',
    ]
    for (const address of outside) assert.ok(isPublicAddress(address), address)
  })

  it('a network holds its own addresses and no others, of either kind', () => {
    const isInside = insideOf(['10.3.0.0/16', '127.0.0.1/32', 'fd00:1::/32'])
    for (const address of ['10.3.0.0', '10.3.255.255', '127.0.0.1', 'fd00:1::', 'fd00:1:ffff::1'])
      assert.ok(isInside(address), address)
    for (const address of [
      '10.2.255.255',
      '10.4.0.0',
      '127.0.0.2',
      'fd00:2::',
      '::ffff:10.3.0.1',
      '8.8.8.8',
      '',
    ])
      assert.ok(!isInside(address), address)
    assert.ok(!insideOf([])('127.0.0.1'))
  })

  it('a network is an address and the length of a prefix', () => {
    for (const text of ['10.0.0.0/8', '0.0.0.0/0', '10.0.0.1/32', 'fd00::/8', '::1/128'])
      assert.ok(isNetwork(text), text)
    for (const text of [
      '10.0.0.0',
      '10.0.0.0/33',
      '10.0.0/8',
      'fd00::/129',
      '/8',
      'localhost/8',
      '10.0.0.0/-1',
      '',
    ])
      assert.ok(!isNetwork(text), text)
  })

  it('what is no address is not public', () => {
    for (const text of ['', 'localhost', '0x7f.1', '127.1', '2130706433', '2606::1%eth0', '[2606::1]'])
      assert.ok(!isPublicAddress(text), text)
  })
})

describe('the guarded client', () => {
  let server: Server
  let loose: Outbound & { close: () => Promise<void> }
  let port: number
  let caPem: string
  const asked: string[] = []
  const posted: IncomingMessage[] = []
  const sent: string[] = []

  const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/json': response => void response.setHeader('content-type', 'application/json').end('{"a":1}'),
    '/jwks': response =>
      void response.setHeader('content-type', 'application/jwk-set+json; charset=utf-8').end('{}'),
    '/html': response => void response.setHeader('content-type', 'text/html').end('{}'),
    '/untyped': response => void response.end('{}'),
    '/redirect': response => void response.writeHead(302, { location: '/json' }).end(),
    '/missing': response => void response.writeHead(404, { 'content-type': 'application/json' }).end('{}'),
    '/broken': response => void response.setHeader('content-type', 'application/json').end('{"a":1'),
    '/double': response => void response.setHeader('content-type', 'application/json').end('{"a":1,"a":2}'),
    '/exact': response =>
      void response.setHeader('content-type', 'application/json').end(`"${'x'.repeat(limits.bytesMax - 2)}"`),
    '/large': response =>
      void response.setHeader('content-type', 'application/json').end(`"${'x'.repeat(limits.bytesMax - 1)}"`),
    '/flood': response => {
      response.setHeader('content-type', 'application/json').write('"')
      const timer = setInterval(() => response.write('x'.repeat(100)), 1)
      response.on('close', () => clearInterval(timer))
    },
    '/gzip': response =>
      void response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync('{}')),
    '/silent': () => undefined,
    '/drip': response => {
      response.setHeader('content-type', 'application/json').write(' ')
      const timer = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(timer))
    },
  }

  before(async () => {
    const { ca, server: identity } = await identities()
    caPem = ca.certPem
    server = createServer({ cert: identity.certPem, key: identity.keyPem }, (request, response) => {
      asked.push(request.url ?? '')
      if (request.method === 'POST') {
        posted.push(request)
        request.on('data', (chunk: Buffer) => sent.push(chunk.toString()))
      }
      answers[request.url ?? '']?.(response)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
    loose = openOutbound({ loosened: allowLoopbackForTests(), caPem, resolve: toLoopback })
  })
  after(async () => {
    await loose?.close()
    server?.closeAllConnections()
    server?.close()
  })

  const toLoopback: ResolveAll = (_hostname, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
  const get = (path: string): Promise<unknown> => loose.getJson(`https://localhost:${port}${path}`, limits)

  it('returns JSON of both media types', async () => {
    assert.deepEqual({ ...((await get('/json')) as object) }, { a: 1 })
    assert.deepEqual({ ...((await get('/jwks')) as object) }, {})
  })

  it('returns a text of the media type that was asked for, and of no other', async () => {
    const text = (path: string, mediaType: string): Promise<string> =>
      loose.getText(`https://localhost:${port}${path}`, { ...limits, mediaType })
    assert.equal(await text('/json', 'application/json'), '{"a":1}')
    assert.equal(await text('/double', 'application/json'), await text('/double', 'application/json'))
    for (const path of ['/html', '/untyped', '/missing', '/redirect', '/gzip', '/large', '/flood'])
      await assert.rejects(text(path, 'application/json'), failed, path)
    await assert.rejects(text('/jwks', 'application/json'), failed)
    await assert.rejects(text('/json', 'application/oauth-authz-req+jwt'), failed)
  })

  it('takes a body of exactly the limit and not a byte more, announced or streamed', async () => {
    assert.equal(((await get('/exact')) as string).length, limits.bytesMax - 2)
    await assert.rejects(get('/large'), failed)
    await assert.rejects(get('/flood'), failed)
  })

  it('follows no redirect', async () => {
    asked.length = 0
    await assert.rejects(get('/redirect'), failed)
    assert.deepEqual(asked, ['/redirect'])
  })

  it('takes no other status, type, encoding or loose JSON', async () => {
    for (const path of ['/missing', '/html', '/untyped', '/broken', '/double', '/gzip'])
      await assert.rejects(get(path), failed, path)
  })

  it('gives up on a server that says nothing or drips', async () => {
    for (const path of ['/silent', '/drip']) {
      const started = performance.now()
      await assert.rejects(get(path), failed)
      assert.ok(performance.now() - started < 2500)
    }
  })

  it('trusts only known authorities and the right name', async () => {
    const unknown = openOutbound({ loosened: allowLoopbackForTests(), resolve: toLoopback })
    await assert.rejects(unknown.getJson(`https://localhost:${port}/json`, limits), failed)
    await assert.rejects(loose.getJson(`https://other.example:${port}/json`, limits), failed)
    await unknown.close()
  })

  it('never connects to an address that is not public, however it is written', async () => {
    asked.length = 0
    const strict = openOutbound({ caPem, allowedPorts: [port], resolve: toLoopback })
    const hosts = [
      'localhost',
      '127.0.0.1',
      '[::1]',
      '2130706433',
      '0x7f.1',
      '127.1',
      '[::ffff:127.0.0.1]',
      '017700000001',
    ]
    for (const host of hosts)
      await assert.rejects(strict.getJson(`https://${host}:${port}/json`, limits), refused, host)
    assert.deepEqual(asked, [])
    await strict.close()
  })

  it('a name with one bad address among good ones is refused whole', async () => {
    const mixed: ResolveAll = (_hostname, done) =>
      done(null, [
        { address: '8.8.8.8', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ])
    const client = openOutbound({ resolve: mixed })
    await assert.rejects(client.getJson('https://keys.example/jwks', limits), refused)
    await client.close()
  })

  it('connects to the address it checked: the name is resolved once', async () => {
    let count = 0
    const rebinding: ResolveAll = (_hostname, done) => {
      count++
      done(null, [{ address: count === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }])
    }
    const client = openOutbound({ loosened: allowLoopbackForTests(), caPem, resolve: rebinding })
    await client.getJson(`https://localhost:${port}/json`, limits)
    assert.equal(count, 1)
    await client.close()
  })

  it('refuses what is no plain https URL on an allowed port', async () => {
    const strict = openOutbound()
    const urls = [
      'http://keys.example/jwks',
      'ftp://keys.example/jwks',
      'file:///etc/passwd',
      'https://user:pass@keys.example/jwks',
      'https://keys.example/jwks#a',
      'https://keys.example:8443/jwks',
      'https://keys.example:22/',
      'not a url',
      '',
    ]
    for (const url of urls) await assert.rejects(strict.getJson(url, limits), refused, url)
    await strict.close()
  })

  it('a name that does not resolve is a failure, not a refusal', async () => {
    const nowhere: ResolveAll = (_hostname, done) => done(new Error('ENOTFOUND'), [])
    const empty: ResolveAll = (_hostname, done) => done(null, [])
    for (const resolve of [nowhere, empty]) {
      const client = openOutbound({ resolve })
      await assert.rejects(client.getJson('https://keys.example/jwks', limits), failed)
      await client.close()
    }
  })

  it('a form is posted, and only the status of the answer is read', async () => {
    const post = (path: string): Promise<{ readonly status: number }> =>
      loose.postForm(`https://localhost:${port}${path}`, { logout_token: 'a.b&c' }, limits)
    assert.deepEqual(await post('/json'), { status: 200 })
    assert.equal(posted.at(-1)?.headers['content-type'], 'application/x-www-form-urlencoded')
    assert.equal(sent.join(''), 'logout_token=a.b%26c')
    for (const [path, status] of [
      ['/missing', 404],
      ['/flood', 200],
      ['/drip', 200],
    ] as const)
      assert.deepEqual(await post(path), { status })
  })

  it('a form goes out under the same guards as every request', async () => {
    asked.length = 0
    const form = { a: 'b' }
    const redirected = await loose.postForm(`https://localhost:${port}/redirect`, form, limits)
    assert.deepEqual([redirected, asked], [{ status: 302 }, ['/redirect']])
    await assert.rejects(loose.postForm(`https://localhost:${port}/silent`, form, limits), failed)
    asked.length = 0
    const strict = openOutbound({ caPem, allowedPorts: [port], resolve: toLoopback })
    for (const host of ['localhost', '127.0.0.1', '[::1]', '2130706433'])
      await assert.rejects(strict.postForm(`https://${host}:${port}/json`, form, limits), refused, host)
    for (const url of ['http://rp.example/', 'https://rp.example:22/', 'https://rp.example/#a'])
      await assert.rejects(strict.postForm(url, form, limits), refused, url)
    assert.deepEqual(asked, [])
    await strict.close()
  })

  it('a form that wants JSON gets strict JSON of status 200, under the same guards', async () => {
    sent.length = 0
    const ask = (path: string): Promise<unknown> =>
      loose.postFormForJson(`https://localhost:${port}${path}`, { code: 'a&b' }, limits)
    assert.deepEqual({ ...((await ask('/json')) as object) }, { a: 1 })
    assert.equal(posted.at(-1)?.headers['content-type'], 'application/x-www-form-urlencoded')
    assert.equal(posted.at(-1)?.headers.accept, 'application/json')
    assert.equal(sent.join(''), 'code=a%26b')
    for (const path of ['/redirect', '/missing', '/html', '/broken', '/double', '/large', '/gzip', '/silent'])
      await assert.rejects(ask(path), failed, path)
    const strict = openOutbound({ caPem, allowedPorts: [port], resolve: toLoopback })
    await assert.rejects(strict.postFormForJson(`https://localhost:${port}/json`, {}, limits), refused)
    await strict.close()
  })

  it('JSON is posted with a bearer token, under the same guards, and only the status of the answer is read', async () => {
    sent.length = 0
    const options = { bearer: 'tok.en', ...limits }
    const body = { auth_req_id: 'ar_"x' }
    const post = (path: string): Promise<{ readonly status: number }> =>
      loose.postJson(`https://localhost:${port}${path}`, body, options)
    assert.deepEqual(await post('/json'), { status: 200 })
    assert.equal(posted.at(-1)?.headers['content-type'], 'application/json')
    assert.equal(posted.at(-1)?.headers.authorization, 'Bearer tok.en')
    assert.equal(sent.join(''), '{"auth_req_id":"ar_\\"x"}')
    asked.length = 0
    assert.deepEqual([await post('/redirect'), asked], [{ status: 302 }, ['/redirect']])
    await assert.rejects(post('/silent'), failed)
    asked.length = 0
    const strict = openOutbound({ caPem, allowedPorts: [port], resolve: toLoopback })
    for (const url of [
      `https://localhost:${port}/json`,
      `https://127.0.0.1:${port}/json`,
      'http://rp.example/',
    ])
      await assert.rejects(strict.postJson(url, body, options), refused, url)
    assert.deepEqual(asked, [])
    await strict.close()
  })

  it('at most 32 requests are on their way at one time', async () => {
    const many = Array.from({ length: 40 }, () =>
      get('/silent').then(
        () => 'ok',
        (error: Error) => error.message,
      ),
    )
    const results = await Promise.all(many)
    assert.equal(results.filter(message => message.includes('already on their way')).length, 8)
  })
})
