import { type CertificateEvidence, readCertificate } from '@holdfast/protocol/sender/mtls.ts'

/** One request as `verify` sees it; the adapters make it from the framework's own. */
export interface ApiRequest<Native = unknown> {
  readonly method: string
  /** Path and query as received, percent-encoding untouched. A host in it is never used (I18). */
  readonly target: string
  /** All values of a header field by lower-case name; empty when absent. */
  readonly headers: (name: string) => readonly string[]
  /** Whether TLS ended in this process. */
  readonly isSecure: boolean
  /** What the TLS layer proved, read by `readPeerCertificate`; never from a header. */
  readonly peerCertificate: CertificateEvidence | undefined
  /** Whether a parsed form body holds `access_token`. */
  readonly isTokenInBody: boolean
  /** For an API that takes signed requests; without it such an API refuses everything. */
  readonly readBody?: ReadBody
  /** The framework's own request, handed to the decision hook. */
  readonly native: Native
}

/** The whole body, which nobody has read yet, empty when there is none; undefined when it is longer than that. */
export type ReadBody = (bytesMax: number) => Promise<Uint8Array | undefined>

/** The certificate of a connection as evidence; undefined when there is none or it cannot be read. */
export function readPeerCertificate(der: Uint8Array | undefined): CertificateEvidence | undefined {
  if (der === undefined || der.byteLength === 0) return undefined
  const read = readCertificate(der)
  return read.ok ? read.value : undefined
}

/** Path and query of a request target in origin form; undefined for any other form. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } | undefined {
  if (!target.startsWith('/')) return undefined
  const fragment = target.indexOf('#')
  const whole = fragment === -1 ? target : target.slice(0, fragment)
  const mark = whole.indexOf('?')
  return mark === -1
    ? { path: whole, query: '' }
    : { path: whole.slice(0, mark), query: whole.slice(mark + 1) }
}
