import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkKey } from '../../../packages/gateway/src/testing/bed.ts'
import {
  at,
  contractOf,
  type Fields,
  headersOf,
  picked,
  shippedText,
  shippedYaml,
  textsAt,
  without,
} from '../contract.ts'
import { hasLua, runLua } from '../lua.ts'

// What APISIX sends and does: apisix/plugins/forward-auth.lua of apache/apisix, 3.x.

const configuration = shippedYaml('apisix/apisix.yaml')
const plugins = at(configuration, 'routes', 0, 'plugins')
const forwardAuth = at(plugins, 'forward-auth')
const strip = at(plugins, 'serverless-post-function', 'functions', 0)
const { pathname } = new URL(String(at(forwardAuth, 'uri')))

/** The shipped function, run by LuaJIT as APISIX would; without LuaJIT its list is read from its text. */
async function stripped(fields: Fields): Promise<Fields> {
  assert.ok(typeof strip === 'string')
  if (!hasLua) {
    const passed = new Set([...strip.matchAll(/\["([a-z-]+)"\] = true/g)].map(match => match[1] ?? ''))
    return without(fields, name => !passed.has(name))
  }
  const names = fields.map(([name]) => `[${JSON.stringify(name)}] = true`).join(', ')
  const script = `
    ngx = { req = { get_headers = function() return { ${names} } end,
      clear_header = function(name) print(name) end } }
    local run = (function() ${strip} end)()
    run()`
  const { lines } = await runLua(script)
  return without(fields, name => lines.includes(name))
}

contractOf({
  name: 'APISIX',
  hasCheckId: true,
  hasCertificate: false,
  emulate: async ({ method, target, host, address, fields }, put, bed) => {
    const variables: Readonly<Record<string, string>> = {
      $http_host: host,
      $request_id: `apisix-${bed.events.length}-${fields.length}-${Math.floor(performance.now())}`.padEnd(
        32,
        '0',
      ),
      '${{HOLDFAST_CHECK_KEY}}': checkKey,
    }
    const question = new Map<string, string>([
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-method', method],
      // Without the port: get_host of APISIX is $host.
      ['x-forwarded-host', host.split(':')[0] ?? ''],
      ['x-forwarded-uri', target],
      ['x-forwarded-for', address],
    ])
    for (const [name, value] of Object.entries(at(forwardAuth, 'extra_headers') as Record<string, string>))
      question.set(name.toLowerCase(), variables[value] ?? assert.fail(value))
    for (const name of textsAt(forwardAuth, 'request_headers')) {
      const value = fields.find(([field]) => field.toLowerCase() === name.toLowerCase())?.[1]
      if (value !== undefined && !question.has(name.toLowerCase())) question.set(name.toLowerCase(), value)
    }
    const headers = headersOf([...question])
    const answer = await put({ method: String(at(forwardAuth, 'request_method')), path: pathname, headers })
    if (answer.status >= 300) {
      const back = picked(answer, textsAt(forwardAuth, 'client_headers'))
      return { isAllowed: false, status: answer.status, toClient: Object.fromEntries(back) }
    }
    const names = textsAt(forwardAuth, 'upstream_headers')
    const own = new Set(names.map(name => name.toLowerCase()))
    const toApi = [...without(fields, name => own.has(name)), ...picked(answer, names)]
    return { isAllowed: true, toApi: await stripped(toApi) }
  },
})

test('APISIX: a check that does not answer lets nobody in, nothing is sent twice, and no key stands in the file', () => {
  assert.equal(at(forwardAuth, 'allow_degradation'), false)
  assert.equal(at(forwardAuth, 'status_on_error'), 503)
  assert.equal(at(forwardAuth, 'ssl_verify'), true)
  assert.equal(at(configuration, 'upstreams', 0, 'retries'), 0)
  assert.match(shippedText('apisix/apisix.yaml'), /Holdfast-Check-Key: \$\{\{/)
})
