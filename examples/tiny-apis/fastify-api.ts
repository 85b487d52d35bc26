import { protect, tokenOf } from '@holdfast/resource-server/adapters/fastify.ts'
import { fastify } from 'fastify'
import { api, notes, port, started, tls } from './notes.ts'

const app = fastify({ https: tls })
app.get('/notes', { onRequest: protect(api, { scopes: ['notes:read'] }) }, async request => ({
  for: tokenOf(request).clientId,
  notes,
}))
app.post('/notes', { onRequest: protect(api, { scopes: ['notes:write'] }) }, async (_, reply) => {
  notes.push('another')
  return reply.code(201).send()
})
await app.listen({ port, host: '127.0.0.1' })
started()
