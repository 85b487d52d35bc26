import type { Room } from '../data/room.ts'

/**
 * Who may call an endpoint from a script of another origin.
 * - `none`: nobody; pages are navigated to, never fetched (FN-09).
 * - `public`: everybody; the document holds no secret.
 * - `clients`: origins a client registered (DPOP-49).
 */
export type CorsPolicy = 'none' | 'public' | 'clients'

/** One line of the route table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the issuer path; a segment `:name` matches one segment. */
  readonly path: string
  readonly room: Room
  readonly bodyBytesMax: number
  /**
   * - `required`: the body is a form (AZ-23).
   * - `optional`: a form or nothing.
   * - `judged-by-room`: the body is read whatever it is called; the room answers a wrong one with a page.
   * - `json`: the body is JSON, and called so (RFC 7591 section 3.1).
   * - `none`: a body is not read.
   */
  readonly form: 'required' | 'optional' | 'judged-by-room' | 'json' | 'none'
  readonly cors: CorsPolicy
  /** How the edge itself answers here: a program reads JSON, a person reads a page. */
  readonly dialect: 'json' | 'page'
  /** Whether a refused credential here counts against the client and its source. */
  readonly countsFailures: boolean
  /** Whether it takes an access token: what comes without a live one is written down, and counts against its source. */
  readonly takesToken?: true
  /** Where the path stands when the issuer has a path of its own (RFC 8414 section 3.1). */
  readonly placement?: 'below-issuer' | 'well-known'
}
