import { createServer } from 'node:https'
import { protect } from '@holdfast/resource-server/adapters/fetch.ts'
import { serve } from '@hono/node-server'
import { api, audience, notes, port, started, tls } from './notes.ts'

const read = protect(api, { scopes: ['notes:read'] }, (_, token) =>
  Response.json({ for: token.clientId, notes }),
)
const write = protect(api, { scopes: ['notes:write'] }, () => {
  notes.push('another')
  return new Response(null, { status: 201 })
})

/** The same on Deno, Bun, a worker: a function from a request to a response. */
function handle(request: Request): Response | Promise<Response> {
  const { pathname } = new URL(request.url, audience)
  if (pathname !== '/notes') return new Response(null, { status: 404 })
  if (request.method === 'GET') return read(request)
  return request.method === 'POST' ? write(request) : new Response(null, { status: 405 })
}

serve({ fetch: handle, createServer, serverOptions: tls, port, hostname: '127.0.0.1' }, started)
