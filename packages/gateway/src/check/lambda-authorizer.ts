import { checkIdHeader, checkKeyHeader } from '@holdfast/protocol/specs/holdfast-check/rules.ts'
import { evidenceHeader, phantomHeader } from '@holdfast/protocol/specs/holdfast-evidence/rules.ts'
import { clientCertHeader } from '@holdfast/protocol/specs/rfc9440-client-cert/rules.ts'
import type { ApiRequest } from '@holdfast/resource-server'

/** What is used of `fetch`. */
export type CheckFetch = (
  url: string,
  init: {
    readonly method: 'GET'
    readonly headers: [string, string][]
    readonly redirect: 'error'
    readonly signal: AbortSignal
  },
) => Promise<{ readonly status: number; readonly headers: { get(name: string): string | null } }>

/** Longest time a check may take. */
const timeoutMs = 5000

export interface LambdaAuthorizerOptions {
  /** Where the check listens, e.g. `https://holdfast.internal:8450`. */
  readonly checkUrl: string
  /** One of the keys in `check.keyFiles` of the gateway. */
  readonly checkKey: string
  /** Host clients call, with its port when that is not 443; the custom domain of the API. */
  readonly host: string
  /** The way to the check, when its certificate is not of a public authority. */
  readonly fetch?: CheckFetch
}

/** What the authorizer hands on, to the function behind (`lambdaApiRequest`) or to a gateway response. */
export type LambdaContext = Readonly<Record<string, string>>

/** Answer in the form the event asked for: simple for HTTP APIs (format 2.0), a policy for REST APIs. */
export type LambdaAnswer =
  | { readonly isAuthorized: boolean; readonly context: LambdaContext }
  | {
      readonly principalId: string
      readonly policyDocument: {
        readonly Version: '2012-10-17'
        readonly Statement: readonly [
          {
            readonly Action: 'execute-api:Invoke'
            readonly Effect: 'Allow' | 'Deny'
            readonly Resource: string
          },
        ]
      }
      readonly context: LambdaContext
    }

/** The one request an event tells of. */
interface Told {
  readonly method: string
  readonly target: string
  readonly address: string
  readonly id: string
  readonly certificatePem: string | undefined
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/**
 * A Lambda authorizer of Amazon API Gateway that asks a Holdfast check. Its result must not be cached (time to live 0): a
 * proof is good for one request. It never throws; whatever goes wrong is a refusal.
 * @throws TypeError when `checkUrl` is not https
 */
export function lambdaAuthorizer(
  options: LambdaAuthorizerOptions,
): (event: unknown) => Promise<LambdaAnswer> {
  const url = new URL('/check', options.checkUrl)
  if (url.protocol !== 'https:') throw new TypeError(`checkUrl: \`${options.checkUrl}\` is not https`)
  const send: CheckFetch = options.fetch ?? fetch
  return async event => {
    const told = toldBy(event)
    if (told === undefined) return answerOf(event, refused(400))
    try {
      const headers = questionOf(told, options)
      const answer = await send(url.href, {
        ...{ method: 'GET', headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) },
      })
      return answerOf(event, answer.status === 200 ? allowed(answer.headers) : refusedBy(answer))
    } catch {
      return answerOf(event, refused(503))
    }
  }
}

type Decided = { readonly isAuthorized: boolean; readonly context: LambdaContext }

function allowed(headers: { get(name: string): string | null }): Decided {
  const token = headers.get('holdfast-token')
  const evidence = headers.get('holdfast-evidence')
  const requestId = headers.get('x-request-id')
  if (token === null || evidence === null || requestId === null) return refused(503)
  return { isAuthorized: true, context: { token, evidence, requestId } }
}

function refusedBy({
  status,
  headers,
}: {
  readonly status: number
  readonly headers: { get(name: string): string | null }
}): Decided {
  return refused(status, headers.get('www-authenticate') ?? '', headers.get('dpop-nonce') ?? '')
}

function refused(status: number, challenge = '', nonce = ''): Decided {
  return { isAuthorized: false, context: { status: String(status), challenge, nonce } }
}

function answerOf(event: unknown, decided: Decided): LambdaAnswer {
  // Only events that want a policy name the method it is for.
  const arn = textOf(event, 'methodArn')
  if (arn === undefined) return decided
  const Effect = decided.isAuthorized ? 'Allow' : 'Deny'
  return {
    principalId: 'holdfast',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect, Resource: arn }],
    },
    context: decided.context,
  }
}

const notAsked =
  /^(?:x-forwarded-.*|x-amzn-.*|holdfast-check-.*|client-cert|host|connection|content-length|expect|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|via)$/

