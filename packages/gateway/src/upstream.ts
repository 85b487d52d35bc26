import { type Refusal, refuse } from '@holdfast/protocol'
import { tlsFloor } from '@holdfast/protocol/wire/tls-floor.ts'
import type { Pool } from 'undici'
import type { UpstreamOptions } from './options.ts'

const connectTimeoutMs = 2000
const answerTimeoutMs = 10_000
const idleTimeoutMs = 30_000
/** Connections to one API. */
const connectionsMax = 128
const inFlightMax = 256
const answerHeadersBytesMax = 32_768

/** One API as the gateway reaches it. */
export interface Upstream {
  /** Its connections; the library comes with the first that asks, being a tenth of a start. */
  readonly pool: () => Promise<Pool>
  readonly origin: string
  /** Takes a place, or gives undefined when this API has enough to do. @returns gives the place back */
  readonly enter: () => (() => void) | undefined
  readonly close: () => Promise<void>
}

/** @throws TypeError when the URL is not an https origin */
export function openUpstream(name: string, options: UpstreamOptions): Upstream {
  const { protocol, origin, pathname, search, username } = new URL(options.url)
  if (protocol !== 'https:' || pathname !== '/' || search !== '' || username !== '')
    throw new TypeError(`upstream of \`${name}\`: \`${options.url}\` is not an https origin`)
  let pool: Promise<Pool> | undefined
  const most = options.inFlightMax ?? inFlightMax
  let inFlight = 0
  return {
    pool: () => {
      pool ??= openPool(origin, options)
      return pool
    },
    origin,
    enter: () => {
      if (inFlight >= most) return undefined
      inFlight++
      let isInside = true
      return () => {
        if (isInside) inFlight--
        isInside = false
      }
    },
    close: async () => {
      await (await pool)?.destroy()
    },
  }
}

async function openPool(origin: string, options: UpstreamOptions): Promise<Pool> {
  const { Pool } = await import('undici')
  return new Pool(origin, {
    allowH2: false,
    connections: connectionsMax,
    pipelining: 1,
    connectTimeout: options.connectTimeoutMs ?? connectTimeoutMs,
    headersTimeout: options.answerTimeoutMs ?? answerTimeoutMs,
    bodyTimeout: options.idleTimeoutMs ?? idleTimeoutMs,
    maxHeaderSize: answerHeadersBytesMax,
    strictContentLength: true,
    connect: {
      // Only this authority: a certificate that a public one signed for the same name is another server.
      ca: options.caPem,
      cert: options.certPem,
      key: options.keyPem,
      ...(options.serverName !== undefined && { servername: options.serverName }),
      minVersion: tlsFloor.minVersion,
      ciphers: tlsFloor.ciphers,
      timeout: options.connectTimeoutMs ?? connectTimeoutMs,
    },
  })
}

const slow: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])
const gone: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
])

/** What went wrong with an upstream, as a refusal; the cause is for the log. */
export function refusalOfUpstream(cause: unknown): Refusal {
  const code = codeOf(cause)
  if (slow.has(code))
    return refuse(
      'gateway.upstream-slow',
      ['HFG-7'],
      'temporarily_unavailable',
      'the API did not answer in time',
    )
  if (gone.has(code))
    return refuse('gateway.upstream-gone', ['HFG-7'], 'temporarily_unavailable', 'the API cannot be reached')
  return refuse(
    'gateway.upstream-broken',
    ['HFG-7'],
    'temporarily_unavailable',
    'the API cannot be trusted, broke off, or answered what is not HTTP',
  )
}

export function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return ''
  const { code, cause: inner } = cause as { readonly code?: unknown; readonly cause?: unknown }
  return typeof code === 'string' ? code : inner === undefined ? '' : codeOf(inner)
}
