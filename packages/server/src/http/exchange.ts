import type { IssuerSnapshot } from '../snapshot/snapshot.ts'

/** Which socket a request came in on. Identity never depends on a header naming one. */
export type Listener = 'public' | 'mtls' | 'admin' | 'management'

/** The certificate the TLS layer proved possession of, for this connection. */
export interface PeerCertificate {
  readonly der: Buffer
  /** Base64url SHA-256 of `der` (RFC 8705 section 3.1), computed once per connection. */
  readonly thumbprint: string
}

/** One request as the rooms see it. Made by the edge after all size, duplicate-header and method limits. */
export interface Exchange {
  readonly method: string
  /** Path without query, percent-encoding untouched. */
  readonly path: string
  /** Raw query without `?`; empty when there is none. */
  readonly query: string
  /** Absolute URL without query, built from configuration, never from a header (I18). For DPoP `htu`. */
  readonly externalUrl: string
  /** All values of a header field by lower-case name; empty when absent. */
  readonly headers: (name: string) => readonly string[]
  readonly body: Buffer
  readonly listener: Listener
  readonly peerCertificate: PeerCertificate | undefined
  /** Canonical text of the peer address, for rate limits and audit. */
  readonly remoteAddress: string
  /** Time-ordered reference id; in the reply, the log and the audit record. */
  readonly requestId: string
  /** The compiled issuer this request belongs to; pinned for the whole request. */
  readonly issuer: IssuerSnapshot
  /** Last path segments matched by `:name` in the route table. */
  readonly params: Readonly<Record<string, string>>
}

/** The open end of an answer that goes on. */
export interface Sink {
  /** @returns bytes that wait because the reader is slow */
  readonly write: (text: string) => number
  /** Resolves when nothing waits any more, or the connection is gone. */
  readonly drained: () => Promise<void>
  readonly end: () => void
  /** Hangs up on a reader, with what waits for it. */
  readonly cut: () => void
  readonly onClose: (closed: () => void) => void
}

/** What a room answers. The edge adds the headers every reply carries. */
export interface Reply {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string | Buffer
  /** What follows for as long as both sides want it, instead of `body`. Called once, after the headers were sent. */
  readonly stream?: (sink: Sink) => void
  /**
   * Something was written for a sender who proved nothing, a page or a token that is none: it counts against the source.
   * A pushed request does not: its client authenticated when it was pushed.
   */
  readonly isUnbacked?: true
}
