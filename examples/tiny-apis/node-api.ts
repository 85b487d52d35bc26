import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { protect, writeAnswer } from '@holdfast/resource-server/adapters/node.ts'
import { api, notes, port, started, tls } from './notes.ts'

const read = protect(api, { scopes: ['notes:read'] }, (_, response, token) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ for: token.clientId, notes }))
})
const write = protect(api, { scopes: ['notes:write'] }, (_, response) => {
  notes.push('another')
  response.writeHead(201).end()
})
const listeners: Readonly<Record<string, RequestListener>> = { 'GET /notes': read, 'POST /notes': write }

createServer(tls, (request, response) => {
  const listener = listeners[`${request.method} ${request.url}`]
  if (listener === undefined) return writeAnswer(response, { status: 404, headers: [], body: '' })
  return listener(request, response)
}).listen(port, '127.0.0.1', started)
