import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, contractOf, type Fields, headersOf, shippedYaml, textsAt, without } from '../contract.ts'

// What Traefik sends and does: pkg/middlewares/auth/forward.go of traefik/traefik, v3.

const forwardAuth = at(shippedYaml('traefik/dynamic.yaml'), 'http', 'middlewares', 'holdfast', 'forwardAuth')
const { pathname } = new URL(String(at(forwardAuth, 'address')))
const asked = new Set(textsAt(forwardAuth, 'authRequestHeaders').map(name => name.toLowerCase()))
const pattern = String(at(forwardAuth, 'authResponseHeadersRegex'))
assert.ok(pattern.startsWith('(?i)'))
const taken = new RegExp(pattern.slice(4), 'i')

contractOf({
  name: 'Traefik',
  hasCheckId: false,
  hasCertificate: true,
  emulate: async ({ method, target, host, address, fields }, put) => {
    const described: Fields = [
      ['x-forwarded-for', address],
      ['x-forwarded-method', method],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-host', host],
      ['x-forwarded-uri', target],
    ]
    const copied = fields.filter(([name]) => asked.has(name.toLowerCase()))
    const answer = await put({ path: pathname, headers: headersOf([...copied, ...described]) })
    if (answer.status < 200 || answer.status >= 300)
      return { isAllowed: false, status: answer.status, toClient: answer.headers }
    const answered: [string, string][] = []
    for (const [name, value] of Object.entries(answer.headers))
      if (taken.test(name) && typeof value === 'string') answered.push([name, value])
    return { isAllowed: true, toApi: [...without(fields, name => taken.test(name)), ...answered] }
  },
})

test('Traefik: what clients say in X-Forwarded-* is not believed, and the check is asked with a certificate', () => {
  assert.equal(at(forwardAuth, 'trustForwardHeader'), false)
  assert.deepEqual(at(forwardAuth, 'tls'), {
    ca: '/etc/holdfast/ca.pem',
    cert: '/etc/holdfast/proxy.pem',
    key: '/etc/holdfast/proxy.key',
  })
  for (const name of [
    'X_User',
    'X.User',
    'Holdfast_Evidence',
    'SSL_CLIENT_CERT',
    'Client-Cert',
    'Remote-User',
  ])
    assert.match(name, taken)
  for (const name of ['Accept', 'Content-Type', 'User-Agent', 'Traceparent', 'If-Match'])
    assert.doesNotMatch(name, taken)
})
