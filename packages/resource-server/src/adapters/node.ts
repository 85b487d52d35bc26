import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { CertificateEvidence } from '@holdfast/protocol/sender/mtls.ts'
import type { PublishedMetadata } from '../metadata.ts'
import type { Requirements } from '../options.ts'
import { type ApiRequest, readPeerCertificate } from '../request.ts'
import type { VerifiedToken } from '../token.ts'
import type { ResourceServer } from '../verify.ts'
import { readBody, signAnswer } from './node-exchange.ts'

export type ProtectedListener = (
  request: IncomingMessage,
  response: ServerResponse,
  token: VerifiedToken,
) => void | Promise<void>

/** A `node:http` or `node:https` listener that runs only for requests that pass every check. */
export function protect(
  api: ResourceServer,
  requirements: Requirements<IncomingMessage>,
  listener: ProtectedListener,
): RequestListener {
  const guard = api.guard(requirements)
  return (request, response) => {
    const asked = fromIncoming(request, request)
    signAnswer(api, asked, response)
    guard(asked)
      .then(async answer => {
        if (!answer.ok) return writeAnswer(response, answer)
        writeHeaders(response, answer.value.responseHeaders)
        await listener(request, response, answer.value)
      })
      .catch((cause: unknown) => {
        api.settings.onAlarm('listener.failed', cause)
        if (response.headersSent) response.destroy()
        else writeAnswer(response, { status: 500, headers: [], body: '' })
      })
  }
}

/** Serves the metadata of the API; give it the requests for `metadata.path`. */
export function serveMetadata(metadata: PublishedMetadata): RequestListener {
  return (request, response) => writeAnswer(response, metadata.answer(request.method ?? ''))
}

/** What Express adds to a request and what changes when a router is mounted. */
interface IncomingExtras {
  readonly originalUrl?: string
  readonly body?: unknown
}

/** One request for `verify`, from the message and its socket; no header names an identity here. */
export function fromIncoming<Native>(
  message: IncomingMessage & IncomingExtras,
  native: Native,
): ApiRequest<Native> {
  const { rawHeaders, socket } = message
  return {
    method: message.method ?? '',
    target: message.originalUrl ?? message.url ?? '',
    headers: name => headerValues(rawHeaders, name),
    isSecure: isTls(socket),
    peerCertificate: peerCertificateOf(socket),
    isTokenInBody: hasToken(message.body),
    readBody: bytesMax => readBody(message, bytesMax),
    native,
  }
}

/**
 * All values of a field by lower-case name, from the raw list: Node drops a second `Authorization` and joins the values
 * of `DPoP`.
 */
export function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const field = rawHeaders[index]
    if (field?.length === name.length && field.toLowerCase() === name)
      values.push(rawHeaders[index + 1] ?? '')
  }
  return values
}

/** Whether a parsed form body has an `access_token` (RFC 6750 section 2.2), which is never read. */
export function hasToken(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'access_token')
}

function isTls(socket: unknown): socket is TLSSocket {
  return typeof socket === 'object' && socket !== null && 'encrypted' in socket && socket.encrypted === true
}

/** A connection's certificate does not change, and reading it costs a parse. */
const certificates = new WeakMap<object, { readonly evidence: CertificateEvidence | undefined }>()

/** The certificate the TLS layer of this socket proved, if the server asked for one and the client sent one. */
export function peerCertificateOf(socket: unknown): CertificateEvidence | undefined {
  if (!isTls(socket)) return undefined
  const known = certificates.get(socket)
  if (known !== undefined) return known.evidence
  const evidence = readPeerCertificate(socket.getPeerX509Certificate()?.raw)
  certificates.set(socket, { evidence })
  return evidence
}

interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export function writeAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.statusCode = status
  writeHeaders(response, headers)
  response.end(body)
}

/** Every value of a repeated name is kept: there may be one challenge per scheme. */
export function writeHeaders(response: ServerResponse, headers: Answer['headers']): void {
  for (const [name, values] of groupHeaders(headers)) response.setHeader(name, values)
}

export function groupHeaders(headers: Answer['headers']): ReadonlyMap<string, string | string[]> {
  const grouped = new Map<string, string | string[]>()
  for (const [name, value] of headers) {
    const before = grouped.get(name)
    grouped.set(name, before === undefined ? value : [before, value].flat())
  }
  return grouped
}
