/** One thing wrong with a document: where, what, and which rule says so. */
export interface Problem {
  /** `Client/web-shop`, or the file and place when the document has no name yet. */
  readonly document: string
  /** Path inside the document, e.g. `spec.metadata.redirect_uris[0]`; empty for the document as a whole. */
  readonly field: string
  readonly message: string
  readonly ruleId?: string
  readonly clauses?: readonly string[]
  /** Registered error code where a registration would be refused with one. */
  readonly error?: string
}

/** A value, or everything that is wrong with what it was made from. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export function checked<T>(value: T): Checked<T> {
  return { ok: true, value }
}

export function wrong(...problems: readonly Problem[]): Checked<never> {
  return { ok: false, problems }
}

/** One line for people: `Client/web-shop spec.metadata.jwks: the key is not public [client.jwks-public]`. */
export function textOfProblem({ document, field, message, ruleId }: Problem): string {
  const place = field === '' ? document : `${document} ${field}`
  return ruleId === undefined ? `${place}: ${message}` : `${place}: ${message} [${ruleId}]`
}