function questionOf(
  { method, target, address, id, certificatePem, fields }: Told,
  { checkKey, host }: LambdaAuthorizerOptions,
): [string, string][] {
  return [
    ...fields
      .filter(([name]) => !notAsked.test(name.toLowerCase()))
      .map(([name, value]): [string, string] => [name, value]),
    ...(certificatePem === undefined
      ? []
      : [[clientCertHeader, byteSequenceOf(certificatePem)] as [string, string]]),
    ['x-forwarded-method', method],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-host', host],
    ['x-forwarded-uri', target],
    ['x-forwarded-for', address],
    [checkIdHeader, id],
    [checkKeyHeader, checkKey],
  ]
}

/** RFC 9440: the DER in base64 between colons; PEM is that with lines around it. */
function byteSequenceOf(pem: string): string {
  return `:${pem.replaceAll(/-----[A-Z ]+-----|\s/g, '')}:`
}

function toldBy(event: unknown): Told | undefined {
  return textOf(event, 'version') === '2.0' ? toldByHttpApi(event) : toldByRestApi(event)
}

/** A path without its escapes: one that had these would be read as another path with a query. */
const endsEarly = /[?#]/

/** Payload format 2.0: the path without its escapes is what API Gateway gives; one that had any is refused by the check. */
function toldByHttpApi(event: unknown): Told | undefined {
  const http = memberOf(memberOf(event, 'requestContext'), 'http')
  const path = textOf(event, 'rawPath')
  const method = textOf(http, 'method')
  const id = textOf(memberOf(event, 'requestContext'), 'requestId')
  if (path === undefined || endsEarly.test(path) || method === undefined || id === undefined) return undefined
  const query = textOf(event, 'rawQueryString') ?? ''
  const authentication = memberOf(memberOf(event, 'requestContext'), 'authentication')
  return {
    ...{ method, id: numbered(id), target: query === '' ? path : `${path}?${query}` },
    address: textOf(http, 'sourceIp') ?? '',
    certificatePem: textOf(memberOf(authentication, 'clientCert'), 'clientCertPem'),
    fields: entriesOf(memberOf(event, 'headers')),
  }
}

/** Format 1.0 and REST APIs, of the kind REQUEST. The query is decoded there, so a request with one is not told of exactly. */
function toldByRestApi(event: unknown): Told | undefined {
  const context = memberOf(event, 'requestContext')
  const identity = memberOf(context, 'identity')
  const path = textOf(event, 'path')
  const method = textOf(event, 'httpMethod')
  const id = textOf(context, 'requestId')
  if (path === undefined || endsEarly.test(path) || method === undefined || id === undefined) return undefined
  const query = entriesOf(memberOf(event, 'multiValueQueryStringParameters'))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
  const many = memberOf(event, 'multiValueHeaders')
  return {
    ...{ method, id: numbered(id), target: query === '' ? path : `${path}?${query}` },
    address: textOf(identity, 'sourceIp') ?? '',
    certificatePem: textOf(memberOf(identity, 'clientCert'), 'clientCertPem'),
    fields: entriesOf(many ?? memberOf(event, 'headers')),
  }
}

/** Request ids of HTTP APIs end in `=` and may be shorter than a check id must be. */
function numbered(id: string): string {
  return `lambda:${id.replaceAll(/[^\w.-]/g, '_')}`.slice(0, 128).padEnd(16, '_')
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function textOf(value: unknown, name: string): string | undefined {
  const member = memberOf(value, name)
  return typeof member === 'string' ? member : undefined
}

function entriesOf(value: unknown): readonly (readonly [name: string, value: string])[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
    [member].flat().flatMap(one => (typeof one === 'string' ? [[name, one] as const] : [])),
  )
}

/**
 * The request of an event of the function behind, with the evidence of the authorizer: for the SDK's `guard`. No header of
 * the client is read, so none can pretend to be evidence. The API trusts its gateway without `peers`: no connection of a
 * client ends in a function.
 */
export function lambdaApiRequest(event: unknown): ApiRequest {
  const told = toldBy(event)
  const authorizer = memberOf(memberOf(event, 'requestContext'), 'authorizer')
  const context = memberOf(authorizer, 'lambda') ?? authorizer
  const fields: Readonly<Record<string, string | undefined>> = {
    [phantomHeader]: textOf(context, 'token'),
    [evidenceHeader]: textOf(context, 'evidence'),
  }
  return {
    method: told?.method ?? '',
    target: told?.target ?? '',
    headers: name => [fields[name] ?? []].flat(),
    isSecure: true,
    peerCertificate: undefined,
    isTokenInBody: false,
    native: event,
  }
}
