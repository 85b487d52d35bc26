import { accept, type Outcome } from '../../refusal.ts'
import { fail, firstRefusal, pass, type Rule } from '../../rule.ts'

/** Carries the client's certificate from a proxy that ended TLS (RFC 9440 section 2.2). */
export const clientCertHeader = 'client-cert'

/** Longest field that is read: a certificate of a client is some 2 KiB. */
export const clientCertBytesMax = 8192

export interface ClientCertInput {
  /** All values of the header field. */
  readonly values: readonly string[]
  /** Whether the connection is of a proxy that is listed by its own certificate. */
  readonly isFromProxy: boolean
}

/** A structured-field byte sequence: canonical base64 between colons (RFC 9651 section 3.3.5). */
const byteSequence = /^:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):$/

export const clientCertRules: readonly Rule<ClientCertInput>[] = [
  {
    id: 'client-cert.proxy',
    clauses: ['RFC9440-2.4'],
    level: 'MUST',
    title: 'the header is read from a proxy that proved itself, and from nobody else',
    check: ({ isFromProxy }) =>
      isFromProxy ? pass : fail('invalid_request', '`Client-Cert` did not come from a listed proxy'),
  },
  {
    id: 'client-cert.one',
    clauses: ['RFC9440-2.2'],
    level: 'MUST',
    title: 'there is one certificate',
    check: ({ values }) =>
      values.length === 1 ? pass : fail('invalid_request', '`Client-Cert` is not there once'),
  },
  {
    id: 'client-cert.form',
    clauses: ['RFC9440-2.1'],
    level: 'MUST',
    title: 'the certificate is a byte sequence in canonical base64',
    check: ({ values: [value = ''] }) =>
      value.length <= clientCertBytesMax && bytesOf(value) !== undefined
        ? pass
        : fail('invalid_request', '`Client-Cert` is not a byte sequence'),
  },
]

/** The DER of the certificate a proxy speaks of. */
export function readClientCert(input: ClientCertInput): Outcome<Buffer> {
  const refusal = firstRefusal(clientCertRules, input)
  if (refusal !== undefined) return refusal
  return accept(bytesOf(input.values[0] ?? '') ?? Buffer.alloc(0))
}

/** @param der a certificate @returns the value of `Client-Cert` */
export function clientCertOf(der: Uint8Array): string {
  return `:${Buffer.from(der).toString('base64')}:`
}

function bytesOf(value: string): Buffer | undefined {
  const text = byteSequence.exec(value)?.[1]
  if (text === undefined || text === '') return undefined
  const bytes = Buffer.from(text, 'base64')
  // The last character of a padded group may carry bits that decode to nothing: two texts, one certificate.
  return bytes.toString('base64') === text ? bytes : undefined
}
