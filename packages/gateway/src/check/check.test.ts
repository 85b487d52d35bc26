import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { clientCertOf } from '@holdfast/protocol/specs/rfc9440-client-cert/rules.ts'
import { protect } from '@holdfast/resource-server/adapters/node.ts'
import { testKey } from '@holdfast/resource-server/testing.ts'
import { openGateway } from '../gateway.ts'
import { type Bed, checkKey, openBed, proofFor, send, thumbprintOf } from '../testing/bed.ts'
import { type AskAnswer, type AskOptions, ask, description } from './testing/ask.ts'

let bed: Bed
before(async () => {
  bed = await openBed({ isBeside: true })
})
after(async () => await bed.close())

const claimsOf = (jwt: unknown): Record<string, unknown> =>
  JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString())

/** As the proxy with the listed certificate. */
const asked = (options: AskOptions): Promise<AskAnswer> =>
  ask(bed, { certificate: bed.proxyCertificate, ...options })

/** What the log says of a request; it is written when the connection has taken the answer. */
async function logged(reference: unknown): Promise<Readonly<Record<string, unknown>>> {
  for (let turn = 0; turn < 200; turn++) {
    const line = bed.lines.find(
      ({ event, fields }) => event === 'gateway.request' && fields.reference === reference,
    )
    if (line !== undefined) return line.fields
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return assert.fail('no line in the log')
}

const refused = async (status: number, rule: string, options: AskOptions): Promise<AskAnswer> => {
  const answer = await asked(options)
  const { reference } = JSON.parse(answer.text) as { readonly reference: string }
  assert.equal((await logged(reference)).ruleId, rule)
  assert.equal(answer.status, status, answer.text)
  for (const name of ['holdfast-token', 'holdfast-evidence']) assert.equal(answer.headers[name], undefined)
  return answer
}

describe('a question of a listed proxy', () => {
  test('the answer is evidence for exactly the request that was asked about', async () => {
    const path = '/accounts?page=2'
    const answer = await asked({ headers: description(bed, { token: bed.token({ sub: 'zoë' }), path }) })
    assert.equal(answer.status, 200, answer.text)
    const { htm, target, iss, aud, cnf } = claimsOf(answer.headers['holdfast-evidence'])
    assert.deepEqual([htm, target, iss, aud], ['GET', path, bed.origin, 'urn:bank'])
    assert.deepEqual(cnf, { jkt: bed.key.thumbprint })
    assert.equal(answer.headers['holdfast-subject'], 'zo%C3%AB')
    assert.equal(answer.headers['holdfast-scope'], 'accounts:read payments:write')
    assert.ok(String(answer.headers['holdfast-client-id']).length > 0)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(answer.headers['content-length'], '0')
    assert.equal(answer.headers['x-request-id'], bed.events.at(-1)?.requestId)
    assert.equal((await logged(answer.headers['x-request-id'])).address, '192.0.2.9')
  })

  test('in the ext_authz form is the request itself', async () => {
    const token = bed.token()
    const { authorization, dpop } = description(bed, { token, method: 'DELETE', path: '/accounts/7?x=1' })
    const headers = { host: `localhost:${bed.port}`, 'x-forwarded-proto': 'https', authorization, dpop }
    const question = { method: 'DELETE', path: '/envoy/accounts/7?x=1', headers: headers as never }
    const answer = await asked(question)
    assert.equal(answer.status, 200, answer.text)
    const { htm, target } = claimsOf(answer.headers['holdfast-evidence'])
    assert.deepEqual([htm, target], ['DELETE', '/accounts/7?x=1'])
    await refused(401, 'replay.proof', question)
    const plain = { ...question, headers: { ...headers, 'x-forwarded-proto': 'http' } as never }
    await refused(400, 'check.scheme', plain)
    const elsewhere = { ...question, headers: { ...headers, host: 'evil.example' } as never }
    await refused(421, 'gateway.host', elsewhere)
    await refused(404, 'check.path', { ...question, path: '/envoy' })
    await refused(400, 'gateway.target-segments', { ...question, path: '/envoy//accounts/7' })
    await refused(404, 'check.path', { ...question, path: '/envoyage' })
  })

  test('every check of the gateway is made', async () => {
    const token = bed.token()
    await refused(401, 'bearer.credentials-missing', { headers: description(bed) })
    await refused(401, 'access-token.inactive', { headers: description(bed, { token: 'at_unknown' }) })
    await refused(401, 'access-token.expired', {
      headers: description(bed, { token: bed.token({ exp: 1e9 }) }),
    })
    await refused(401, 'dpop.field', { headers: description(bed, { token, proof: null }) })
    const stranger = proofFor({ ...bed, key: testKey() }, { token })
    await refused(401, 'dpop.binding', { headers: description(bed, { token, proof: stranger }) })
    const elsewhere = proofFor(bed, { token, path: '/accounts/7' })
    await refused(401, 'dpop.htu', { headers: description(bed, { token, proof: elsewhere }) })
    const unscoped = await refused(403, 'bearer.scope', {
      headers: description(bed, { token: bed.token({ scope: 'openid' }) }),
    })
    assert.match(unscoped.headers['www-authenticate'] ?? '', /insufficient_scope.*scope="accounts:read"/)
    const stepUp = await refused(401, 'step-up.acr', {
      headers: description(bed, { token, method: 'POST', path: '/payments' }),
    })
    assert.match(stepUp.headers['www-authenticate'] ?? '', /acr_values="urn:mfa"/)
    await refused(404, 'gateway.route', { headers: description(bed, { token, path: '/admin' }) })
    const other = await refused(405, 'gateway.route-method', {
      headers: description(bed, { token, method: 'PUT', path: '/accounts/7' }),
    })
    assert.equal(other.headers.allow, 'GET, DELETE')
    const path = '/accounts/../payments'
    await refused(400, 'gateway.target-segments', { headers: description(bed, { token, path }) })
    const compressed = { ...description(bed, { token }), 'content-encoding': 'gzip' }
    await refused(415, 'gateway.content-encoding', { headers: compressed })
  })

  test('all challenges stand in one field, and the connection of the proxy stays', async () => {
    const { rawHeaders, headers } = await asked({ headers: description(bed) })
    const names = rawHeaders.filter((_, index) => index % 2 === 0).map(name => name.toLowerCase())
    assert.equal(names.filter(name => name === 'www-authenticate').length, 1)
    assert.match(headers['www-authenticate'] ?? '', /^DPoP .*, Bearer /)
  })

  test('that is said twice, not at all, over http, for another host, in two spellings or with a body is refused', async () => {
    const good = description(bed, { token: bed.token() })
    for (const name of ['x-forwarded-method', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-uri']) {
      const twice = { ...good, [name]: [String(good[name]), String(good[name])] }
      await refused(400, 'check.described', { headers: twice })
      const without = Object.fromEntries(Object.entries(good).filter(([key]) => key !== name))
      await refused(400, 'check.described', { headers: without })
    }
    await refused(400, 'check.scheme', { headers: { ...good, 'x-forwarded-proto': 'http' } })
    await refused(421, 'gateway.host', { headers: { ...good, 'x-forwarded-host': 'evil.example' } })
    await refused(400, 'check.spelling', { headers: { ...good, x_forwarded_uri: '/payments' } })
    await refused(400, 'check.spelling', { headers: { ...good, 'client.cert': ':AAAA:' } })
    await refused(400, 'check.forged', { headers: { ...good, 'Holdfast-Evidence': 'forged' } })
    await refused(400, 'check.id', { headers: { ...good, 'holdfast-check-id': 'short' } })
    await refused(400, 'check.body', { method: 'POST', body: 'x', headers: good })
    assert.equal(await asked({ headers: good }).then(({ status }) => status), 200, 'nothing was spent')
  })

  test('about a token that is bound to a certificate takes Client-Cert, and never the certificate of the proxy', async () => {
    const x5t = thumbprintOf(bed.clientCertificate.certPem)
    const token = bed.token({ cnf: { 'x5t#S256': x5t } })
    const about = description(bed, { token, scheme: 'Bearer' })
    const cert = clientCertOf(new X509Certificate(bed.clientCertificate.certPem).raw)
    const answer = await asked({ headers: { ...about, 'client-cert': cert } })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(claimsOf(answer.headers['holdfast-evidence']).cnf, { 'x5t#S256': x5t })
    await refused(401, 'cnf.x5t', { headers: about })
    await refused(400, 'client-cert.one', { headers: { ...about, 'client-cert': [cert, cert] } })
    const proxys = bed.token({ cnf: { 'x5t#S256': thumbprintOf(bed.proxyCertificate.certPem) } })
    await refused(401, 'cnf.x5t', { headers: description(bed, { token: proxys, scheme: 'Bearer' }) })
  })
})

describe('whoever is not listed', () => {
  test('gets no decision, no proof of his is spent, and nothing he says is believed', async () => {
    const headers = description(bed, { token: bed.token() })
    const key = { 'holdfast-check-key': `${checkKey.slice(1)}x` }
    const strangers: readonly AskOptions[] = [
      { certificate: undefined, headers },
      { certificate: bed.clientCertificate, headers },
      { certificate: undefined, headers: { ...headers, ...key } },
      { certificate: undefined, headers: { ...headers, 'holdfast-check-key': [checkKey, checkKey] } },
      { certificate: undefined, headers: { ...headers, 'holdfast-check-key': '' } },
    ]
    const before = bed.events.length
    for (const stranger of strangers) await refused(403, 'check.caller', stranger)
    assert.equal(bed.events.length, before)
    assert.equal((await asked({ headers })).status, 200)
  })

  test('a proxy without a certificate shows the shared key', async () => {
    const headers = { ...description(bed, { token: bed.token() }), 'holdfast-check-key': checkKey }
    const answer = await asked({ certificate: undefined, headers })
    assert.equal(answer.status, 200, answer.text)
    assert.ok(!JSON.stringify([bed.lines, bed.events, answer]).includes(checkKey))
  })

  test('metadata is public here too', async () => {
    const own = await openBed({ isBeside: true, isAtOrigin: true })
    try {
      const answer = await ask(own, { path: '/.well-known/oauth-protected-resource' })
      assert.equal(answer.status, 200)
      assert.equal(JSON.parse(answer.text).resource, own.origin)
    } finally {
      await own.close()
    }
  })
})

describe('a question that is asked again', () => {
  const numbered = (id: string, token: string): AskOptions => ({
    headers: { ...description(bed, { token }), 'holdfast-check-id': id },
  })

  test('under the same id has the same answer, and the API takes it once', async () => {
    const question = numbered('request-0000000001', bed.token())
    const before = bed.events.length
    const answers = await Promise.all([asked(question), asked(question), asked(question)])
    answers.push(await asked(question))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(new Set(answers.map(({ headers }) => headers['holdfast-evidence'])).size, 1)
    assert.equal(bed.events.length, before + 1)
  })

  test('under another id, without one, by another caller or with anything else changed is a replay', async () => {
    const question = numbered('request-0000000002', bed.token())
    assert.equal((await asked(question)).status, 200)
    const { 'holdfast-check-id': id, ...headers } = question.headers ?? {}
    const others: readonly AskOptions[] = [
      { headers },
      { headers: { ...headers, 'holdfast-check-id': 'request-0000000003' } },
      { headers: { ...headers, 'holdfast-check-id': id, 'user-agent': 'another' } },
      { headers: { ...headers, 'holdfast-check-id': id, 'x-forwarded-for': '192.0.2.10' } },
      {
        headers: { ...headers, 'holdfast-check-id': id, 'holdfast-check-key': checkKey },
        certificate: undefined,
      },
    ]
    for (const other of others) await refused(401, 'replay.proof', other)
    const elsewhere = { ...headers, 'holdfast-check-id': id, 'x-forwarded-uri': '/accounts/7' }
    await refused(401, 'dpop.htu', { headers: elsewhere })
  })

  test('one proof under many ids at once is good for one of them', async () => {
    const { headers = {} } = numbered('request-0000000005', bed.token())
    const asks = Array.from({ length: 32 }, (_, index) =>
      asked({ headers: { ...headers, 'holdfast-check-id': `request-at-once-${index}` } }),
    )
    const statuses = (await Promise.all(asks)).map(({ status }) => status)
    assert.equal(statuses.filter(status => status === 200).length, 1)
    assert.equal(statuses.filter(status => status === 401).length, 31)
  })

  test('that was refused is judged again', async () => {
    const token = bed.token({ scope: 'openid' })
    const question = numbered('request-0000000004', token)
    await refused(403, 'bearer.scope', question)
    await refused(401, 'replay.proof', question)
  })
})

describe('an API behind the proxy', () => {
  test('verifies the evidence of the check, once, from the proxy only, for that request only', async () => {
    const before = bed.api.listener
    bed.api.listener = protect(bed.api.sdk, { scopes: ['accounts:read'] }, (_incoming, response, token) => {
      response.end(JSON.stringify(token.binding))
    })
    try {
      const { headers } = await asked({ headers: description(bed, { token: bed.token() }) })
      const passed = {
        'holdfast-token': String(headers['holdfast-token']),
        'holdfast-evidence': String(headers['holdfast-evidence']),
      }
      const api = { ...bed, port: bed.api.port }
      const certificate = bed.proxyCertificate
      assert.equal((await send(api, { headers: passed, certificate, path: '/accounts/7' })).status, 401)
      assert.equal((await send(api, { headers: passed, certificate, method: 'DELETE' })).status, 401)
      assert.equal((await send(api, { headers: passed, certificate: bed.clientCertificate })).status, 401)
      const good = await send(api, { headers: passed, certificate })
      assert.deepEqual([good.status, good.json], [200, { jkt: bed.key.thumbprint }])
      assert.equal((await send(api, { headers: passed, certificate })).status, 401)
      const rules = bed.apiEvents.slice(-5).map(({ ruleId }) => ruleId ?? 'good')
      assert.deepEqual(rules, [
        'evidence.target',
        'evidence.method',
        'evidence.peer',
        'good',
        'evidence.replay',
      ])
    } finally {
      bed.api.listener = before
    }
  })
})

describe('a configuration', () => {
  const base = {
    externalUrl: 'https://api.example',
    tls: { certPem: '', keyPem: '' },
    issuer: 'https://as.example',
    introspection: {} as never,
    evidenceKey: {} as never,
    apis: [],
    routes: [],
    audit: () => undefined,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  }
  const address = { host: '127.0.0.1', port: 0 }

  test('in which nobody could ask, or anybody, does not start', async () => {
    await assert.rejects(openGateway(base), /neither `address` nor `check`/)
    await assert.rejects(openGateway({ ...base, check: { address } }), /who may ask/)
    await assert.rejects(openGateway({ ...base, check: { address, keys: ['k'.repeat(42)] } }), /43/)
    await assert.rejects(openGateway({ ...base, check: { address, keys: ['a', 'b', 'c'] } }), /more than 2/)
  })

  test('that is to forward to an API without an upstream does not start', async () => {
    const apis = [{ name: 'bank', audience: 'https://bank.example', evidenceAudience: 'urn:bank' }]
    await assert.rejects(openGateway({ ...base, address, apis }), /`bank` has no upstream/)
  })
})
