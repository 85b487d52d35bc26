import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { parseJson } from '@holdfast/protocol/wire/json.ts'
import type { Agent } from 'undici'
import { Fault, type KeyServiceOutbound, type Outbound, type ServiceOutbound } from '../ports.ts'
import { insideOf, isPublicAddress } from './addresses.ts'

export interface OutboundOptions {
  /** Networks, as prefixes, that may be reached although they are not public: of a client with one known receiver. */
  readonly networks?: readonly string[]
  /** What this side shows of itself in TLS. */
  readonly identity?: { readonly certPem: string; readonly keyPem: string }
  /** Requests at one time, and connections to one host. */
  readonly most?: { readonly requests: number; readonly connections: number }
  /** Ports besides 443 that may be reached. */
  readonly allowedPorts?: readonly number[]
  /** Only `allowLoopbackForTests` makes one. */
  readonly loosened?: LoosenedForTests
  /** Certificate authorities besides those of the platform. */
  readonly caPem?: string
  /** Name resolution; the system's when absent. */
  readonly resolve?: ResolveAll
}

/** Of a client that is open. */
export interface OpenClient {
  /** Loads the library now, for a receiver whose answers are waited for by the millisecond. */
  readonly load: () => Promise<void>
  readonly close: () => Promise<void>
}

export type ResolveAll = (
  hostname: string,
  done: (
    error: Error | null,
    addresses: readonly { readonly address: string; readonly family: number }[],
  ) => void,
) => void

declare const loosened: unique symbol
export interface LoosenedForTests {
  readonly [loosened]: true
  readonly addresses: ReadonlySet<string>
}

/**
 * Lets the client reach loopback addresses on any port. Never in production: whoever may name a `jwks_uri`
 * could read what only this machine should.
 * @deprecated weakens I31; for tests and for a development issuer on loopback
 */
export function allowLoopbackForTests(): LoosenedForTests {
  return { addresses: new Set(['127.0.0.1', '::1']) } as unknown as LoosenedForTests
}

const connectTimeoutMs = 3000
const totalTimeoutMs = 5000
const connectionsPerHostMax = 2
const concurrentMax = 32

/** What an answer may be. */
interface Accepted {
  readonly mediaType: string
  readonly isIt: (contentType: string) => boolean
  readonly name: string
}

const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i
const json: Accepted = { mediaType: 'application/json', isIt: type => jsonType.test(type), name: 'JSON' }

function exactly(mediaType: string): Accepted {
  const isIt = (type: string): boolean => type.split(';', 1)[0]?.trim().toLowerCase() === mediaType
  return { mediaType, isIt, name: `\`${mediaType}\`` }
}

/**
 * The one way out (I31): https to a public address, resolved once and checked at the moment of connecting, no
 * redirects, no compression, bounded in time, size and number.
 */
