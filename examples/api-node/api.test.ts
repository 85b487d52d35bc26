import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { createResourceServer, inMemoryReplayMemory } from '@holdfast/resource-server'
import { testClock, testIssuer, testKey, testProof } from '@holdfast/resource-server/testing.ts'
import { paymentsApi } from './api.ts'

const clock = testClock()
const issuer = testIssuer({ clock })
const key = testKey()
const api = createResourceServer({
  issuer: issuer.issuer,
  audience: issuer.audience,
  tokens: 'jwt',
  transport: 'terminated',
  fetch: issuer.fetch,
  clock,
  replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
})

async function served<T>(listener: RequestListener, use: (origin: string) => Promise<T>): Promise<T> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

function headers(method: string, path: string, changes: Readonly<Record<string, unknown>> = {}): HeadersInit {
  const token = issuer.mint({ cnf: { jkt: key.thumbprint }, ...changes })
  const proof = testProof({ key, method, url: issuer.audience + path, token, now: clock.now() })
  return { authorization: `DPoP ${token}`, dpop: proof }
}

test('the example API shows a payment to its owner, and to nobody else', () =>
  served(paymentsApi(api), async origin => {
    const own = await fetch(`${origin}/payments/7`, { headers: headers('GET', '/payments/7') })
    assert.equal(own.status, 200)
    assert.deepEqual(await own.json(), { id: '7', owner: 'user-1', amount: '12.50' })
    const other = await fetch(`${origin}/payments/8`, { headers: headers('GET', '/payments/8') })
    assert.equal(other.status, 403)
    const nobody = await fetch(`${origin}/payments/7`)
    assert.equal(nobody.status, 401)
    assert.match(nobody.headers.get('www-authenticate') ?? '', /^DPoP .*resource_metadata=/)
  }))

test('the example API asks for a fresh authentication before money moves', () =>
  served(paymentsApi(api), async origin => {
    const post = (authTime: number) =>
      fetch(`${origin}/payments/7`, {
        method: 'POST',
        headers: headers('POST', '/payments/7', { auth_time: authTime }),
      })
    assert.equal((await post(clock.now() - 10)).status, 204)
    const late = await post(clock.now() - 301)
    assert.equal(late.status, 401)
    assert.match(
      late.headers.get('www-authenticate') ?? '',
      /insufficient_user_authentication.*max_age="300"/,
    )
  }))

test('the example API publishes its metadata', () =>
  served(paymentsApi(api), async origin => {
    const response = await fetch(`${origin}/.well-known/oauth-protected-resource`)
    assert.equal(response.status, 200)
    const { resource, authorization_servers } = (await response.json()) as Record<string, unknown>
    assert.equal(resource, issuer.audience)
    assert.deepEqual(authorization_servers, [issuer.issuer])
    assert.equal((await fetch(`${origin}/elsewhere`)).status, 404)
  }))
