import { createServer } from 'node:https'
import type { VerifiedToken } from '@holdfast/resource-server'
import { protect } from '@holdfast/resource-server/adapters/hono.ts'
import { type HttpBindings, serve } from '@hono/node-server'
import { Hono } from 'hono'
import { api, notes, port, started, tls } from './notes.ts'

const app = new Hono<{ Bindings: HttpBindings; Variables: { token: VerifiedToken } }>()
app.get('/notes', protect(api, { scopes: ['notes:read'] }), context =>
  context.json({ for: context.get('token').clientId, notes }),
)
app.post('/notes', protect(api, { scopes: ['notes:write'] }), context => {
  notes.push('another')
  return context.body(null, 201)
})
serve({ fetch: app.fetch, createServer, serverOptions: tls, port, hostname: '127.0.0.1' }, started)
