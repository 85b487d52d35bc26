import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { whereThere } from '../../../packages/gateway/src/check/testing/where-there.ts'
import { checkKey } from '../../../packages/gateway/src/testing/bed.ts'
import { at, contractOf, type Fields, headersOf, shippedYaml } from '../contract.ts'
import { luaMissing, runLua } from '../lua.ts'

// The shipped plugin, run by LuaJIT against the parts of Kong's plugin development kit (3.x) and of lua-resty-http it uses.

const service = at(shippedYaml('kong/kong.yml'), 'services', 0)
const handler = join(import.meta.dirname, 'plugins/holdfast-check/handler.lua')

const quoted = (text: string): string => JSON.stringify(text).replaceAll(/\\u(\w{4})/g, '\\$1')

/** Kong as far as the plugin sees it. It prints what the plugin does, one line each, fields separated by tabs. */
function kong(fields: Fields, facts: Readonly<Record<string, string>>): string {
  const headers = Object.entries(headersOf(fields)).map(([name, values]) => {
    const value = values.length === 1 ? quoted(values[0] ?? '') : `{ ${values.map(quoted).join(', ')} }`
    return `[${quoted(name)}] = ${value}`
  })
  return `
    local headers = { ${headers.join(', ')} }
    local function say(...) print(table.concat({ ... }, "\\t")) end
    local ended = {}
    ngx = { var = { request_uri = ${quoted(facts.target ?? '')}, request_id = ${quoted(facts.id ?? '')} } }
    kong = {
      request = {
        get_headers = function() return headers${facts.cut === undefined ? '' : `, ${quoted(facts.cut)}`} end,
        get_method = function() return ${quoted(facts.method ?? '')} end,
        get_scheme = function() return "https" end,
        get_header = function(name) return name == "host" and ${quoted(facts.host ?? '')} or headers[name] end,
      },
      client = { get_ip = function() return "192.0.2.9" end },
      service = { request = {
        clear_header = function(name) say("clear", name) end,
        set_header = function(name, value) say("set", name, value) end,
      } },
      response = {
        set_header = function(name, value) say("answer", name, value) end,
        exit = function(status, body, back)
          say("exit", status)
          for name, value in pairs(back or {}) do say("back", name, value) end
          error(ended)
        end,
      },
    }
    package.preload["resty.http"] = function()
      return { new = function() return {
        set_timeout = function() end,
        request_uri = function(_, url, options)
          assert(options.ssl_verify == true and options.method == "GET")
          local parts = { url }
          for name, value in pairs(options.headers) do
            for _, one in ipairs(type(value) == "table" and value or { value }) do
              parts[#parts + 1] = name .. "\\1" .. one
            end
          end
          print("?" .. table.concat(parts, "\\2"))
          local line = io.read("*l")
          local status, rest = line:match("^(%d+)(.*)$")
          if tonumber(status) == 0 then return nil, "closed" end
          local answer = { status = tonumber(status), headers = {}, body = "" }
          for name, value in rest:gmatch("\\2([^\\1]+)\\1([^\\2]*)") do answer.headers[name] = value end
          return answer
        end,
      } end }
    end
    local plugin = dofile(${quoted(handler)})
    local ok, failure = pcall(plugin.access, plugin, { url = ${quoted(facts.url ?? '')}, key = ${quoted(checkKey)}, timeout = 5000 })
    assert(ok or failure == ended, failure)`
}

let requests = 0

whereThere('Kong', luaMissing, () => {
  contractOf({
    name: 'Kong, with the plugin we ship',
    hasCheckId: true,
    hasCertificate: false,
    emulate: async ({ method, target, host, fields }, put) => {
      const id = String(++requests).padStart(32, '0')
      const url = String(at(service, 'plugins', 0, 'config', 'url'))
      const { lines } = await runLua(kong(fields, { method, target, host, id, url }), async line => {
        const [asked = '', ...parts] = line.split('\x02')
        const named = parts.map(part => part.split('\x01') as [string, string])
        const answer = await put({ path: new URL(asked).pathname, headers: headersOf(named) })
        const back = Object.entries(answer.headers).map(([name, value]) => `\x02${name}\x01${String(value)}`)
        return `${answer.status}${back.join('')}`
      })
      const done = lines.map(line => line.split('\t'))
      const exit = done.find(([what]) => what === 'exit')
      if (exit !== undefined) {
        const toClient = Object.fromEntries(
          done.filter(([what]) => what === 'back').map(([, name, value]) => [name, value]),
        )
        return { isAllowed: false, status: Number(exit[1]), toClient }
      }
      const cleared = new Set(done.filter(([what]) => what === 'clear').map(([, name]) => name))
      const set = done
        .filter(([what]) => what === 'set')
        .map(([, name = '', value = '']) => [name, value] as const)
      const own = new Set(set.map(([name]) => name))
      return {
        isAllowed: true,
        toApi: [...fields.filter(([name]) => !cleared.has(name) && !own.has(name)), ...set],
      }
    },
  })

  test('a check that does not answer is 503, and nothing goes on', async () => {
    const facts = {
      method: 'GET',
      target: '/accounts',
      host: 'api.example',
      id: '0'.repeat(32),
      url: 'https://h/check',
    }
    const { lines } = await runLua(kong([], facts), async () => '0')
    assert.deepEqual(lines, ['exit\t503', 'back\tRetry-After\t1'])
    const bare = await runLua(kong([], facts), async () => '200')
    assert.equal(bare.lines[0], 'exit\t503', 'an answer without evidence is none')
  })

  test('more headers than Kong shows are refused: the API would get those it hides', async () => {
    const facts = { method: 'GET', target: '/accounts', host: 'api.example', url: 'https://h/check' }
    const full = await runLua(kong([], facts), async () => '0')
    assert.equal(full.lines[0], 'exit\t503', 'asked')
    const cut = await runLua(kong([], { ...facts, cut: 'truncated' }), async () => '0')
    assert.deepEqual(cut.lines, ['exit\t431'])
  })
})

test('Kong: nothing is sent twice, the API is asked with a certificate, and no key stands in the file', () => {
  assert.equal(at(service, 'retries'), 0)
  assert.equal(at(service, 'tls_verify'), true)
  assert.match(String(at(service, 'plugins', 0, 'config', 'key')), /^\{vault:/)
  assert.equal(at(service, 'routes', 0, 'strip_path'), false)
  assert.deepEqual(at(service, 'routes', 0, 'protocols'), ['https'])
})
