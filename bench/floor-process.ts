import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { measureRawSignatures } from './raw-signatures.ts'

/**
 * What no implementation in this runtime can do without, in a process of its own: the raw signatures, and a bare
 * HTTPS server that reads a body and answers something of the size of a token response, or, to `GET /<bytes>`, so many.
 * Argument: JSON options.
 */
const { port, certFile, keyFile } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly port: number
  readonly certFile: string
  readonly keyFile: string
}
const answer = JSON.stringify({ access_token: 'a'.repeat(52), token_type: 'DPoP', expires_in: 300 })

/** Documents that are only read, by their length; made once. */
const documents = new Map<number, Buffer>()

function documentOf(bytes: number): Buffer {
  const known = documents.get(bytes) ?? Buffer.alloc(bytes, 'x')
  documents.set(bytes, known)
  return known
}

const server = createServer(
  { cert: readFileSync(certFile), key: readFileSync(keyFile) },
  (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = request.method === 'GET' ? documentOf(Number(request.url?.slice(1))) : answer
      response.writeHead(200, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'content-length': body.length,
      })
      response.end(body)
    })
  },
)
server.listen(port, '127.0.0.1', () => process.send?.({ ready: true }))
process.on('message', message => {
  if (message === 'cpu') process.send?.({ cpu: process.cpuUsage() })
  if (message === 'raw') process.send?.({ raw: measureRawSignatures() })
  if (message === 'stop') process.exit(0)
})
process.on('disconnect', () => process.exit(0))
