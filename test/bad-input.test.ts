import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { routes } from '@holdfast/server/data/routes.ts'
import type { Route } from '@holdfast/server/http/route.ts'
import { decisionPointSpec } from './authzen/world.ts'
import { newProofKey, RawClient } from './harness/raw-client.ts'
import { documentOf } from './product/clients.ts'
import { type NodeConfig, type RunningNode, startNode } from './product/node.ts'
import { type PreparedProduct, prepareProduct, withoutFailureLimits } from './product/start.ts'
import { headerOf, requestBytes, sendOverTls, type WireAnswer, type WireRequest } from './product/wire.ts'

/**
 * Every endpoint of the route table × every kind of bad input, over TLS, against the running product: the exact
 * status and error in the dialect of the endpoint, nothing of the input given away, and no state but the audit.
 */

const secret = 'sEcReT-that-must-not-come-back'
const formType = 'Content-Type: application/x-www-form-urlencoded'

interface Expected {
  readonly status: number
  /** Of JSON answers; a page names its code in the text. */
  readonly error?: string
}

interface BadInput {
  readonly name: string
  readonly request: (route: Route, path: string) => WireRequest
  readonly expected: (route: Route) => Expected
}

const invalidRequest = (status: number): Expected => ({ status, error: 'invalid_request' })
const isBackChannel = (route: Route): boolean => route.form === 'required'
const isJson = ({ form }: Route): boolean => form === 'json'
const isManagement = ({ path, form }: Route): boolean => path.startsWith('/register') && form === 'none'
const isEntryPage = ({ path }: Route): boolean => path === '/device' || path === '/ciba'
/** Wants an access token, and judges it before anything else. */
const isBearer = ({ path }: Route): boolean =>
  ['/userinfo', '/grants/:id', '/global-token-revocation'].includes(path) || isDecision(path)
const isDecision = (path: string): boolean => /^(\/policies)?\/access\//.test(path)
const isLogout = ({ path }: Route): boolean => path === '/logout'
const isAccount = ({ path }: Route): boolean => /^\/account(\/|$)/.test(path)
const isAuthorize = ({ path }: Route): boolean => path === '/authorize'
const readsQuery = (route: Route): boolean => route.dialect === 'page' && route.path !== '/assets/:name'
const readsForm = (route: Route): boolean =>
  isBackChannel(route) || (route.form === 'judged-by-room' && !isBearer(route))

/** What an endpoint says when nothing in the request is of use to it. */
function unhelped(route: Route): Expected {
  if (isBackChannel(route)) return { status: 401, error: 'invalid_client' }
  // Only JSON is read there, and it is called so; what is not called so is not read.
  if (isJson(route)) return invalidRequest(400)
  if (isManagement(route)) return { status: 401, error: 'invalid_token' }
  if (isBearer(route)) return { status: 401 }
  if (route.path.startsWith('/assets')) return { status: 404 }
  if (route.path.startsWith('/status-lists')) return { status: 404, error: 'not_found' }
  // Who is not signed in is signed out: no error. A form without our cookie is asked for again as a navigation.
  if (isLogout(route)) return { status: route.method === 'POST' ? 303 : 200 }
  if (route.path === '/logout/confirm') return { status: 200 }
  // Whoever is not signed in is asked to sign in.
  if (isAccount(route)) return { status: 303 }
  if (isAuthorize(route)) return { status: 400, error: 'unauthorized_client' }
  // Only a form with an empty field: what is typed is judged when it is posted.
  if (isEntryPage(route) && route.method === 'GET') return { status: 200 }
  return route.dialect === 'page' ? invalidRequest(400) : { status: 200 }
}

/** `text` where this endpoint reads parameters: its query, or its form. */
function parameters(text: string, more: readonly string[] = []): BadInput['request'] {
  return ({ method }, path) =>
    method === 'POST'
      ? { method, target: path, headers: [formType, ...more], body: text }
      : { method, target: `${path}?${text}`, headers: more }
}

