import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { type MintQuestion, noObligations, type RemoteVerdict } from '@holdfast/policy'
import { epochSeconds } from '@holdfast/protocol'
import { identities, newCertificate } from '../http/testing/edge-world.ts'
import type { Log } from '../ports.ts'
import { openRemoteEngines, type RemoteEngine } from './open.ts'

const question: MintQuestion = {
  moment: 'mint',
  client: {
    ...{ clientId: 'shop', isPublic: false, isSelfRegistered: false },
    ...{ authMethod: 'private_key_jwt', profile: 'fapi2-security' },
  },
  asked: {
    ...{ environment: 'production', time: 1_800_000_000, tier: 'fapi2-security' },
    ...{ scopes: ['payments'], resources: [], detailsTypes: [] },
  },
  grantType: 'client_credentials',
  user: { subject: 'u_ada', sid: 's', acr: undefined, amr: [], authAgeSeconds: undefined },
  ...{ binding: 'dpop', lifetimeSeconds: 300, risk: undefined },
}
const from = { issuer: 'https://as.example', requestId: 'req-1' }

interface Sent {
  readonly path: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: { readonly [name: string]: unknown }
  readonly peer: string | undefined
}

const json = (response: ServerResponse, body: unknown, status = 200): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

/** By path: an AuthZEN decision point of the checklist, OPA's Data API by its documentation, and what breaks. */
const answers: Readonly<Record<string, (response: ServerResponse, sent: Sent) => void>> = {
  '/access/v1/evaluation': (response, { headers, body }) => {
    response.setHeader('x-request-id', String(headers['x-request-id']))
    const { subject, action, resource } = body as Record<
      string,
      { type?: string; id?: string; name?: string }
    >
    if (
      typeof subject?.type !== 'string' ||
      typeof action?.name !== 'string' ||
      typeof resource?.id !== 'string'
    )
      return json(response, 'a member is missing', 400)
    return subject.id === 'shop'
      ? json(response, { decision: true, context: { obligations: { max_lifetime: 60 } } })
      : json(response, { decision: false, context: { acr_values: ['urn:mfa'] } })
  },
  // A document that is true, one that is false, one that is an object, and one that is not there.
  '/v1/data/holdfast/yes': response => json(response, { decision_id: '1', result: true }),
  '/v1/data/holdfast/no': response => json(response, { result: false }),
  '/v1/data/holdfast/answer': (response, { body }) => {
    const { subject } = body.input as { subject: { id: string } }
    json(response, { result: { decision: subject.id === 'shop', context: { reason: 'asked' } } })
  },
  '/v1/data/holdfast/undefined': response => json(response, {}),
  '/v1/data/holdfast/number': response => json(response, { result: 1 }),
  '/token': (response, { body, peer }) => {
    const { grant_type: grantType, client_id: clientId, scope } = body
    const isGood = grantType === 'client_credentials' && clientId === 'us' && scope === 'access_evaluation'
    if (!isGood || peer !== 'this server') return json(response, { error: 'invalid_client' }, 401)
    tokens.given++
    json(response, { access_token: `token-${tokens.given}`, token_type: tokens.type, expires_in: 310 })
  },
  '/broken': response => void response.setHeader('content-type', 'application/json').end('{"decision":tru'),
  '/twice': response => void response.end('{"decision":false,"decision":true}'),
  '/text': response => void response.end('yes'),
  '/list': response => json(response, [true]),
  '/gzip': response =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"decision":true}')),
  '/redirect': response => void response.writeHead(307, { location: '/v1/data/holdfast/yes' }).end(),
  '/refusing': response => json(response, { code: 'invalid_parameter' }, 400),
  '/too-large': response => json(response, {}, 413),
  '/odd': response => json(response, { detail: [] }, 422),
  '/down': response => json(response, {}, 500),
  '/busy': response => json(response, {}, 503),
  '/who': response => json(response, 'who asks?', 401),
  '/silent': () => undefined,
  '/drip': response => {
    response.write('{"decision":')
    const timer = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(timer))
  },
  '/flood': response => {
    response.write('{"decision":true,"x":"')
    const timer = setInterval(() => response.write('x'.repeat(20_000)), 1)
    response.on('close', () => clearInterval(timer))
  },
  '/cut': response => {
    response.write('{"decision":true')
    setTimeout(() => response.destroy(), 5)
  },
}

const bodyOf = (type: string | undefined, text: string): Sent['body'] =>
  type === 'application/json' ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text))

const tokens = { given: 0, type: 'Bearer' }

