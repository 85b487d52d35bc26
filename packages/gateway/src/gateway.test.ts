import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { profiles } from '@holdfast/protocol'
import { protect } from '@holdfast/resource-server/adapters/node.ts'
import { testKey } from '@holdfast/resource-server/testing.ts'
import { audience, type Bed, open, openBed, proofFor, send, thumbprintOf } from './testing/bed.ts'

let bed: Bed
before(async () => {
  bed = await openBed()
})
after(async () => await bed.close())

const claimsOf = (jwt: unknown): Record<string, unknown> =>
  JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString())

describe('a good request', () => {
  test('the API sees a phantom token and evidence, and not the token of the client', async () => {
    const token = bed.token()
    const answer = await send(bed, { token, path: '/accounts?page=2' })
    assert.equal(answer.status, 200, answer.text)
    const { rawHeaders, headers, url } = bed.received.at(-1) ?? assert.fail()
    assert.equal(url, '/accounts?page=2')
    assert.ok(!rawHeaders.join('\n').includes(token))
    for (const gone of ['authorization', 'dpop']) assert.equal(headers[gone], undefined)
    const phantom = claimsOf(headers['holdfast-token'])
    const { token_introspection: about } = phantom as { token_introspection: Record<string, unknown> }
    assert.deepEqual(about.cnf, { jkt: bed.key.thumbprint })
    assert.deepEqual(phantom.aud, [audience])
    const { iat, exp, jti, rid, ...evidence } = claimsOf(headers['holdfast-evidence'])
    assert.deepEqual(evidence, {
      iss: bed.origin,
      aud: 'urn:bank',
      htm: 'GET',
      target: '/accounts?page=2',
      pth: createHash('sha256').update(String(headers['holdfast-token'])).digest('base64url'),
      cnf: { jkt: bed.key.thumbprint },
    })
    assert.ok(Number(exp) - Number(iat) <= 30)
    assert.equal(typeof jti, 'string')
    assert.equal(rid, answer.headers['x-request-id'])
    assert.equal(headers['x-request-id'], rid)
    assert.equal(headers.forwarded, `for=127.0.0.1;host="localhost:${bed.port}";proto=https`)
  })

  test('is verified again by the SDK of the API, and both records have one reference', async () => {
    const before = bed.api.listener
    bed.api.listener = protect(bed.api.sdk, { scopes: ['accounts:read'] }, (_incoming, response, token) => {
      response.end(JSON.stringify({ subject: token.subject, binding: token.binding, ref: token.requestId }))
    })
    try {
      const answer = await send(bed, { token: bed.token() })
      assert.equal(answer.status, 200, answer.text)
      assert.deepEqual(answer.json.binding, { jkt: bed.key.thumbprint })
      assert.equal(answer.json.ref, bed.events.at(-1)?.requestId)
      assert.equal(bed.apiEvents.at(-1)?.requestId, bed.events.at(-1)?.requestId)
    } finally {
      bed.api.listener = before
    }
  })

  test('what the gateway sent is worth nothing when it is sent again, elsewhere or from elsewhere', async () => {
    const before = bed.api.listener
    bed.api.listener = protect(bed.api.sdk, {}, (_incoming, response) => void response.end('let in'))
    try {
      await send(bed, { token: bed.token() })
      const { rawHeaders } = bed.received.at(-1) ?? assert.fail()
      const { request } = await import('node:https')
      const again = (path: string, certificate: { certPem: string; keyPem: string }): Promise<number> =>
        new Promise((done, fail) => {
          const headers: Record<string, string> = {}
          for (let index = 0; index < rawHeaders.length; index += 2)
            headers[rawHeaders[index] ?? ''] = rawHeaders[index + 1] ?? ''
          const { certPem: cert, keyPem: key } = certificate
          const where = { host: 'localhost', port: bed.api.port, path, ca: bed.ca.caPem, cert, key }
          request({ ...where, headers, agent: false }, response => done(response.resume().statusCode ?? 0))
            .on('error', fail)
            .end()
        })
      const gateway = await bed.ca.clientCertificate('gateway', 'CN=gateway', 'issued')
      assert.equal(await again('/accounts', gateway), 401)
      assert.equal(await again('/payments', gateway), 401)
      assert.equal(await again('/accounts', bed.clientCertificate), 401)
      const rules = bed.apiEvents.slice(-3).map(({ ruleId }) => ruleId)
      assert.deepEqual(rules, ['evidence.replay', 'evidence.target', 'evidence.peer'])
    } finally {
      bed.api.listener = before
    }
  })

  test('a token that is bound to a certificate needs that certificate, and the API hears of it', async () => {
    const { clientCertificate: certificate } = bed
    const x5t = thumbprintOf(certificate.certPem)
    const token = bed.token({ cnf: { 'x5t#S256': x5t } })
    const good = await send(bed, { token, scheme: 'Bearer', certificate })
    assert.equal(good.status, 200, good.text)
    assert.deepEqual(claimsOf(bed.received.at(-1)?.headers['holdfast-evidence']).cnf, { 'x5t#S256': x5t })
    for (const other of [undefined, bed.proxyCertificate]) {
      const bad = await send(bed, { token, scheme: 'Bearer', ...(other && { certificate: other }) })
      assert.equal(bad.status, 401)
      assert.equal(bed.events.at(-1)?.ruleId, 'cnf.x5t')
    }
  })

  test('the most literal route wins, and names of methods belong to it', async () => {
    assert.equal((await send(bed, { token: bed.token(), path: '/accounts/7' })).status, 200)
    const wrong = await send(bed, { token: bed.token(), method: 'PUT', path: '/accounts/7' })
    assert.equal(wrong.status, 405)
    assert.equal(wrong.headers.allow, 'GET, DELETE')
    assert.equal(wrong.json.rule, 'gateway.route-method')
  })

  test('HEAD has the fields and no body', async () => {
    bed.received.length = 0
    const answer = await send(bed, { token: bed.token(), method: 'HEAD' })
    assert.equal(answer.status, 200)
    assert.equal(answer.text, '')
    assert.equal(bed.received[0]?.method, 'HEAD')
  })
})

