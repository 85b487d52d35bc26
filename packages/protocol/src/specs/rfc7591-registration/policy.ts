/**
 * What a client may ever have that registers itself. It stands in the initial access token and then with the client,
 * so that an update can never reach farther than the registration could (I22, I26).
 */
export interface RegistrationPolicy {
  /** Name of the security profile of every such client. */
  readonly profile: string
  readonly scopes: readonly string[]
  readonly grantTypes: readonly string[]
  /** Names of the resource servers that such a client may ask tokens for. */
  readonly resources: readonly string[]
  /** Types of `authorization_details` that such a client may register; absent: none. */
  readonly authorizationDetailsTypes?: readonly string[] | undefined
  /**
   * Where users may be sent: hosts, with a port where it is not 443 (`app.example`, `app.example:8443`); `127.0.0.1`
   * and `[::1]` for any port of a native application; private-use schemes with their colon (`com.example.app:`).
   */
  readonly redirectHosts: readonly string[]
  /** Hosts, as above, from which request objects may be fetched (`request_uris`); absent: none. */
  readonly requestUriHosts?: readonly string[] | undefined
  /** Whether a software statement must come along (RFC 7591 section 2.3). */
  readonly softwareStatement: 'required' | 'optional'
}

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]'])

/** Whether users may be sent to `uri`; what is no URL is nowhere. */
export function isHostAllowed(uri: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(uri)) return false
  const { protocol, host, hostname } = new URL(uri)
  if (protocol === 'https:') return hosts.includes(host)
  if (protocol === 'http:') return loopback.has(hostname) && hosts.includes(hostname)
  return hosts.includes(protocol)
}
