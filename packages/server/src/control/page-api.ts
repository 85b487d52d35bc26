/** What of a list is asked for. */
export interface PageRequest {
  /** Name or URL; absent: every issuer. */
  readonly issuer?: string | undefined
  /** How much one page may hold; it may hold less. */
  readonly limit?: number | undefined
  /** What the page before said as `next`. */
  readonly after?: string | undefined
}

export interface Paged {
  /** Where the next page begins; absent on the last one. */
  readonly next?: string
}
