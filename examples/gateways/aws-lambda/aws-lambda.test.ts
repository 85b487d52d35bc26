import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { lambdaApiRequest, lambdaAuthorizer } from '@holdfast/gateway/check/lambda-authorizer.ts'
import { epochSeconds } from '@holdfast/protocol'
import { createResourceServer, inMemoryReplayMemory } from '@holdfast/resource-server'
import { ask } from '../../../packages/gateway/src/check/testing/ask.ts'
import {
  audience,
  type Bed,
  checkKey,
  credentials,
  openBed,
  thumbprintOf,
} from '../../../packages/gateway/src/testing/bed.ts'
import { at, shippedYaml } from '../contract.ts'

// Events as the documentation of Amazon API Gateway prints them: HTTP API (format 2.0) and REST API (kind REQUEST).

let bed: Bed
let authorize: ReturnType<typeof lambdaAuthorizer>
before(async () => {
  bed = await openBed({ isBeside: true })
  authorize = lambdaAuthorizer({
    checkUrl: 'https://holdfast.internal:8450',
    checkKey,
    host: `localhost:${bed.port}`,
    fetch: async (url, { method, headers }) => {
      const { status, headers: answered } = await ask(bed, {
        method,
        path: new URL(url).pathname,
        headers: Object.fromEntries(headers),
      })
      return { status, headers: new Headers(answered as Record<string, string>) }
    },
  })
})
after(async () => await bed.close())

let requests = 0

interface Call {
  readonly path: string
  readonly query?: string
  readonly headers: Readonly<Record<string, string>>
  readonly certificatePem?: string
}

