import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { test } from 'node:test'
import { testKey } from '@holdfast/resource-server/testing.ts'
import { credentials, open, proofFor, send, thumbprintOf } from '../../testing/bed.ts'
import { type Beside, besideEach } from '../testing/beside.ts'

besideEach('beside a real proxy', (beside, kind) => {
  test('an honest request passes, and the API gets evidence and no token of the client', async () => {
    const { bed, taken, assertOnlyChecked } = beside()
    const token = bed.token()
    const proof = proofFor(bed, { token, path: '/accounts?page=2' })
    const answer = await send(bed, { token, proof, path: '/accounts?page=2' })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(taken.at(-1), {
      method: 'GET',
      url: '/accounts?page=2',
      jkt: bed.key.thumbprint,
      body: '',
    })
    const { rawHeaders, headers } = bed.received.at(-1) ?? assert.fail()
    assert.ok(![token, proof].some(secret => rawHeaders.join('\n').includes(secret)))
    for (const gone of ['authorization', 'dpop', 'client-cert', 'dpop-nonce'])
      assert.equal(headers[gone], undefined)
    assert.equal(headers['x-request-id'], bed.events.at(-1)?.requestId)
    assert.equal(bed.apiEvents.at(-1)?.requestId, bed.events.at(-1)?.requestId)
    assertOnlyChecked()
  })

  test('bodies stream through, with a length and in chunks', async () => {
    const { bed, taken } = beside()
    const body = 'a'.repeat(90_000)
    const chunked = { 'transfer-encoding': 'chunked' }
    for (const headers of [{}, chunked]) {
      const upload = { token: bed.token(), method: 'PUT', path: '/files/a/b', body, headers }
      const answer = await open(bed, upload)
      answer.resume()
      await once(answer, 'end')
      assert.equal(answer.statusCode, 200)
      assert.equal(taken.at(-1)?.body.length, body.length)
    }
  })

  test('HEAD has the fields and no body', async () => {
    const { bed, taken } = beside()
    const answer = await send(bed, { token: bed.token(), method: 'HEAD' })
    assert.deepEqual([answer.status, answer.text, taken.at(-1)?.method], [200, '', 'HEAD'])
  })

  const refused = async (
    status: number,
    rule: string,
    challenge: RegExp,
    options: Parameters<typeof send>[1],
  ): Promise<void> => {
    const { bed } = beside()
    const before = bed.received.length
    const answer = await send(bed, options)
    assert.equal(answer.status, status, answer.text)
    assert.match(answer.headers['www-authenticate'] ?? '', challenge)
    assert.equal(answer.headers['www-authenticate']?.match(/(?:^|, )DPoP /g)?.length, 1)
    assert.equal(bed.events.at(-1)?.ruleId, rule)
    assert.equal(bed.received.length, before, 'nothing reached the API')
  }

  test('a token that is missing, unknown, expired or for another API is refused with the right challenge', async () => {
    const { bed } = beside()
    await refused(401, 'bearer.credentials-missing', /^DPoP (?!error)/, {})
    await refused(401, 'access-token.inactive', /error="invalid_token"/, { token: 'at_unknown' })
    await refused(401, 'access-token.expired', /error="invalid_token"/, { token: bed.token({ exp: 1e9 }) })
    const foreign = bed.token({ aud: 'https://other.example' })
    await refused(401, 'access-token.aud', /error="invalid_token"/, { token: foreign })
    const query = { path: `/accounts?access_token=${bed.token()}` }
    await refused(401, 'bearer.header-only', /DPoP/, query)
  })

  test('a proof that is missing, used, of another key, method, path or token is refused', async () => {
    const { bed } = beside()
    const token = bed.token()
    const proof = proofFor(bed, { token })
    assert.equal((await send(bed, { token, proof })).status, 200)
    await refused(401, 'replay.proof', /error="invalid_dpop_proof"/, { token, proof })
    await refused(401, 'dpop.field', /error="invalid_dpop_proof"/, { token, proof: null })
    await refused(401, 'bearer.dpop-downgrade', /error="invalid_token"/, { token, scheme: 'Bearer' })
    const stranger = proofFor({ ...bed, key: testKey() }, { token })
    await refused(401, 'dpop.binding', /invalid_dpop_proof|invalid_token/, { token, proof: stranger })
    await refused(401, 'dpop.htm', /DPoP/, { token, proof: proofFor(bed, { token, method: 'POST' }) })
    await refused(401, 'dpop.htu', /DPoP/, { token, proof: proofFor(bed, { token, path: '/accounts/7' }) })
    await refused(401, 'dpop.ath', /DPoP/, { token, proof: proofFor(bed, { token: bed.token() }) })
  })

  test('a scope that is missing is 403 with its name, and authentication that does not suffice is a step-up challenge', async () => {
    const { bed } = beside()
    const poor = { token: bed.token({ scope: 'openid' }) }
    await refused(403, 'bearer.scope', /error="insufficient_scope".*scope="accounts:read"/, poor)
    const payment = { method: 'POST', path: '/payments', body: '{}' }
    const weak = { token: bed.token(), ...payment }
    await refused(401, 'step-up.acr', /insufficient_user_authentication.*acr_values="urn:mfa"/, weak)
    assert.equal((await send(bed, { token: bed.token({ acr: 'urn:mfa' }), ...payment })).status, 200)
  })

  test('what is no route, not its method or not its host keeps its status', async () => {
    const { bed } = beside()
    const before = bed.received.length
    assert.equal((await send(bed, { token: bed.token(), path: '/admin' })).status, 404)
    const wrong = await send(bed, { token: bed.token(), method: 'PUT', path: '/accounts/7' })
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET, DELETE'])
    assert.equal(bed.received.length, before)
  })

  test('a client certificate counts where the proxy can show it, and nowhere else', async () => {
    const { bed } = beside()
    const certificate = bed.clientCertificate
    const bound = bed.token({ cnf: { 'x5t#S256': thumbprintOf(certificate.certPem) } })
    const canShow = kind.name !== 'NGINX'
    const good = await send(bed, { token: bound, scheme: 'Bearer', certificate })
    assert.equal(good.status, canShow ? 200 : 401, good.text)
    const before = bed.received.length
    for (const other of [undefined, bed.proxyCertificate]) {
      const bad = await send(bed, { token: bound, scheme: 'Bearer', ...(other && { certificate: other }) })
      assert.equal(bad.status, 401)
    }
    assert.equal(bed.received.length, before)
  })

  test('requests of one HTTP/2 connection are checked one by one', async () => {
    const { bed, taken, assertOnlyChecked } = beside()
    const before = taken.length
    const session = connectHttp2(bed.origin, { ca: bed.ca.caPem })
    const call = async (path: string, headers: Record<string, string>): Promise<number> => {
      const stream = session.request({ ':path': path, ':method': 'GET', ...headers })
      const [answer] = (await once(stream, 'response')) as [Record<string, unknown>]
      stream.resume()
      return Number(answer[':status'])
    }
    try {
      const token = bed.token()
      const good = ['/accounts', '/accounts/1', '/accounts/2'].map(path =>
        call(path, credentials(bed, { token, path })),
      )
      const spent = credentials(bed, { token, path: '/accounts/3' })
      const statuses = await Promise.all([...good, call('/accounts/4', spent), call('/accounts', {})])
      assert.deepEqual(statuses, [200, 200, 200, 401, 401])
      assert.equal(await call('/accounts/3', spent), 200)
      assert.equal(await call('/accounts/3', spent), 401)
      assert.deepEqual(
        taken
          .slice(before)
          .map(({ url }) => url)
          .toSorted(),
        ['/accounts', '/accounts/1', '/accounts/2', '/accounts/3'],
      )
      assertOnlyChecked()
    } finally {
      session.destroy()
    }
  })
})

besideEach(
  'a nonce through a real proxy',
  beside => {
    test('reaches the client with the challenge, and the next request passes', async () => {
      const { bed } = beside()
      const token = bed.token()
      const asked = await send(bed, { token })
      assert.deepEqual([asked.status, bed.events.at(-1)?.ruleId], [401, 'dpop.nonce-required'])
      assert.match(asked.headers['www-authenticate'] ?? '', /use_dpop_nonce/)
      const nonce = String(asked.headers['dpop-nonce'])
      const good = await send(bed, { token, proof: proofFor(bed, { token }, { nonce }) })
      assert.equal(good.status, 200, good.text)
      assert.doesNotMatch(String(good.headers['dpop-nonce']), /[{}]/)
    })
  },
  { api: { dpopNonce: 'required' } },
)

besideEach('a check that is gone', beside => {
  test('lets nobody in', async () => {
    const { bed, taken }: Beside = beside()
    assert.equal((await send(bed, { token: bed.token() })).status, 200)
    await bed.gateway.close()
    const answer = await send(bed, { token: bed.token() })
    assert.ok([502, 503].includes(answer.status), String(answer.status))
    assert.equal(taken.length, 1)
    assert.equal(bed.received.length, 1)
  })
})
