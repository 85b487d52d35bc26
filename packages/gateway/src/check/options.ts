/** Where other gateways ask, and which of them are answered. At least one of `callers` and `keys` is there. */
export interface CheckOptions {
  readonly address: { readonly host: string; readonly port: number }
  /** Thumbprints (`x5t#S256`) of certificates of proxies. */
  readonly callers?: readonly string[]
  /** Keys that proxies without a certificate show in `Holdfast-Check-Key`: two while one is replaced. */
  readonly keys?: readonly string[]
}
