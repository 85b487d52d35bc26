import { type AuthzenAnswer, authzenEndpoints, type PdpHandlerOptions } from './http.ts'

/** A request of `node:http` or `node:https`, as far as it is looked at: this package opens no socket. */
export interface IncomingRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly on: {
    (event: 'data', listener: (chunk: Buffer) => void): unknown
    (event: 'end' | 'close', listener: () => void): unknown
    (event: 'error', listener: (cause: Error) => void): unknown
  }
}

export interface OutgoingAnswer {
  readonly headersSent: boolean
  readonly writeHead: (status: number, headers: Record<string, string | number>) => unknown
  readonly end: (body: string) => unknown
}

export interface PdpListenerOptions<Incoming extends IncomingRequest> extends PdpHandlerOptions<Incoming> {
  /** Told what broke; whoever asked is told 500 and nothing else. A client that left half way breaks, too. */
  readonly onFault: (cause: unknown) => void
}

/**
 * A decision point as a listener of `node:https`. Without the streams and objects of fetch between socket and question,
 * a request costs about two thirds of what it costs behind `pdpHandler` and an adapter.
 */
export function pdpListener<Incoming extends IncomingRequest>(
  options: PdpListenerOptions<Incoming>,
): (request: Incoming, response: OutgoingAnswer) => void {
  const { onFault } = options
  const endpoints = authzenEndpoints(options)
  return (request, response) => {
    const { method, url = '', headers } = request
    const query = url.indexOf('?')
    endpoints({
      native: request,
      method,
      path: query === -1 ? url : url.slice(0, query),
      header: name => textOf(headers[name]),
      body: bytesMax => boundedBody(request, bytesMax),
    })
      .then(answer => write(response, answer))
      .catch((cause: unknown) => {
        onFault(cause)
        if (!response.headersSent) write(response, broken)
      })
  }
}

const broken: AuthzenAnswer = {
  status: 500,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store', connection: 'close' },
  body: '"it could not be decided"',
}

function write(response: OutgoingAnswer, { status, headers, body }: AuthzenAnswer): void {
  // Nobody waits for the rest of a body that is too long.
  response.writeHead(status, {
    ...headers,
    ...(status === 413 && { connection: 'close' }),
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

const textOf = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

function boundedBody(request: IncomingRequest, bytesMax: number): Promise<Buffer | undefined> {
  return new Promise((done, fail) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', chunk => {
      bytes += chunk.length
      if (bytes <= bytesMax) chunks.push(chunk)
      else done(undefined)
    })
    request.on('end', () => done(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    request.on('error', fail)
    request.on('close', () => fail(new Error('the client left')))
  })
}