/** Refused as soon as it is parsed, by whoever parses. */
const unparsable = (name: string, text: string): BadInput => ({
  name,
  request: parameters(text),
  expected: route => (readsForm(route) || readsQuery(route) ? invalidRequest(400) : unhelped(route)),
})

/** Parsed and worth nothing. */
const worthless = (name: string, text: string): BadInput => ({
  name,
  request: parameters(text),
  expected: unhelped,
})

/** Refused on the headers alone, before a room is asked. */
const atTheEdge = (name: string, status: number, headers: readonly string[]): BadInput => ({
  name,
  request: ({ method }, path) => ({
    method,
    target: path,
    headers: [formType, ...headers],
    ...(method === 'POST' && { body: 'a=b' }),
  }),
  expected: () => invalidRequest(status),
})

const prototypeNames = '__proto__=1&constructor=2&prototype=3&toString=4&hasOwnProperty=5'
const hugeNumbers = `max_age=${'9'.repeat(400)}&max_age_=1e400&exp=-0&client_id=${'9'.repeat(2000)}`
const lineBreaks =
  'client_id=a%0d%0aX-Evil:%201&redirect_uri=https://evil.example/%0d%0aX-Evil:%201&state=%0d%0aX-Evil:1'

const badInputs: readonly BadInput[] = [
  unparsable('a broken percent escape', 'client_id=%zz'),
  unparsable('an escape cut short', 'client_id=%4'),
  unparsable('bytes that are no UTF-8', 'client_id=%ff%fe'),
  unparsable('an overlong encoding', 'client_id=%c0%af'),
  unparsable('a NUL', 'client_id=%00'),
  unparsable('a repeated parameter', 'client_id=a&client_id=b'),
  {
    ...unparsable('a repeated secret', `client_secret=${secret}&client_secret=${secret}`),
    // There it is no parameter, and who asks is judged before what else is wrong.
    expected: route =>
      (readsForm(route) && !isAuthorize(route)) || isEntryPage(route) || isLogout(route) || isAccount(route)
        ? invalidRequest(400)
        : unhelped(route),
  },
  unparsable('a parameter without a name', '==&=a'),
  unparsable('65 parameters', Array.from({ length: 65 }, (_, index) => `p${index}=1`).join('&')),
  worthless('unknown parameters', 'foo=bar&unknown=%F0%9F%8E%89'),
  worthless('names every object has', prototypeNames),
  worthless('huge numbers', hugeNumbers),
  worthless('ampersands and nothing else', '&&&'),
  worthless('an unknown client with credentials', `client_id=nobody&client_secret=${secret}`),
  worthless('line breaks for every header', lineBreaks),
  {
    name: 'binary noise',
    request: ({ method }, path) => ({
      method,
      target: path,
      headers: [formType],
      ...(method === 'POST' && {
        body: Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 167) % 256)),
      }),
    }),
    expected: route => (readsForm(route) ? invalidRequest(400) : unhelped(route)),
  },
  {
    name: 'an empty body',
    request: ({ method }, path) => ({ method, target: path, headers: [formType] }),
    expected: unhelped,
  },
  {
    name: 'a body of JSON',
    request: ({ method }, path) => ({
      method,
      target: path,
      headers: ['Content-Type: application/json'],
      ...(method === 'POST' && { body: `{"client_id":"a","client_secret":"${secret}"}` }),
    }),
    expected: route => {
      if (isJson(route)) return { status: 401, error: 'invalid_token' }
      return route.form === 'none' || route.path === '/global-token-revocation' || isDecision(route.path)
        ? unhelped(route)
        : invalidRequest(400)
    },
  },
  {
    name: 'a body one byte above its limit',
    request: ({ method, bodyBytesMax }, path) => ({
      method,
      target: path,
      headers: [formType],
      ...(method === 'POST' && { body: `a=${'b'.repeat(bodyBytesMax - 1)}` }),
    }),
    expected: route => (route.form === 'none' || isJson(route) ? unhelped(route) : invalidRequest(413)),
  },
  {
    name: 'credentials in the query',
    request: ({ method }, path) => ({
      method,
      target: `${path}?client_secret=${secret}`,
      headers: [formType],
      ...(method === 'POST' && { body: 'a=b' }),
    }),
    expected: route => (isBackChannel(route) ? invalidRequest(400) : unhelped(route)),
  },
  {
    name: 'a URL above 8 KiB',
    request: ({ method }, path) => ({ method, target: `${path}?x=${'a'.repeat(8192)}`, headers: [formType] }),
    expected: () => invalidRequest(414),
  },
  ...['PUT', 'DELETE', 'PATCH', 'TRACE'].map(method => ({
    name: `the method ${method}`,
    request: (_route: Route, path: string) => ({ method, target: path, headers: [formType] }),
    expected: (route: Route): Expected => {
      const own = routes.find(one => one.path === route.path && one.method === method)
      return own === undefined ? invalidRequest(405) : unhelped(own)
    },
  })),
  atTheEdge('a header above 8 KiB', 431, [`X-Large: ${'a'.repeat(8192)}`]),
  atTheEdge(
    'more than 100 headers',
    431,
    Array.from({ length: 101 }, (_, index) => `X-${index}: 1`),
  ),
  atTheEdge('a compressed body', 415, ['Content-Encoding: gzip']),
  atTheEdge('two Authorization headers', 400, ['Authorization: Bearer a', 'Authorization: Bearer b']),
  atTheEdge('two hosts', 400, ['Host: evil.example']),
  // Node's own parser refuses these before there is a request.
  ...[
    ['a header with a bare line feed', 'X-A: a\nX-Evil: 1'],
    ['a header name with a space', 'X A: 1'],
    ['a length that is no number', 'Content-Length: x'],
  ].map(([name = '', header = '']) => ({ ...atTheEdge(name, 400, [header]), name })),
]