describe('every check of the SDK is made at the edge, and what fails never reaches the API', () => {
  const refused = async (
    status: number,
    rule: string,
    options: Parameters<typeof send>[1],
  ): Promise<void> => {
    const before = bed.received.length
    const answer = await send(bed, options)
    assert.equal(answer.status, status, answer.text)
    assert.equal(bed.events.at(-1)?.ruleId, rule)
    assert.equal(bed.received.length, before)
  }

  test('no token, and a token in the query', async () => {
    await refused(401, 'bearer.credentials-missing', {})
    const token = bed.token()
    await refused(401, 'bearer.header-only', { path: `/accounts?access_token=${token}` })
    await refused(400, 'bearer.one-method', { token, path: `/accounts?access_token=${token}` })
  })

  test('an unknown, expired, foreign or revoked token', async () => {
    await refused(401, 'access-token.inactive', { token: 'at_unknown' })
    await refused(401, 'access-token.expired', { token: bed.token({ exp: 1_000_000_000 }) })
    await refused(401, 'access-token.aud', { token: bed.token({ aud: 'https://other.example' }) })
    await refused(401, 'access-token.iss', { token: bed.token({ iss: 'https://other-as.example' }) })
  })

  test('no proof, a proof of another key, method, path, host or token, and a proof used before', async () => {
    const token = bed.token()
    await refused(401, 'dpop.field', { token, proof: null })
    await refused(401, 'bearer.dpop-downgrade', { token, scheme: 'Bearer' })
    const stranger = { ...bed, key: testKey() }
    await refused(401, 'dpop.binding', { token, proof: proofFor(stranger, { token }) })
    await refused(401, 'dpop.htm', { token, proof: proofFor(bed, { token, method: 'POST' }) })
    await refused(401, 'dpop.htu', { token, proof: proofFor(bed, { token, path: '/accounts/7' }) })
    await refused(401, 'dpop.htu', { token, proof: proofFor({ ...bed, origin: audience }, { token }) })
    await refused(401, 'dpop.ath', { token, proof: proofFor(bed, { token: bed.token() }) })
    const proof = proofFor(bed, { token })
    assert.equal((await send(bed, { token, proof })).status, 200)
    await refused(401, 'replay.proof', { token, proof })
  })

  test('every check is made again for a token whose answer is remembered (I19)', async () => {
    const token = bed.token()
    const send1 = (options: Parameters<typeof send>[1] = {}) => send(bed, { token, ...options })
    const asked = (): number => bed.issuer.seen.filter(({ url }) => url.endsWith('/introspect')).length
    assert.equal((await send1()).status, 200)
    const before = asked()
    await refused(401, 'dpop.field', { token, proof: null })
    await refused(401, 'bearer.dpop-downgrade', { token, scheme: 'Bearer' })
    await refused(401, 'dpop.binding', { token, proof: proofFor({ ...bed, key: testKey() }, { token }) })
    await refused(401, 'dpop.htm', { token, proof: proofFor(bed, { token, method: 'POST' }) })
    await refused(401, 'dpop.ath', { token, proof: proofFor(bed, { token: bed.token() }) })
    const proof = proofFor(bed, { token })
    assert.equal((await send1({ proof })).status, 200)
    await refused(401, 'replay.proof', { token, proof })
    await refused(401, 'step-up.acr', { token, method: 'POST', path: '/payments', body: '{}' })
    assert.equal((await send1()).status, 200)
    assert.equal(asked(), before, 'nobody was asked again')
  })

  test('a proof is judged against the configured URL, whatever the request says about hosts', async () => {
    const token = bed.token()
    const proof = proofFor({ ...bed, origin: 'https://evil.example' }, { token })
    const headers = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example;proto=https' }
    await refused(401, 'dpop.htu', { token, proof, headers })
  })

  test('a scope that is missing, and authentication that does not suffice', async () => {
    await refused(403, 'bearer.scope', { token: bed.token({ scope: 'openid' }) })
    const body = { method: 'POST', path: '/payments', body: '{}' }
    await refused(401, 'step-up.acr', { token: bed.token(), ...body })
    const challenge = (await send(bed, { token: bed.token(), ...body })).headers['www-authenticate'] ?? ''
    assert.match(challenge, /error="insufficient_user_authentication"/)
    assert.match(challenge, /acr_values="urn:mfa"/)
    assert.equal((await send(bed, { token: bed.token({ acr: 'urn:mfa' }), ...body })).status, 200)
  })

  test('an unbound token', async () => {
    const token = bed.token({ cnf: undefined })
    await refused(401, 'cnf.required', { token, scheme: 'Bearer' })
  })
})

