import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { epochSeconds } from '@holdfast/protocol'
import type { Reply } from '../../http/exchange.ts'
import { issueCertificate } from '../../tls/issue.ts'
import { roomFor } from './room-for.ts'
import { seededEntropy, type World } from './world.ts'

export interface ServedRooms {
  readonly port: number
  readonly close: () => Promise<void>
}

/**
 * The pages of a test world behind a real TLS socket, for a real browser that resolves `as.example` and
 * `client.example` to it. Any other path answers like a client's callback. Not the edge: no limits.
 */
export async function serveRooms(world: World): Promise<ServedRooms> {
  const names = { dns: ['as.example', 'client.example'], ip: [] }
  const { certPem, keyPem } = await issueCertificate(
    { subject: 'CN=as.example', key: 'ecdsa', purpose: 'server', days: 1, names },
    epochSeconds(Math.floor(Date.now() / 1000)),
    seededEntropy('serve'),
  )
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    answer(world, request).then(
      reply => {
        response.writeHead(reply.status, reply.headers.flat() as string[])
        response.end(reply.body)
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(world: World, request: IncomingMessage): Promise<Reply> {
  const { pathname, search } = new URL(request.url ?? '/', 'https://as.example')
  const method = request.method ?? 'GET'
  const found = roomFor(method, pathname)
  if (found === undefined)
    return { status: 200, headers: [['content-type', 'text/html']], body: '<title>callback</title><p>back' }
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = Object.entries(request.headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  )
  return await world.send(found.room, pathname, {
    method,
    query: search.slice(1),
    body: Buffer.concat(chunks).toString(),
    params: found.params,
    headers,
  })
}
