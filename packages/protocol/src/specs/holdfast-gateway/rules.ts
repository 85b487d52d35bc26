import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

/** Longest request target (threat model, section 6). */
export const targetBytesMax = 8192

/** A request target before anything is looked up by it. */
export interface TargetInput {
  /** As it stands in the request line. */
  readonly target: string
}

const reject = (reason: string): Verdict => fail('invalid_request', reason)

/** RFC 3986 `pchar` without `;`, and the slash. */
const pathCharacters = /^[A-Za-z0-9\-._~!$&'()*+,=:@%/]*$/
/** RFC 3986 `query` without `'`, which URL parsers of browsers and of fetch escape: it would change on the way. */
const queryCharacters = /^[A-Za-z0-9\-._~!$&()*+,;=:@%/?]*$/
const escapes = /%([\s\S]{0,2})/g
/** What a path cannot hold unescaped and no server reads as structure: space, quotes, brackets, and beyond ASCII. */
const allowedEscape = /^(?:2[02]|3[CE]|5[BDE]|60|7[BCD]|[89A-F][0-9A-F])$/

/**
 * There is one spelling of a path, and every other is refused: what is matched here, what the proof named and what the
 * API receives are the same bytes, and nobody decodes twice.
 */
export const targetRules: readonly Rule<TargetInput>[] = [
  {
    id: 'gateway.target-size',
    clauses: ['HFG-1'],
    level: 'MUST',
    title: 'the request target is no longer than 8 KiB',
    check: ({ target }) =>
      target.length <= targetBytesMax ? pass : reject(`the target is longer than ${targetBytesMax} bytes`),
  },
  {
    id: 'gateway.target-form',
    clauses: ['HFG-1'],
    level: 'MUST',
    title: 'the request target is a path, not a URL, an authority or an asterisk',
    check: ({ target }) => (target.startsWith('/') ? pass : reject('the target is not a path')),
  },
  {
    id: 'gateway.target-characters',
    clauses: ['HFG-1'],
    level: 'MUST',
    title: 'path and query have only the characters RFC 3986 gives them, and the path no `;`',
    check: ({ target }) => {
      const { path, query } = splitPath(target)
      return pathCharacters.test(path) && queryCharacters.test(query)
        ? pass
        : reject('the target has a character that does not belong into it')
    },
  },
  {
    id: 'gateway.target-segments',
    clauses: ['HFG-1'],
    level: 'MUST',
    title: 'no segment is empty, `.` or `..`',
    check: ({ target }) => {
      const { path } = splitPath(target)
      const segments = path.slice(1).split('/')
      return path === '/' || segments.every(segment => segment !== '' && segment !== '.' && segment !== '..')
        ? pass
        : reject('the path has an empty or dotted segment')
    },
  },
  {
    id: 'gateway.target-escapes',
    clauses: ['HFG-1'],
    level: 'MUST',
    title: 'the path escapes only what needs it, in upper case, as UTF-8, and no delimiter',
    check: ({ target }) =>
      areCanonicalEscapes(splitPath(target).path)
        ? pass
        : reject('the path has an escape that is not allowed'),
  },
]

/** @returns the path, and the query without its mark */
export function splitPath(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?')
  return mark === -1
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

function areCanonicalEscapes(path: string): boolean {
  if (!path.includes('%')) return true
  for (const [, pair = ''] of path.matchAll(escapes)) if (!allowedEscape.test(pair)) return false
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

/** Methods that are forwarded. `CONNECT` and `TRACE` are nobody's business here. */
export const forwardedMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])

/** Methods whose requests have no body here: a body that one side does not expect is how requests are smuggled. */
const bodyless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What `Connection` may name: to name another field would remove it on the way. */
const connectionOptions: ReadonlySet<string> = new Set(['close', 'keep-alive', 'upgrade', 'te'])

/** A request's framing, from the raw header list. */
export interface FramingInput {
  readonly httpVersion: string
  readonly method: string
  readonly host: readonly string[]
  /** The one authority clients may name, lower case, without default port. */
  readonly authority: string
  readonly contentLength: readonly string[]
  readonly transferEncoding: readonly string[]
  readonly contentEncoding: readonly string[]
  readonly expect: readonly string[]
  readonly connection: readonly string[]
  /** Members of the raw list: each header is a name and a value. */
  readonly rawHeaders: readonly string[]
}

export const headersMax = 100
export const headerBytesMax = 8192
export const headersBytesMax = 16_384

export const framingRules: readonly Rule<FramingInput>[] = [
  {
    id: 'gateway.version',
    clauses: ['HFG-2'],
    level: 'MUST',
    title: 'the request is HTTP/1.1',
    check: ({ httpVersion }) => (httpVersion === '1.1' ? pass : reject('the request is not HTTP/1.1')),
  },
  {
    id: 'gateway.method',
    clauses: ['HFG-2'],
    level: 'MUST',
    title: 'the method is one that is forwarded',
    check: ({ method }) => (forwardedMethods.has(method) ? pass : reject('the method is not forwarded')),
  },
  {
    id: 'gateway.headers',
    clauses: ['HFG-2'],
    level: 'MUST',
    title: 'headers are within 100, 8 KiB each and 16 KiB together',
    check: ({ rawHeaders }) =>
      areWithinLimits(rawHeaders) ? pass : reject('the headers are too many or too large'),
  },
  {
    id: 'gateway.host',
    clauses: ['HFG-3'],
    level: 'MUST',
    title: 'there is one `Host`, and it is ours',
    check: ({ host, authority }) =>
      host.length === 1 && withoutDefaultPort(host[0] ?? '') === authority
        ? pass
        : reject('`Host` is not the name of this gateway'),
  },
  {
    id: 'gateway.length',
    clauses: ['HFG-2'],
    level: 'MUST',
    title: 'the length of the body is said once, in one way',
    check: ({ contentLength, transferEncoding }) => {
      const isPlain =
        contentLength.length <= 1 && contentLength.every(value => /^(?:0|[1-9]\d{0,15})$/.test(value))
      const isChunked = transferEncoding.length === 1 && transferEncoding[0] === 'chunked'
      const isOne = transferEncoding.length === 0 ? isPlain : isChunked && contentLength.length === 0
      return isOne ? pass : reject('the length of the body is said twice or unclearly')
    },
  },
  {
    id: 'gateway.bodyless',
    clauses: ['HFG-2'],
    level: 'MUST',
    title: 'GET, HEAD and OPTIONS have no body',
    check: ({ method, contentLength, transferEncoding }) =>
      bodyless.has(method) && (transferEncoding.length > 0 || contentLength.some(value => value !== '0'))
        ? reject(`\`${method}\` came with a body`)
        : pass,
  },
  {
    id: 'gateway.content-encoding',
    clauses: ['HFG-2'],
    level: 'MUST',
    title: 'the body is not compressed',
    check: ({ contentEncoding }) =>
      contentEncoding.every(value => value.toLowerCase() === 'identity')
        ? pass
        : reject('the body is compressed'),
  },
  {
    id: 'gateway.expect',
    clauses: ['HFG-2'],
    level: 'MUST',
    title: 'nothing is expected but 100-continue',
    check: ({ expect }) =>
      expect.length === 0 || (expect.length === 1 && expect[0]?.toLowerCase() === '100-continue')
        ? pass
        : reject('an expectation that is not known'),
  },
  {
    id: 'gateway.connection',
    clauses: ['HFG-2'],
    level: 'MUST',
    title: '`Connection` names no field of the message',
    check: ({ connection }) =>
      connection
        .flatMap(value => value.split(','))
        .map(option => option.trim().toLowerCase())
        .every(option => option === '' || connectionOptions.has(option))
        ? pass
        : reject('`Connection` names a field of the message'),
  },
]

function areWithinLimits(rawHeaders: readonly string[]): boolean {
  if (rawHeaders.length > headersMax * 2) return false
  let total = 0
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const bytes = (rawHeaders[index]?.length ?? 0) + (rawHeaders[index + 1]?.length ?? 0) + 4
    if (bytes > headerBytesMax) return false
    total += bytes
  }
  return total <= headersBytesMax
}