describe('metadata', () => {
  test('of an API whose identifier is the URL of the gateway is published by the gateway', async () => {
    const own = await openBed({ isAtOrigin: true })
    try {
      const answer = await send(own, { path: '/.well-known/oauth-protected-resource' })
      assert.equal(answer.status, 200)
      assert.equal(answer.json.resource, own.origin)
      assert.deepEqual(answer.json.authorization_servers, [own.issuer.issuer])
      assert.equal(own.received.length, 0)
    } finally {
      await own.close()
    }
    assert.equal((await send(bed, { path: '/.well-known/oauth-protected-resource' })).status, 404)
  })
})

describe('a tier', () => {
  const profile = profiles.get('tier-3-sensitive-write')

  test('holds at the gateway as it does at the API', async () => {
    assert.ok(profile)
    const own = await openBed({ api: { profile } })
    try {
      const auth_time = Math.floor(Date.now() / 1000)
      const good = await send(own, { token: own.token({ auth_time, exp: auth_time + 120 }) })
      assert.equal(good.status, 200, JSON.stringify(own.events.at(-1)))
      const lasting = own.token({ auth_time, exp: auth_time + 3000 })
      assert.equal((await send(own, { token: lasting })).status, 401)
      const old = own.token({ auth_time: auth_time - 86_400, exp: auth_time + 120 })
      assert.equal((await send(own, { token: old })).status, 401)
      assert.equal(own.events.at(-1)?.ruleId, 'step-up.max-age')
      assert.equal(own.received.length, 1)
    } finally {
      await own.close()
    }
  })

  test('of a route holds there and nowhere else, and takes nothing from that of the API', async () => {
    assert.ok(profile)
    const routes = [
      { api: 'bank', methods: ['GET'], path: '/accounts' },
      { api: 'bank', methods: ['POST'], path: '/payments', profile },
    ]
    const own = await openBed({ routes })
    try {
      const auth_time = Math.floor(Date.now() / 1000) - 86_400
      const token = own.token({ auth_time })
      assert.equal((await send(own, { token })).status, 200)
      const pay = (token: string) => send(own, { token, method: 'POST', path: '/payments' })
      assert.equal((await pay(token)).status, 401)
      const fresh = own.token({ auth_time: auth_time + 86_400, exp: auth_time + 86_520 })
      assert.equal((await pay(fresh)).status, 200, JSON.stringify(own.events.at(-1)))
    } finally {
      await own.close()
    }
  })

  test('that an option would loosen does not start', async () => {
    assert.ok(profile)
    await assert.rejects(
      openBed({ api: { profile, senderConstraint: 'allowed' } }),
      /looser than the profile/,
    )
  })
})

