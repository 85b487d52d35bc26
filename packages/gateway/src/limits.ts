/** What a request may cost the gateway (threat model, section 6). A route may ask for less or more of its own body. */
export interface GatewayLimits {
  readonly headersTimeoutMs: number
  /** From the end of the header section to the end of the body. */
  readonly bodyTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly connectionsMax: number
  /** Requests at one time; more are shed with 503. */
  readonly inFlightMax: number
  /** Refused credentials per source prefix, IPv4 /24 or IPv6 /56; then 429. */
  readonly failuresPerMinute: number
}

export const defaultLimits: GatewayLimits = {
  headersTimeoutMs: 5000,
  bodyTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
  connectionsMax: 10_000,
  inFlightMax: 2048,
  failuresPerMinute: 100,
}
