import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { clientCertOf } from '@holdfast/protocol/specs/rfc9440-client-cert/rules.ts'
import { whereThere } from '../../../packages/gateway/src/check/testing/where-there.ts'
import { at, contractOf, type Fields, shippedText, shippedYaml, textsAt, without } from '../contract.ts'
import { hasLua, luaMissing, runLua } from '../lua.ts'
import { envoy } from './emulate.ts'

const listener = at(shippedYaml('envoy/envoy.yaml'), 'static_resources', 'listeners', 0)
const manager = at(listener, 'filter_chains', 0, 'filters', 0, 'typed_config')
const extAuthz = at(manager, 'http_filters', 1, 'typed_config')
const host = at(manager, 'route_config', 'virtual_hosts', 0)

function exactly(...steps: readonly (string | number)[]): readonly string[] {
  const patterns = at(extAuthz, ...steps, 'patterns')
  assert.ok(Array.isArray(patterns))
  return patterns.map(pattern => String(at(pattern, 'exact')))
}

const script = join(import.meta.dirname, 'only-known.lua')

/** The shipped filter, run by LuaJIT as Envoy would. @returns names it removed, and lines of fields it added */
async function filter(
  names: readonly string[],
  requestId: string,
  certificate: string,
): Promise<readonly string[]> {
  const { lines } = await runLua(`
    local names = { ${names.map(name => `[${JSON.stringify(name)}] = "x"`).join(', ')} }
    local headers = setmetatable({
      remove = function(_, name) print("remove\\t" .. name) end,
      add = function(_, name, value) print("add\\t" .. name .. "\\t" .. value) end,
      get = function(_, name) return name == "x-request-id" and "${requestId}" or nil end,
    }, {})
    -- Envoy's headers are walked with pairs; LuaJIT of the tests has no __pairs, so pairs is told.
    local walk = pairs
    pairs = function(value) return walk(value == headers and names or value) end
    local tls = ${
      certificate === ''
        ? 'nil'
        : `{
      peerCertificatePresented = function() return true end,
      urlEncodedPemEncodedPeerCertificate = function() return ${JSON.stringify(certificate)} end,
    }`
    }
    dofile(${JSON.stringify(script)})
    envoy_on_request({
      headers = function() return headers end,
      streamInfo = function() return { downstreamSslConnection = function() return tls end } end,
    })`)
  return lines
}

/** Without LuaJIT the list is read from the text of the filter. */
async function onlyKnown(fields: Fields): Promise<Fields> {
  const requestId = fields.find(([name]) => name === 'x-request-id')?.[1] ?? ''
  const id: Fields = [['holdfast-check-id', requestId]]
  if (!hasLua) {
    const known = new Set(
      [...shippedText('envoy/only-known.lua').matchAll(/\["([a-z-]+)"\] = true/g)].map(([, name]) => name),
    )
    return [...without(fields, name => !known.has(name)), ...id]
  }
  const lines = await filter(
    fields.map(([name]) => name.toLowerCase()),
    requestId,
    '',
  )
  const done = lines.map(line => line.split('\t'))
  const removed = new Set(done.filter(([what]) => what === 'remove').map(([, name]) => name))
  const added = done
    .filter(([what]) => what === 'add')
    .map(([, name = '', value = '']) => [name, value] as const)
  return [...without(fields, name => removed.has(name)), ...added]
}

contractOf({
  name: 'Envoy',
  hasCheckId: true,
  hasCertificate: true,
  emulate: envoy({
    pathPrefix: String(at(extAuthz, 'http_service', 'path_prefix')),
    asked: exactly('allowed_headers'),
    added: {},
    toUpstream: exactly('http_service', 'authorization_response', 'allowed_upstream_headers'),
    toClient: exactly('http_service', 'authorization_response', 'allowed_client_headers'),
    removed: textsAt(host, 'request_headers_to_remove'),
    first: onlyKnown,
  }),
})

test('Envoy: without an answer of the check nobody is let in, and nothing mends a path', () => {
  assert.equal(at(extAuthz, 'failure_mode_allow'), false)
  assert.equal(at(manager, 'normalize_path'), false)
  assert.equal(at(manager, 'merge_slashes'), false)
  assert.equal(at(manager, 'use_remote_address'), true)
  assert.equal(at(manager, 'preserve_external_request_id'), false)
  assert.equal(
    at(manager, 'common_http_protocol_options', 'headers_with_underscores_action'),
    'REJECT_REQUEST',
  )
  const filters = at(manager, 'http_filters')
  assert.ok(Array.isArray(filters))
  assert.deepEqual(
    filters.map(one => String(at(one, 'name')).split('.').at(-1)),
    ['lua', 'ext_authz', 'router'],
  )
})

whereThere('the filter of Envoy', luaMissing, () => {
  test('makes the certificate of the connection the field of RFC 9440', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAECAwQF+/8=\n-----END CERTIFICATE-----\n'
    const lines = await filter(['client-cert', 'x-user', 'accept'], 'r'.repeat(16), encodeURIComponent(pem))
    assert.deepEqual(lines.toSorted(), [
      `add\tclient-cert\t${clientCertOf(Buffer.from('AAECAwQF+/8=', 'base64'))}`,
      `add\tholdfast-check-id\t${'r'.repeat(16)}`,
      'remove\tclient-cert',
      'remove\tx-user',
    ])
  })
})
