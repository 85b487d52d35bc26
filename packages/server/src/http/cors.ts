import type { IssuerSnapshot } from '../snapshot/snapshot.ts'
import type { Reply } from './exchange.ts'
import { claimedClient } from './failures.ts'
import type { CorsPolicy } from './route.ts'

const none: Reply['headers'] = []
const everybody: Reply['headers'] = [['access-control-allow-origin', '*']]
/** What a DPoP client must be able to read (RFC 9449 section 8). */
const exposed = 'DPoP-Nonce, WWW-Authenticate'
const preflightSeconds = '600'

/** Origins any client of an issuer registered: a preflight does not say which client asks. */
const originsOf = new WeakMap<IssuerSnapshot, ReadonlySet<string>>()

function allowedOrigins(issuer: IssuerSnapshot): ReadonlySet<string> {
  const found = originsOf.get(issuer)
  if (found !== undefined) return found
  const origins = new Set([...issuer.clients.values()].flatMap(client => client.allowedOrigins))
  originsOf.set(issuer, origins)
  return origins
}

/**
 * Cross-origin headers of an answer. Never `Allow-Credentials`: no endpoint a script may call reads a cookie.
 * @param origin the `Origin` header; undefined for the ordinary back channel, which gets nothing
 */
export function corsHeaders(
  policy: CorsPolicy,
  issuer: IssuerSnapshot,
  origin: string | undefined,
  body: Buffer,
): Reply['headers'] {
  if (policy === 'public') return everybody
  if (policy === 'none' || origin === undefined) return none
  const clientId = claimedClient(body)
  const client = clientId === undefined ? undefined : issuer.clients.get(clientId)
  const isAllowed =
    client === undefined ? allowedOrigins(issuer).has(origin) : client.allowedOrigins.includes(origin)
  if (!isAllowed) return [['vary', 'Origin']]
  return [
    ['access-control-allow-origin', origin],
    ['access-control-expose-headers', exposed],
    ['vary', 'Origin'],
  ]
}

/** The answer to `OPTIONS`; undefined when the endpoint is closed to this origin. */
export function preflight(
  policy: CorsPolicy,
  issuer: IssuerSnapshot,
  origin: string | undefined,
  methods: string,
): Reply | undefined {
  if (policy === 'none' || origin === undefined) return undefined
  if (policy === 'clients' && !allowedOrigins(issuer).has(origin)) return undefined
  return {
    status: 204,
    headers: [
      ['access-control-allow-origin', policy === 'public' ? '*' : origin],
      ['access-control-allow-methods', methods],
      ['access-control-allow-headers', 'Authorization, Content-Type, DPoP'],
      ['access-control-max-age', preflightSeconds],
      ['vary', 'Origin'],
    ],
    body: '',
  }
}