describe('remote engines', () => {
  let server: Server
  let port: number
  let caPem: string
  let clientIdentity: { certPem: string; keyPem: string }
  const sent: Sent[] = []
  const switched = { to: '' }
  let atMs = 0
  const counted: string[] = []
  const gauges = new Map<string, number>()
  const observed: string[] = []
  const logged: string[] = []
  const into = (event: string): number => logged.push(event)
  const log: Log = { info: into, warn: into, error: into }
  const ports = {
    clock: { now: () => epochSeconds(1_800_000_000), monotonicMs: () => atMs },
    log,
    metrics: {
      count: (name: string, labels: Readonly<Record<string, string>> = {}) =>
        void counted.push(`${name} ${labels.engine} ${labels.outcome}`),
      set: (name: string, labels: Readonly<Record<string, string>>, value: number) =>
        void gauges.set(`${name} ${labels.engine}`, value),
      observeEngine: (engine: string) => void observed.push(engine),
    },
  }
  const engine = (path: string, change: Partial<RemoteEngine> = {}): RemoteEngine => ({
    ...{ name: 'fraud', kind: 'authzen', url: `https://localhost:${port}${path}` },
    bearer: { from: 'file', read: async () => 'secret-of-this-server' },
    reach: { networks: ['127.0.0.0/8', '::1/128'], caPem },
    // Long, so that a busy machine fails no test; short where the deadline is what is tested.
    ...{ deadlineMs: 4000, failuresMax: 3, pauseMs: 1000, withSubject: false, ignores: [] },
    ...change,
  })
  const asking = async <T>(
    engines: readonly RemoteEngine[],
    use: (ask: (change?: Partial<MintQuestion>) => Promise<RemoteVerdict>) => Promise<T>,
  ): Promise<T> => {
    const open = await openRemoteEngines(engines, ports)
    try {
      return await use((change = {}) => open.ask('fraud', { ...question, ...change }, from))
    } finally {
      await open.close()
    }
  }
  const once = (path: string, change: Partial<RemoteEngine> = {}): Promise<RemoteVerdict> =>
    asking([engine(path, change)], ask => ask())

  before(async () => {
    const { ca, server: identity } = await identities()
    caPem = ca.certPem
    clientIdentity = await newCertificate({
      ...{ subject: 'CN=this server', key: 'ecdsa', purpose: 'client', days: 1 },
      issuer: ca,
    })
    const tls = { cert: identity.certPem, key: identity.keyPem, ca: caPem }
    server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { subject } = (request.socket as TLSSocket).getPeerCertificate()
        const one: Sent = {
          path: request.url ?? '',
          headers: request.headers,
          body: bodyOf(request.headers['content-type'], Buffer.concat(chunks).toString()),
          peer: (subject as { CN?: string } | undefined)?.CN,
        }
        sent.push(one)
        answers[one.path === '/switched' ? switched.to : one.path]?.(response, one)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  after(() => {
    server?.closeAllConnections()
    server?.close()
  })
  beforeEach(() => {
    for (const list of [sent, counted, observed, logged]) list.length = 0
  })

  it('a decision point of AuthZEN is asked about client, moment and access, and its obligations are read', async () => {
    const verdict = await once('/access/v1/evaluation')
    assert.deepEqual(verdict, {
      verdict: 'permit',
      obligations: { ...noObligations, maxLifetimeSeconds: 60 },
    })
    const [{ headers, body } = assert.fail()] = sent
    assert.equal(headers.authorization, 'Bearer secret-of-this-server')
    assert.equal(headers['x-request-id'], 'req-1')
    assert.equal(headers['content-type'], 'application/json')
    const { subject, action, context } = body as Record<string, Record<string, unknown>>
    assert.deepEqual([subject?.id, action?.name, context?.issuer], ['shop', 'mint', from.issuer])
    assert.ok(!JSON.stringify(body).includes('u_ada'))
    assert.deepEqual(counted, ['remote_engine_answers_total fraud permit'])
    assert.deepEqual([observed, gauges.get('remote_engine_open fraud')], [['fraud'], 0])
    const other = { client: { ...question.client, clientId: 'other' } }
    const denied = await asking([engine('/access/v1/evaluation')], ask => ask(other))
    assert.deepEqual(denied, { verdict: 'deny', obligations: { ...noObligations, stepUp: [['urn:mfa']] } })
  })

  it('OPA is asked by its Data API: a boolean, an answer, or a document that is not there', async () => {
    const verdicts = [
      ['yes', 'permit'],
      ['no', 'deny'],
      ['answer', 'permit'],
      ['undefined', 'deny'],
      ['number', 'failed'],
    ] as const
    for (const [document, verdict] of verdicts)
      assert.equal((await once(`/v1/data/holdfast/${document}`, { kind: 'opa' })).verdict, verdict, document)
    assert.deepEqual(Object.keys(sent[0]?.body ?? {}), ['input'])
    const said = await asking([engine('/v1/data/holdfast/answer', { kind: 'opa' })], ask =>
      ask({ client: { ...question.client, clientId: 'other' } }),
    )
    assert.equal(said.verdict, 'deny')
  })

  for (const path of [
    ...['/broken', '/twice', '/text', '/list', '/gzip', '/redirect', '/refusing', '/down', '/busy', '/who'],
    ...['/silent', '/drip', '/flood', '/cut'],
  ])
    it(`${path} is a failure, in time`, async () => {
      const begun = performance.now()
      const isSlow = path === '/silent' || path === '/drip'
      const { verdict } = await once(path, isSlow ? { deadlineMs: 200 } : {})
      assert.equal(verdict, 'failed')
      assert.ok(performance.now() - begun < 3000)
      assert.deepEqual(counted, ['remote_engine_answers_total fraud failed'])
    })

  it('an engine that nobody configured, one that is not there, and one behind another name: failures', async () => {
    assert.equal((await asking([], ask => ask())).verdict, 'failed')
    const nowhere = await once('/', { url: 'https://localhost:1/' })
    assert.equal(nowhere.verdict, 'failed')
    const misnamed = await once('/v1/data/holdfast/yes', {
      ...{ kind: 'opa', url: `https://other.example:${port}/v1/data/holdfast/yes` },
      reach: {
        ...{ networks: ['127.0.0.0/8'], caPem },
        resolve: (_name, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
      },
    })
    assert.equal(misnamed.verdict, 'failed')
    assert.equal(sent.length, 0)
  })

  it('no address that is not public is reached, unless its network is named', async () => {
    const opa = (networks: readonly string[]) =>
      once('/v1/data/holdfast/yes', {
        ...{ kind: 'opa', reach: { networks, caPem } },
      })
    for (const networks of [[], ['10.0.0.0/8'], ['127.0.0.2/32', '::2/128']])
      assert.equal((await opa(networks)).verdict, 'failed')
    assert.equal(sent.length, 0)
    assert.equal((await opa(['127.0.0.1/32', '::1/128'])).verdict, 'permit')
  })

  it('without the authority of the engine nothing is told', async () => {
    const reach = { networks: ['127.0.0.0/8', '::1/128'] }
    assert.equal((await once('/v1/data/holdfast/yes', { kind: 'opa', reach })).verdict, 'failed')
    assert.equal(sent.length, 0)
  })

  it('it is shown our certificate, and without a token none is sent', async () => {
    const reach = { ...engine('/').reach, identity: clientIdentity }
    await once('/v1/data/holdfast/yes', { kind: 'opa', reach, bearer: undefined })
    const [{ headers, peer } = assert.fail()] = sent
    assert.deepEqual([headers.authorization, peer], [undefined, 'this server'])
  })

  it('the token is read for every question; one that cannot be read is a failure that does not name it', async () => {
    let token = 'first'
    const read = async (): Promise<string> => {
      if (token === '') throw new Error('ENOENT /run/secrets/pdp')
      return token
    }
    await asking(
      [engine('/v1/data/holdfast/yes', { kind: 'opa', bearer: { from: 'file', read } })],
      async ask => {
        await ask()
        token = 'second'
        await ask()
        assert.deepEqual(
          sent.map(({ headers }) => headers.authorization),
          ['Bearer first', 'Bearer second'],
        )
        token = ''
        assert.deepEqual(await ask(), { verdict: 'failed', message: 'its token cannot be read' })
      },
    )
  })

  describe('with a token of an authorization server', () => {
    const oauth = (path: string, change: Partial<RemoteEngine> = {}): RemoteEngine => {
      const base = engine(path, { kind: 'opa' })
      const tokenEndpoint = `https://localhost:${port}/token`
      const request = { tokenEndpoint, clientId: 'us', scope: 'access_evaluation' }
      return {
        ...{ ...base, bearer: { from: 'oauth', request } },
        reach: { ...base.reach, identity: clientIdentity },
        ...change,
      }
    }
    const used = () =>
      sent.filter(({ path }) => path !== '/token').map(({ headers }) => headers.authorization)
    beforeEach(() => {
      tokens.given = 0
      tokens.type = 'Bearer'
    })

    it('many questions share one request, and one token until it is old', async () => {
      await asking([oauth('/v1/data/holdfast/yes')], async ask => {
        const all = await Promise.all(Array.from({ length: 16 }, () => ask()))
        assert.ok(all.every(({ verdict }) => verdict === 'permit'))
        assert.equal(tokens.given, 1)
        atMs += 199_999
        await ask()
        assert.equal(tokens.given, 1)
        // Two thirds of its life: the old one is used while the new one is got.
        atMs += 1
        await ask()
        assert.equal(used().at(-1), 'Bearer token-1')
        await ask()
        assert.equal(tokens.given, 2)
        // Ended: the next question waits for a new one.
        atMs += 300_000
        await ask()
        assert.deepEqual([tokens.given, used().at(-1)], [3, 'Bearer token-3'])
      })
    })

    it('one that the engine does not take is not used again', async () => {
      const url = `https://localhost:${port}/switched`
      switched.to = '/who'
      await asking([oauth('', { url })], async ask => {
        assert.equal((await ask()).verdict, 'failed')
        switched.to = '/v1/data/holdfast/yes'
        assert.equal((await ask()).verdict, 'permit')
        assert.deepEqual(used(), ['Bearer token-1', 'Bearer token-2'])
      })
    })

    it('without a bearer token, or without our certificate, nothing is asked', async () => {
      tokens.type = 'DPoP'
      assert.equal((await asking([oauth('/v1/data/holdfast/yes')], ask => ask())).verdict, 'failed')
      const { reach } = engine('')
      tokens.type = 'Bearer'
      assert.equal(
        (await asking([oauth('/v1/data/holdfast/yes', { reach })], ask => ask())).verdict,
        'failed',
      )
      assert.deepEqual(used(), [])
    })
  })

  it('after failures in a row nobody waits; after the pause one question goes through, and decides', async () => {
    const change = { kind: 'opa', url: `https://localhost:${port}/switched` } as const
    switched.to = '/down'
    await asking([engine('', change)], async ask => {
      for (let count = 0; count < 3; count++) assert.equal((await ask()).verdict, 'failed')
      assert.deepEqual([sent.length, gauges.get('remote_engine_open fraud')], [3, 1])
      assert.deepEqual(logged, ['remote-engine.left-alone'])
      switched.to = '/v1/data/holdfast/yes'
      // Open: it is up again, and is not asked yet.
      assert.equal((await ask()).verdict, 'failed')
      atMs += 999
      assert.equal((await ask()).verdict, 'failed')
      assert.equal(sent.length, 3)
      assert.equal(counted.at(-1), 'remote_engine_answers_total fraud skipped')
      // Half-open: one of many goes through, and it fails.
      atMs += 1
      switched.to = '/down'
      await Promise.all(Array.from({ length: 16 }, () => ask()))
      assert.equal(sent.length, 4)
      // Half-open again: one goes through, and it is answered.
      atMs += 1000
      switched.to = '/v1/data/holdfast/yes'
      const verdicts = await Promise.all(Array.from({ length: 16 }, () => ask()))
      assert.equal(sent.length, 5)
      assert.deepEqual(
        verdicts
          .map(({ verdict }) => verdict)
          .toSorted()
          .slice(-2),
        ['failed', 'permit'],
      )
      // Closed.
      const all = await Promise.all(Array.from({ length: 16 }, () => ask()))
      assert.ok(all.every(({ verdict }) => verdict === 'permit'))
      assert.deepEqual([sent.length, gauges.get('remote_engine_open fraud')], [21, 0])
      assert.deepEqual(logged, ['remote-engine.left-alone', 'remote-engine.answers-again'])
    })
  })

  it('a deny, and a question that the engine refuses, do not close the way for everybody', async () => {
    for (const path of ['/v1/data/holdfast/no', '/refusing', '/too-large', '/odd'])
      await asking([engine(path, { kind: 'opa' })], async ask => {
        for (let count = 0; count < 6; count++) await ask()
        assert.equal(gauges.get('remote_engine_open fraud'), 0)
      })
    assert.equal(sent.length, 24)
  })

  it('no more questions than are bounded are under way at one time', async () => {
    await asking([engine('/silent', { failuresMax: 100, deadlineMs: 200 })], async ask => {
      const all = await Promise.all(Array.from({ length: 300 }, () => ask()))
      assert.ok(all.every(({ verdict }) => verdict === 'failed'))
      assert.equal(counted.filter(line => line.endsWith(' full')).length, 300 - 256)
    })
  })
})