/** Rows per table, but for `keys`: a slow first start goes on making RSA keys, whatever requests do. */
function rowCounts({ folder }: NodeConfig): ReadonlyMap<string, number> {
  const database = new DatabaseSync(join(folder, 'holdfast.db'), { readOnly: true })
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' and name <> 'keys'")
    .all()
  const counts = tables.map(({ name }) => {
    const row = database.prepare(`select count(*) as n from "${String(name)}"`).get()
    return [String(name), Number(row?.n)] as const
  })
  database.close()
  return new Map(counts)
}

const pathOf = ({ path }: Route): string =>
  path.replace(':id', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA').replace(':name', 'no-such-asset.css')

describe('bad input', () => {
  let prepared: PreparedProduct
  let node: RunningNode
  before(async () => {
    prepared = await prepareProduct('sqlite', {
      limits: withoutFailureLimits,
      documents: [documentOf('DecisionPoint', 'cases', decisionPointSpec)],
    })
    // The first start begins the audit chain; what is counted is what requests do.
    await (await startNode(prepared.config)).close()
    countsBefore = rowCounts(prepared.config)
    node = await startNode(prepared.config)
  })
  after(async () => {
    await node?.close()
    await prepared?.remove()
  })
  let countsBefore: ReadonlyMap<string, number> = new Map()
  let countsNow: ReadonlyMap<string, number> = new Map()
  let signInsOpened = 0
  /** Tables whose number of rows is not what it was; the store is read while nobody has it open. */
  const changedTables = async (): Promise<readonly string[]> => {
    await node.close()
    countsNow = rowCounts(prepared.config)
    const changed = [...countsNow].filter(([table, n]) => n !== countsBefore.get(table))
    node = await startNode(prepared.config)
    return changed.map(([table]) => table)
  }

  const send = (request: WireRequest): Promise<WireAnswer> =>
    sendOverTls(prepared.product, requestBytes(request, prepared.product.issuer.host))

  for (const { name, request, expected } of badInputs)
    it(`${name} is answered by every endpoint in its own dialect`, async () => {
      for (const route of routes) {
        const asked = expected(route)
        const path = pathOf(route)
        const answer = await send(request(route, path))
        const place = `${route.method} ${path}: ${answer.status} ${answer.body.slice(0, 300)}`
        assert.equal(answer.status, asked.status, place)
        if (isAccount(route) && headerOf(answer, 'location')?.includes('/interaction/')) signInsOpened++
        assertDialect(route, answer, asked, place)
        assertHarmless(answer, place)
      }
    })

  it('what is only posted to answers GET with 405, and what is only read answers POST with 405', async () => {
    for (const route of routes) {
      const other = route.method === 'GET' ? 'POST' : 'GET'
      if (routes.some(({ method, path }) => method === other && path === route.path)) continue
      const path = pathOf(route)
      const answer = await send({ method: other, target: path, headers: [formType] })
      const place = `${other} ${path}: ${answer.status} ${answer.body}`
      assert.equal(answer.status, 405, place)
      assert.equal((JSON.parse(answer.body) as { error?: string }).error, 'invalid_request', place)
      assertHarmless(answer, place)
    }
  })

  it('requests that the parser of HTTP gives up on are 400 with a reference', async () => {
    for (const text of [
      'nonsense\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      '\0\0\0\0\r\n\r\n',
      'POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
    ]) {
      const answer = await sendOverTls(prepared.product, Buffer.from(text, 'latin1'))
      assert.equal(answer.status, 400, text)
      assert.match(headerOf(answer, 'x-request-id') ?? '', /^[\w-]{28}$/)
    }
  })

  it('a request that is two requests to a careless proxy is refused', async () => {
    const { host } = prepared.product.issuer
    const smuggled = [
      `POST /token HTTP/1.1\r\nHost: ${host}\r\n${formType}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /jwks HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      `POST /token HTTP/1.1\r\nHost: ${host}\r\n${formType}\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\na=bGE`,
      `POST /token HTTP/1.1\r\nHost: ${host}\r\n${formType}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    ]
    for (const text of smuggled) {
      const answer = await sendOverTls(prepared.product, Buffer.from(text, 'latin1'))
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} for ${text}`)
      assert.ok(!answer.body.includes('"keys"'), text)
    }
  })

  it('in the browser the errors of a registered client go back to it, and nothing else gets into the redirect', async () => {
    const { clientId, redirectUri } = prepared.product.clients['plain OpenID Connect']
    const state = '%0d%0aX-Evil: 1<script>"&code=x#'
    const good = {
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid',
      state,
    }
    const cases: readonly (readonly [
      spoil: Readonly<Record<string, string>>,
      error: string,
      isSentBack: boolean,
    ])[] = [
      [{ state: 'a\r\nX-Evil: 1' }, 'invalid_request', true],
      [{ response_type: 'token' }, 'unsupported_response_type', true],
      [{ response_type: 'code\r\nX-Evil: 1' }, 'unsupported_response_type', true],
      [{ max_age: '9'.repeat(400) }, 'invalid_request', true],
      [{ max_age: '1e400' }, 'invalid_request', true],
      [{ prompt: 'none login' }, 'invalid_request', true],
      [{ scope: 'openid __proto__' }, 'invalid_scope', true],
      [{ resource: 'constructor' }, 'invalid_target', true],
      // An object that was not opened says nothing about where an answer may go.
      [{ request: 'a.b.c' }, 'invalid_request_object', false],
      [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'invalid_request_object', false],
      [{ request: `${'a'.repeat(6000)}` }, 'invalid_request_object', false],
      [{ request: 'e30.e30.e30.e30.e30' }, 'invalid_request_object', false],
      [{ response_mode: '__proto__' }, 'invalid_request', true],
      [{ redirect_uri: `${redirectUri}\r\nX-Evil: 1` }, 'invalid_request', false],
      [{ redirect_uri: `${redirectUri}?x=1` }, 'invalid_request', false],
      [{ redirect_uri: `${redirectUri}@evil.example` }, 'invalid_request', false],
      [{ client_id: '__proto__' }, 'unauthorized_client', false],
      [{ client_id: `${clientId}\r\n` }, 'unauthorized_client', false],
    ]
    for (const [spoil, error, isSentBack] of cases) {
      const query = new URLSearchParams({ ...good, ...spoil }).toString()
      for (const request of [
        { method: 'GET', target: `/authorize?${query}` },
        { method: 'POST', target: '/authorize', headers: [formType], body: query },
      ]) {
        const answer = await send(request)
        const place = `${request.method} ${JSON.stringify(spoil)}: ${answer.status} ${answer.body.slice(0, 300)}`
        assert.equal(answer.status, isSentBack ? 303 : 400, place)
        assert.ok(!answer.headers.some(([name]) => name === 'x-evil'), place)
        const location = headerOf(answer, 'location')
        if (!isSentBack) {
          assert.equal(location, undefined, place)
          assert.ok(answer.body.includes(error), place)
          continue
        }
        const { origin, pathname, searchParams } = new URL(location ?? '')
        assert.equal(origin + pathname, redirectUri, place)
        assert.equal(searchParams.get('error'), error, place)
        assert.equal(searchParams.get('state'), spoil.state === undefined ? state : null, place)
        assert.equal(searchParams.get('iss'), prepared.product.issuer.origin, place)
      }
    }
  })

  it('none of it changed any state but the audit, and opened a sign-in only where the account pages said so', async () => {
    const before = countsBefore.get('interactions') ?? 0
    assert.deepEqual((await changedTables()).toSorted(), ['audit', 'interactions'])
    assert.ok(signInsOpened > 0)
    assert.equal((countsNow.get('interactions') ?? 0) - before, signInsOpened)
  })

  it('contradictory and oversized requests of a client that proved itself are refused, each with its code', async () => {
    const { product } = prepared
    const who = product.clients['private_key_jwt with DPoP']
    const client = new RawClient(product, [product.issuer.origin], 2)
    const key = await newProofKey()
    const push = {
      response_type: 'code',
      redirect_uri: who.redirectUri,
      scope: 'accounts',
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
    }
    const credentials = { grant_type: 'client_credentials', resource: product.audience }
    const cases: readonly (readonly [path: string, form: Readonly<Record<string, string>>, error: string])[] =
      [
        ['/par', { ...push, request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'invalid_request'],
        ['/par', { ...push, request: 'a.b.c' }, 'invalid_request_object'],
        ['/par', { ...push, request: 'e30.e30.e30.e30.e30' }, 'invalid_request_object'],
        ['/par', { ...push, request: 'a'.repeat(50_000) }, 'invalid_request_object'],
        ['/par', { ...push, prompt: 'none login' }, 'invalid_request'],
        ['/par', { ...push, max_age: '9'.repeat(400) }, 'invalid_request'],
        ['/par', { ...push, max_age: '1e3' }, 'invalid_request'],
        ['/par', { ...push, max_age: '-1' }, 'invalid_request'],
        ['/par', { ...push, state: 'a'.repeat(2049) }, 'invalid_request'],
        ['/par', { ...push, nonce: 'a'.repeat(513) }, 'invalid_request'],
        ['/par', { ...push, scope: 'accounts __proto__' }, 'invalid_scope'],
        ['/par', { ...push, scope: 'accounts\r\nX-Evil: 1' }, 'invalid_scope'],
        ['/par', { ...push, redirect_uri: `${who.redirectUri}\r\nX-Evil: 1` }, 'invalid_request'],
        ['/par', { ...push, redirect_uri: 'javascript:alert(1)' }, 'invalid_request'],
        ['/par', { ...push, dpop_jkt: '__proto__' }, 'invalid_request'],
        ['/par', { ...push, authorization_details: '[' }, 'invalid_authorization_details'],
        ['/token', { ...credentials, grant_type: '__proto__' }, 'unsupported_grant_type'],
        ['/token', { ...credentials, grant_type: 'constructor' }, 'unsupported_grant_type'],
        ['/token', { ...credentials, scope: 'openid' }, 'invalid_scope'],
        ['/token', { ...credentials, resource: 'toString' }, 'invalid_target'],
        ['/token', { ...credentials, resource: `${product.audience}\r\nX-Evil: 1` }, 'invalid_target'],
        ['/token', { grant_type: 'authorization_code', refresh_token: 'x' }, 'invalid_request'],
        ['/token', { grant_type: 'authorization_code', code: 'x'.repeat(20_000) }, 'invalid_grant'],
        ['/token', { grant_type: 'refresh_token', code: 'x' }, 'invalid_request'],
        ['/introspect', {}, 'access_denied'],
        ['/revoke', {}, 'invalid_request'],
      ]
    const nonceAsked = await client.token(who, key, { grant_type: 'none' })
    assert.equal(nonceAsked.json.error, 'unsupported_grant_type')
    for (const [path, form, error] of cases) {
      const proof = path === '/token' || path === '/par' ? await client.proof(key, path) : undefined
      const answer = await client.post(path, { ...form, ...(await client.assertion(who)) }, proof)
      const status = error === 'access_denied' ? 403 : 400
      assert.deepEqual(
        [answer.status, answer.json.error],
        [status, error],
        `${path} ${JSON.stringify(form).slice(0, 200)}`,
      )
    }
    await client.close()
    // What proved the client may not be used again, also when its request is refused.
    assert.deepEqual((await changedTables()).toSorted(), ['audit', 'interactions', 'jtis'])
    const opened = (countsNow.get('interactions') ?? 0) - (countsBefore.get('interactions') ?? 0)
    assert.equal(opened, signInsOpened)
  })
})

function assertDialect(route: Route, answer: WireAnswer, { status, error }: Expected, place: string): void {
  const type = headerOf(answer, 'content-type') ?? ''
  const isBroken = headerOf(answer, 'strict-transport-security') === undefined
  if (status === 404 || status === 200 || status === 303) return
  // A method nobody offers, and what never became a request, have no endpoint whose dialect could be spoken.
  if (route.dialect === 'page' && status !== 405 && !isBroken) {
    assert.match(type, /^text\/html/, place)
    if (error !== undefined) assert.ok(answer.body.includes(error), place)
    return
  }
  assert.equal(type, 'application/json', place)
  assert.equal((JSON.parse(answer.body) as { error?: string }).error, error, place)
}

function assertHarmless(answer: WireAnswer, place: string): void {
  assert.ok(answer.status < 500, place)
  assert.match(headerOf(answer, 'x-request-id') ?? '', /^[\w-]{28}$/, place)
  assert.ok(!JSON.stringify(answer).includes(secret), place)
  assert.ok(!answer.headers.some(([name]) => name === 'x-evil'), place)
  // Nobody is sent anywhere but to our own logout, sign-in and account pages.
  const location = headerOf(answer, 'location')
  assert.equal(location !== undefined, answer.status === 303, place)
  assert.match(
    location ?? '',
    /^(https:\/\/localhost:\d+\/(logout(\?.*)?|interaction\/[\w-]+\/login|account[a-z/]*\?again=yes))?$/,
    place,
  )
  if (answer.status >= 400 && answer.status !== 404 && answer.status !== 401)
    assert.equal(headerOf(answer, 'cache-control'), 'no-store', place)
  if (answer.status === 405) assert.match(headerOf(answer, 'allow') ?? '', /GET|POST/, place)
}