function withoutDefaultPort(host: string): string {
  return host.toLowerCase().replace(/:443$/, '')
}

/** Names of fields that end at this hop (RFC 9110 section 7.6.1). */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whether a field ends at this hop. @param name lower case */
export function isHopByHop(name: string): boolean {
  return hopByHop.has(name)
}

/** Fields that say who somebody is, or what an API is to believe about a request. `-` stands for `_` and `.` too. */
const identityNames: ReadonlySet<string> = new Set([
  'authorization',
  'cf-connecting-ip',
  'client-ip',
  'cookie',
  'dpop',
  'fastly-client-ip',
  'forwarded',
  'host',
  'remote-addr',
  'remote-user',
  'ssl-client-cert',
  'true-client-ip',
  'via',
])
const identityPatterns =
  /^(?:holdfast|from|client-cert|ssl-client|tls-client|oidc|jwt|proxy|remote|x-forwarded|x-original|x-rewrite|x-envoy|x-ms-client-principal|x-amzn-(?:oidc|mtls)|x-goog-(?:authenticated|iap)|x-http-method|x-method)(?:-|$)|^x-(?:.*-)?(?:auth\w*|user\w*|client|clients?-?\w*|cert\w*|identity|subject|sub|principal|consumer|credential|token|jwt|scopes?|roles?|groups?|tenant|email|account|real-ip|cluster-client-ip|ssl|tls|admin|internal|role|acr|claims?)(?:-|$)/

/**
 * Whether a field looks as if it told an API who calls: an API behind a gateway must get such fields from the gateway
 * or not at all. Aliases that a server may fold together count as one.
 */
export function looksLikeIdentity(name: string): boolean {
  const folded = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
  return identityNames.has(folded) || identityPatterns.test(folded)
}

/** What is forwarded of every request; an API names what else it reads, and none of that may look like an identity. */
export const passedFields: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-digest',
  'content-disposition',
  'content-language',
  'content-location',
  'content-type',
  'date',
  'digest',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-event-id',
  'origin',
  'pragma',
  'prefer',
  'range',
  'repr-digest',
  'signature',
  'signature-input',
  'traceparent',
  'tracestate',
  'user-agent',
  'want-content-digest',
  'want-repr-digest',
  'x-fapi-interaction-id',
  'x-idempotency-key',
  'x-jws-signature',
])

export interface PassedFieldInput {
  /** A field that a configuration wants to be forwarded. */
  readonly name: string
}

export const passedFieldRules: readonly Rule<PassedFieldInput>[] = [
  {
    id: 'gateway.field-name',
    clauses: ['HFG-4'],
    level: 'MUST',
    title: 'a field that is forwarded is written in lower-case letters, digits and hyphens',
    check: ({ name }) =>
      /^[a-z][a-z0-9-]{0,63}$/.test(name) ? pass : reject(`\`${name}\` is not a plain field name`),
  },
  {
    id: 'gateway.field-identity',
    clauses: ['HFG-4'],
    level: 'MUST',
    title: 'a field that is forwarded does not look like an identity and does not end at this hop',
    check: ({ name }) =>
      looksLikeIdentity(name) || isHopByHop(name) || name === 'content-length' || name === 'expect'
        ? reject(`\`${name}\` is the gateway's own to say`)
        : pass,
  },
]
