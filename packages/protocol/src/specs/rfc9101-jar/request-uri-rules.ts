import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'

/** Longest request URI (RFC 9101 section 5.2), and most that one client may register. */
export const requestUriLengthMax = 512
export const requestUrisMax = 10

/** A `request_uri` that this server did not hand out. */
export interface RemoteRequestUriInput {
  readonly requestUri: string
  /** Of the client, exactly as they were registered. */
  readonly registered: readonly string[]
  readonly profile: Pick<SecurityProfile, 'remoteRequestUris'>
}

/** Refusals by these are shown to the user, and nothing is fetched: nothing trustworthy says where to redirect. */
export const remoteRequestUriRules: readonly Rule<RemoteRequestUriInput>[] = [
  {
    id: 'request-uri.supported',
    clauses: ['RFC9101-7', 'OIDC-6.2-registered'],
    level: 'MUST',
    title: 'other request URIs than our own are opened only where the profile has them',
    check: ({ profile }) =>
      profile.remoteRequestUris === 'registered'
        ? pass
        : fail('request_uri_not_supported', 'only pushed request URIs are supported'),
  },
  {
    id: 'request-uri.registered',
    clauses: ['OIDC-6.2-registered', 'RFC9101-5.2', 'RFC9101-10.4'],
    level: 'MUST',
    title: 'the request URI is one that the client registered, character by character',
    check: ({ requestUri, registered }) =>
      registered.includes(requestUri)
        ? pass
        : fail('invalid_request_uri', 'the request URI is not one the client registered'),
  },
]

/** What was fetched from a request URI. */
export interface FetchedRequestInput {
  readonly requestUri: string
  /** SHA-256 of the answer's body, base64url. */
  readonly sha256: string
}

export const fetchedRequestRules: readonly Rule<FetchedRequestInput>[] = [
  {
    id: 'request-uri.hash',
    clauses: ['OIDC-6.2-hash'],
    level: 'MUST',
    title: 'what was fetched has the hash that the fragment of the request URI names',
    check: ({ requestUri, sha256 }) => {
      const [, named] = requestUri.split('#')
      return named === undefined || named === sha256
        ? pass
        : fail('invalid_request_uri', 'what was fetched does not have the hash the request URI names')
    },
  },
]

const bad = (field: string, reason: string) => fail('invalid_client_metadata', reason, { field })
const hashFragment = /^[\w-]{43}$/

/** What a client may register about where its requests lie (OpenID Connect Dynamic Client Registration section 2). */
export const requestUrisMetadataRules: readonly Rule<ClientMetadataInput>[] = [
  {
    id: 'client.request-uris',
    clauses: ['OIDCR-2-request_uris', 'RFC9101-5.2'],
    level: 'MUST',
    title: 'request URIs are https URLs, with a SHA-256 as fragment or none, where the profile has them',
    check: ({ metadata: { request_uris: uris = [] }, profile }) => {
      const field = 'request_uris'
      if (uris.length === 0) return pass
      if (profile.remoteRequestUris !== 'registered')
        return bad(field, 'the profile lets no request object be fetched: push it (RFC 9126)')
      if (uris.length > requestUrisMax) return bad(field, `more than ${requestUrisMax} URIs`)
      if (new Set(uris).size !== uris.length) return bad(field, 'a URI stands twice')
      const index = uris.findIndex(uri => !isFetchable(uri))
      return index === -1
        ? pass
        : bad(
            `${field}[${index}]`,
            'is not an https URL of at most 512 characters, with a SHA-256 as fragment or none',
          )
    },
  },
]

function isFetchable(uri: string): boolean {
  if (uri.length > requestUriLengthMax || !/^[\x21-\x7e]+$/.test(uri) || !URL.canParse(uri)) return false
  const { protocol, username, password } = new URL(uri)
  if (protocol !== 'https:' || username !== '' || password !== '') return false
  const [, fragment, ...more] = uri.split('#')
  return fragment === undefined || (more.length === 0 && hashFragment.test(fragment))
}