describe('answers', () => {
  test('what an upstream says in names that are ours or of one hop does not reach the client', async () => {
    const before = bed.api.listener
    bed.api.listener = (_incoming, response) => {
      response.writeHead(
        200,
        [
          ['connection', 'x-hop'],
          ['x-hop', '1'],
          ['keep-alive', 'timeout=5'],
          ['client-cert', ':AA==:'],
          ['holdfast-token', 'leak'],
          ['dpop-nonce', 'not-ours'],
          ['set-cookie', 'a=b'],
          ['server', 'secret/1.0'],
          ['x-request-id', 'theirs'],
          ['www-authenticate', 'DPoP error="insufficient_user_authentication"'],
          ['x-own', 'kept'],
        ].flat(),
      )
      response.end('ok')
    }
    try {
      const { headers } = await send(bed, { token: bed.token() })
      const names = ['x-hop', 'client-cert', 'holdfast-token', 'dpop-nonce', 'set-cookie', 'server']
      for (const name of names) assert.equal(headers[name], undefined, name)
      assert.equal(headers['x-own'], 'kept')
      assert.notEqual(headers['x-request-id'], 'theirs')
      assert.match(headers['www-authenticate'] ?? '', /insufficient_user_authentication/)
    } finally {
      bed.api.listener = before
    }
  })

  test('bodies stream both ways, larger than any buffer', async () => {
    const before = bed.api.listener
    let seen = 0
    bed.api.listener = (incoming, response) => {
      incoming.on('data', (chunk: Buffer) => {
        seen += chunk.length
      })
      incoming.on('end', () => response.end(Buffer.alloc(3_000_000, 'b')))
    }
    try {
      const chunked = { 'transfer-encoding': 'chunked' }
      const path = '/files/a/b'
      const upload = { token: bed.token(), method: 'PUT', path, body: Buffer.alloc(100_000, 'a') }
      const answer = await open(bed, { ...upload, headers: chunked })
      assert.equal(answer.statusCode, 200)
      let got = 0
      for await (const chunk of answer) got += (chunk as Buffer).length
      assert.deepEqual([seen, got], [100_000, 3_000_000])
    } finally {
      bed.api.listener = before
    }
  })

  test('no log line, no event and no metric holds a token, a proof or a query', async () => {
    const token = bed.token()
    const proof = proofFor(bed, { token })
    await send(bed, { token, proof, path: '/accounts?secret=hunter2' })
    const text = JSON.stringify([bed.lines, bed.events])
    for (const secret of [token, proof, 'hunter2']) assert.ok(!text.includes(secret))
    const line = bed.lines.findLast(({ event }) => event === 'gateway.request')
    assert.equal(line?.fields.path, '/accounts')
    assert.equal(line?.fields.status, 200)
    assert.equal(line?.fields.reference, bed.events.at(-1)?.requestId)
  })
})
