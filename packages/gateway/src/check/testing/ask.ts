import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import type { KeptCertificate } from '@holdfast/server/tls/development-ca.ts'
import { type Bed, credentials, type SendOptions } from '../../testing/bed.ts'

export interface AskOptions {
  readonly method?: string
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly certificate?: KeptCertificate | undefined
  readonly body?: string
}

export interface AskAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly text: string
}

/** One question to the check of a bed, over a connection of its own. */
export function ask(
  bed: Bed,
  { method = 'GET', path = '/check', headers = {}, certificate, body }: AskOptions,
): Promise<AskAnswer> {
  const { checkPort: port, ca } = bed
  return new Promise((done, fail) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port, servername: 'localhost', ca: ca.caPem, agent: false },
        ...{ method, path, headers: { host: `localhost:${port}`, ...headers } },
        ...(certificate && { cert: certificate.certPem, key: certificate.keyPem }),
      },
      response => {
        let text = ''
        response.on('data', chunk => {
          text += String(chunk)
        })
        response.on('end', () => {
          const { statusCode: status = 0, headers: answered, rawHeaders } = response
          done({ status, headers: answered, rawHeaders, text })
        })
      },
    )
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}

/** What a proxy at the URL of the bed says about a request with good credentials. */
export function description(bed: Bed, options: SendOptions = {}): OutgoingHttpHeaders {
  const { method = 'GET', path = '/accounts' } = options
  return {
    'x-forwarded-method': method,
    'x-forwarded-proto': 'https',
    'x-forwarded-host': `localhost:${bed.port}`,
    'x-forwarded-uri': path,
    'x-forwarded-for': '192.0.2.9',
    ...credentials(bed, { ...options, method, path }),
  }
}