export function openOutbound(
  options: OutboundOptions = {},
): Outbound & KeyServiceOutbound & ServiceOutbound & OpenClient {
  let agent: Promise<Agent> | undefined
  let running = 0
  const may = mayConnectBy(options)
  const toward = async <T>(url: string, send: (agent: Agent, target: URL) => Promise<T>): Promise<T> => {
    const target = judgeUrl(url, options, may)
    if (running >= (options.most?.requests ?? concurrentMax))
      throw failed('too many requests are already on their way')
    running++
    try {
      agent ??= openAgent(options, may)
      return await send(await agent, target)
    } finally {
      running--
    }
  }
  const fetchBody = (url: string, wanted: Wanted): Promise<Buffer> =>
    toward(url, (agent, target) => fetchFrom(agent, target, wanted))
  return {
    getJson: async (url, limits) => parsed(await fetchBody(url, { ...limits, accept: json })),
    getText: async (url, { mediaType, ...limits }) =>
      (await fetchBody(url, { ...limits, accept: exactly(mediaType) })).toString('utf8'),
    postFormForJson: async (url, form, limits) =>
      parsed(await fetchBody(url, { ...limits, accept: json, form: new URLSearchParams(form).toString() })),
    postForm: (url, form, { timeoutMs }) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const post = { headers, body: new URLSearchParams(form).toString(), timeoutMs }
      return toward(url, (agent, target) => sendPost(agent, target, post))
    },
    postJson: (url, body, { bearer, timeoutMs }) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${bearer}` }
      const post = { headers, body: JSON.stringify(body), timeoutMs }
      return toward(url, (agent, target) => sendPost(agent, target, post))
    },
    askText: (url, request) => toward(url, (agent, target) => fetchText(agent, target, request)),
    postText: (url, request) => toward(url, (agent, target) => fetchText(agent, target, request)),
    load: async () => {
      agent ??= openAgent(options, may)
      await agent
    },
    close: async () => {
      await (await agent)?.destroy()
    },
  }
}

/** Loaded by the first request out: most starts never make one, and the library is a tenth of a start. */
async function openAgent(options: OutboundOptions, may: MayConnect): Promise<Agent> {
  const undici = await import('undici')
  return new undici.Agent({
    connect: {
      lookup: guardedLookup(options, may),
      timeout: connectTimeoutMs,
      ca: options.caPem,
      ...(options.identity && { cert: options.identity.certPem, key: options.identity.keyPem }),
      allowH2: false,
    },
    connections: options.most?.connections ?? connectionsPerHostMax,
    pipelining: 1,
    headersTimeout: totalTimeoutMs,
    bodyTimeout: totalTimeoutMs,
    keepAliveTimeout: 1000,
    maxHeaderSize: 8192,
  })
}

function refused(detail: string): Fault {
  return new Fault('outbound.refused', { detail })
}

function failed(detail: string, cause?: unknown): Fault {
  return new Fault('outbound.failed', { detail, cause })
}

/** Whoever was asked works, and says too much. */
export class AnswerTooLarge extends Fault {
  constructor(bytesMax: number) {
    super('outbound.failed', { detail: `the answer is larger than ${bytesMax} bytes` })
  }
}

const defaultPort = 443

function judgeUrl(text: string, options: OutboundOptions, may: MayConnect): URL {
  if (!URL.canParse(text)) throw refused('not a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:') throw refused('not an https URL')
  if (url.username !== '' || url.password !== '') throw refused('the URL holds credentials')
  if (url.hash !== '') throw refused('the URL has a fragment')
  const port = url.port === '' ? defaultPort : Number(url.port)
  const { allowedPorts = [], loosened: loose } = options
  if (port !== defaultPort && !allowedPorts.includes(port) && loose === undefined)
    throw refused(`port ${port} is not allowed`)
  // A literal address is not resolved, so the guarded look-up would never see it.
  const literal = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  if (/^[\d.]+$|:/.test(literal) && !may(literal)) throw refused('the address is not public')
  return url
}

type MayConnect = (address: string) => boolean

function mayConnectBy({ networks = [], loosened: loose }: OutboundOptions): MayConnect {
  const isInside = insideOf(networks)
  return address => isPublicAddress(address) || isInside(address) || loose?.addresses.has(address) === true
}

/** One bad address refuses the name: a name that answers with both kinds is an attack on this very check. */
function guardedLookup(options: OutboundOptions, may: MayConnect): LookupFunction {
  const resolve: ResolveAll =
    options.resolve ?? ((hostname, done) => systemLookup(hostname, { all: true, verbatim: true }, done))
  return (hostname, lookupOptions, done) => {
    resolve(hostname, (error, found) => {
      if (error !== null) return done(error, [])
      const [first] = found
      if (first === undefined) return done(failed('the name has no address'), [])
      if (!found.every(({ address }) => may(address)))
        return done(refused('the name has an address that is not public'), [])
      if (lookupOptions.all === true) return done(null, [...found])
      return done(null, first.address, first.family)
    })
  }
}

interface Wanted {
  readonly bytesMax: number
  readonly timeoutMs: number
  readonly accept: Accepted
  /** Posted when there is one. */
  readonly form?: string
}

async function fetchFrom(agent: Agent, url: URL, wanted: Wanted): Promise<Buffer> {
  const { form } = wanted
  const signal = AbortSignal.timeout(Math.min(wanted.timeoutMs, totalTimeoutMs))
  try {
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        accept: wanted.accept.mediaType,
        'accept-encoding': 'identity',
        ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(form !== undefined && { body: form }),
      signal,
    })
    const { statusCode, headers, body } = response
    // A body that is left early reports its own end as an error; unheard, it would end the process.
    body.on('error', () => undefined)
    const unfit = judgeResponse(statusCode, headers, wanted)
    if (unfit !== undefined) {
      body.destroy()
      throw unfit
    }
    return await readBody(body, wanted.bytesMax)
  } catch (cause) {
    throw asFault(cause)
  }
}

async function readBody(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new AnswerTooLarge(bytesMax)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Posted when there is a body. */
type TextRequest = Omit<Parameters<KeyServiceOutbound['postText']>[1], 'body'> & { readonly body?: string }

async function fetchText(
  agent: Agent,
  url: URL,
  { headers, body: text, bytesMax, timeoutMs }: TextRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const { statusCode, body } = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: text === undefined ? 'GET' : 'POST',
      headers: { ...headers, 'accept-encoding': 'identity' },
      ...(text !== undefined && { body: text }),
      signal: AbortSignal.timeout(Math.min(timeoutMs, totalTimeoutMs)),
    })
    body.on('error', () => undefined)
    return { status: statusCode, text: (await readBody(body, bytesMax)).toString('utf8') }
  } catch (cause) {
    throw asFault(cause)
  }
}

interface Post {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly timeoutMs: number
}

/** A redirect is an answer like any other: it is not followed. The body is not read at all. */
async function sendPost(agent: Agent, url: URL, post: Post): Promise<{ readonly status: number }> {
  const signal = AbortSignal.timeout(Math.min(post.timeoutMs, totalTimeoutMs))
  try {
    const { statusCode, body } = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'POST',
      headers: { ...post.headers, 'accept-encoding': 'identity' },
      body: post.body,
      signal,
    })
    body.on('error', () => undefined)
    body.destroy()
    return { status: statusCode }
  } catch (cause) {
    throw asFault(cause)
  }
}

function judgeResponse(
  statusCode: number,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  { bytesMax, accept }: Wanted,
): Fault | undefined {
  if (statusCode !== 200) return failed(`the answer has status ${statusCode}`)
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') return failed('the answer is compressed')
  if (typeof headers['content-type'] !== 'string' || !accept.isIt(headers['content-type']))
    return failed(`the answer is not ${accept.name}`)
  if (Number(headers['content-length'] ?? 0) > bytesMax) return new AnswerTooLarge(bytesMax)
  return undefined
}

function parsed(bytes: Buffer): unknown {
  const value = parseJson(bytes.toString('utf8'))
  if (value === undefined) throw failed('the answer is not strict JSON')
  return value
}

/** A refusal of the look-up arrives wrapped by the client; it stays a refusal. */
function asFault(cause: unknown): Fault {
  let current: unknown = cause
  for (let depth = 0; depth < 4 && current instanceof Error; depth++) {
    if (current instanceof Fault) return current
    current = current.cause
  }
  return failed('the request did not complete', cause)
}
