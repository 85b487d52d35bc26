/** What one request may cost before a room sees it. Lower freely; raising one is logged as a warning. */
export interface EdgeLimits {
  readonly urlBytesMax: number
  readonly headersBytesMax: number
  readonly headerBytesMax: number
  readonly headersMax: number
  /** From the opened connection, or the end of the last request, to the end of the header section. */
  readonly headersTimeoutMs: number
  /** From the end of the header section to the end of the body. */
  readonly bodyTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly handlerTimeoutMs: number
  /** Requests inside rooms at one time; more are shed with 503. */
  readonly inFlightMax: number
  readonly connectionsMax: number
  /** Failed client authentications and proofs, per client and source prefix. */
  readonly clientFailuresPerMinute: number
  /** Failed client authentications and proofs, per source prefix. */
  readonly prefixFailuresPerMinute: number
  /** Pages asked for by nobody in particular: refused ones, and authorization requests that were not pushed. */
  readonly unbackedPagesPerMinute: number
  /** Requests with no live token, per source prefix, at endpoints that take one. */
  readonly unbackedTokensPerMinute: number
}

export const defaultLimits: EdgeLimits = {
  urlBytesMax: 8192,
  headersBytesMax: 16_384,
  headerBytesMax: 8192,
  headersMax: 100,
  headersTimeoutMs: 5000,
  bodyTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
  handlerTimeoutMs: 10_000,
  inFlightMax: 2048,
  connectionsMax: 10_000,
  clientFailuresPerMinute: 60,
  prefixFailuresPerMinute: 100,
  unbackedPagesPerMinute: 300,
  unbackedTokensPerMinute: 300,
}

/** Names of the limits that are looser than the default, for the warning at start. */
export function loosenedLimits(limits: EdgeLimits): readonly string[] {
  const names = Object.keys(defaultLimits) as (keyof EdgeLimits)[]
  return names.filter(name => limits[name] > defaultLimits[name])
}