const httpApi = ({ path, query = '', headers, certificatePem }: Call) => ({
  version: '2.0',
  type: 'REQUEST',
  routeArn: 'arn:aws:execute-api:us-east-1:123456789012:abcdef123/test/GET/request',
  identitySource: [],
  routeKey: '$default',
  rawPath: path,
  rawQueryString: query,
  cookies: ['cookie1'],
  headers,
  requestContext: {
    accountId: '123456789012',
    apiId: 'api-id',
    ...(certificatePem !== undefined && {
      authentication: { clientCert: { clientCertPem: certificatePem } },
    }),
    domainName: 'id.execute-api.us-east-1.amazonaws.com',
    http: { method: 'GET', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.9', userAgent: 'agent' },
    requestId: `JKJaXmPLvHcESH${++requests}=`,
    routeKey: '$default',
    stage: '$default',
    timeEpoch: 1583348638390,
  },
  stageVariables: {},
})

const restApi = ({ path, headers }: Call) => ({
  type: 'REQUEST',
  methodArn: 'arn:aws:execute-api:us-east-1:123456789012:abcdef123/test/GET/request',
  resource: '/request',
  path,
  httpMethod: 'GET',
  headers,
  multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
  queryStringParameters: null,
  multiValueQueryStringParameters: null,
  requestContext: {
    path: '/request',
    accountId: '123456789012',
    httpMethod: 'GET',
    requestId: `c6af9ac6-7b61-11e6-9a41-${++requests}`,
    identity: { sourceIp: '192.0.2.9' },
  },
})

const good = (path: string, claims = {}): Record<string, string> =>
  credentials(bed, { token: bed.token(claims), path })

describe('the contract of API Gateway', () => {
  test('an honest request passes, and the function behind verifies what it gets', async () => {
    const api = createResourceServer({
      ...{ issuer: bed.issuer.issuer, audience, fetch: bed.issuer.fetch },
      tokens: {
        gateway: {
          issuer: bed.origin,
          audience: 'urn:bank',
          keys: bed.api.sdk.options.tokens === 'jwt' ? [] : (bed.api.sdk.options.tokens.gateway?.keys ?? []),
          replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
        },
      },
    })
    const guard = api.guard({ scopes: ['accounts:read'] })
    const event = httpApi({ path: '/accounts', query: 'page=2', headers: good('/accounts') })
    const answer = await authorize(event)
    assert.ok('isAuthorized' in answer && answer.isAuthorized, JSON.stringify(answer))
    const behind = {
      ...event,
      requestContext: { ...event.requestContext, authorizer: { lambda: answer.context } },
    }
    const verified = await guard(lambdaApiRequest(behind))
    assert.ok(verified.ok, JSON.stringify(verified))
    assert.deepEqual(verified.value.binding, { jkt: bed.key.thumbprint })
    assert.equal((await guard(lambdaApiRequest(behind))).ok, false, 'once')
    const spoofed = {
      ...event,
      headers: { 'holdfast-token': answer.context.token, 'holdfast-evidence': answer.context.evidence },
    }
    assert.equal((await guard(lambdaApiRequest(spoofed))).ok, false, 'headers are not evidence')
  })

  test('REST APIs get a policy for the one method', async () => {
    const event = restApi({ path: '/accounts', headers: good('/accounts') })
    const answer = await authorize(event)
    assert.ok('policyDocument' in answer)
    const [statement] = answer.policyDocument.Statement
    assert.deepEqual(statement, { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn })
    const refused = await authorize(restApi({ path: '/accounts', headers: {} }))
    assert.ok('policyDocument' in refused)
    assert.equal(refused.policyDocument.Statement[0].Effect, 'Deny')
    assert.match(refused.context.challenge ?? '', /^DPoP /)
  })

  test('missing, spent, foreign and unscoped credentials, other paths and forged words are refused', async () => {
    const isLetIn = async (call: Call): Promise<boolean> => {
      const answer = await authorize(httpApi(call))
      assert.ok('isAuthorized' in answer)
      if (!answer.isAuthorized) assert.equal(answer.context.evidence, undefined)
      return answer.isAuthorized
    }
    const spent = good('/accounts')
    assert.ok(await isLetIn({ path: '/accounts', headers: spent }))
    const calls: readonly Call[] = [
      { path: '/accounts', headers: {} },
      { path: '/accounts', headers: spent },
      { path: '/accounts/7', headers: good('/accounts') },
      { path: '/accounts', headers: good('/accounts', { scope: 'openid' }) },
      { path: '/admin', headers: good('/admin') },
      { path: '//accounts', headers: good('//accounts') },
      { path: '/accounts/../x', headers: good('/accounts') },
      { path: '/admin', headers: { ...good('/accounts'), 'x-forwarded-uri': '/accounts' } },
      { path: '/accounts', headers: { ...good('/accounts'), 'holdfast-evidence': 'forged' } },
    ]
    for (const call of calls) assert.equal(await isLetIn(call), false, call.path)
  })

  test('a question mark that was escaped in the path begins no query', async () => {
    for (const path of ['/accounts?/7', '/accounts#7']) {
      const shown = await authorize(httpApi({ path, headers: good('/accounts') }))
      assert.ok('isAuthorized' in shown && !shown.isAuthorized, path)
      const policy = await authorize(restApi({ path, headers: good('/accounts') }))
      assert.ok('policyDocument' in policy)
      assert.equal(policy.policyDocument.Statement[0].Effect, 'Deny', path)
      assert.equal(lambdaApiRequest(httpApi({ path, headers: {} })).target, '', path)
    }
    const asked = await authorize(httpApi({ path: '/accounts', query: 'a=?', headers: good('/accounts') }))
    assert.ok('isAuthorized' in asked && asked.isAuthorized)
  })

  test('the certificate API Gateway verified counts, and one in a header does not', async () => {
    const { certPem } = bed.clientCertificate
    const token = bed.token({ cnf: { 'x5t#S256': thumbprintOf(certPem) } })
    const headers = { authorization: `Bearer ${token}` }
    const shown = await authorize(httpApi({ path: '/accounts', headers, certificatePem: certPem }))
    assert.ok('isAuthorized' in shown && shown.isAuthorized, JSON.stringify(shown))
    const said = await authorize(
      httpApi({ path: '/accounts', headers: { ...headers, 'client-cert': ':AAAA:' } }),
    )
    assert.ok('isAuthorized' in said && !said.isAuthorized)
  })

  test('whatever is no event, and a check that does not answer, is a refusal', async () => {
    for (const event of [undefined, null, 7, {}, { version: '2.0' }, { version: '2.0', rawPath: 7 }]) {
      const answer = await authorize(event)
      assert.ok('isAuthorized' in answer && !answer.isAuthorized)
    }
    const broken = lambdaAuthorizer({
      ...{ checkUrl: 'https://holdfast.internal', checkKey, host: 'api.example' },
      fetch: () => Promise.reject(new Error('gone')),
    })
    const answer = await broken(httpApi({ path: '/accounts', headers: {} }))
    assert.deepEqual(answer, { isAuthorized: false, context: { status: '503', challenge: '', nonce: '' } })
    assert.throws(
      () => lambdaAuthorizer({ checkUrl: 'http://holdfast.internal', checkKey, host: '' }),
      /not https/,
    )
  })

  test('the template remembers no decision', () => {
    const authorizer = at(shippedYaml('aws-lambda/template.yaml'), 'Resources', 'Authorizer', 'Properties')
    assert.equal(at(authorizer, 'AuthorizerResultTtlInSeconds'), 0)
    assert.equal(at(authorizer, 'AuthorizerPayloadFormatVersion'), '2.0')
    assert.equal(at(authorizer, 'EnableSimpleResponses'), true)
  })
})
