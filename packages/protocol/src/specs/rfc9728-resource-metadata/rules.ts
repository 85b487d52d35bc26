import { fail, pass, type Rule } from '../../rule.ts'

/** Protected resource metadata (RFC 9728 section 2), with the members we publish. */
export interface ResourceMetadata {
  readonly resource: string
  readonly authorization_servers?: readonly string[]
  /** Keys the API signs answers with. */
  readonly jwks_uri?: string
  readonly scopes_supported?: readonly string[]
  readonly authorization_details_types_supported?: readonly string[]
  readonly bearer_methods_supported?: readonly string[]
  readonly resource_signing_alg_values_supported?: readonly string[]
  readonly resource_name?: string
  readonly resource_documentation?: string
  readonly resource_policy_uri?: string
  readonly resource_tos_uri?: string
  readonly tls_client_certificate_bound_access_tokens?: boolean
  readonly dpop_signing_alg_values_supported?: readonly string[]
  readonly dpop_bound_access_tokens_required?: boolean
}

export const resourceMetadataRules: readonly Rule<ResourceMetadata>[] = [
  {
    id: 'resource-metadata.resource',
    clauses: ['RFC9728-2', 'RFC9728-1.2'],
    level: 'MUST',
    title: 'the resource identifier is an https URL without fragment',
    check: ({ resource }) =>
      isResourceIdentifier(resource)
        ? pass
        : fail('invalid_target', `\`${resource}\` is not an https URL without fragment`),
  },
  {
    id: 'resource-metadata.issuers',
    clauses: ['RFC9728-2-3'],
    level: 'MUST',
    title: 'authorization servers are named by their issuer identifiers',
    check: ({ authorization_servers = [] }) => {
      const bad = authorization_servers.find(issuer => !isIssuer(issuer))
      return bad === undefined ? pass : fail('invalid_target', `\`${bad}\` is not an issuer identifier`)
    },
  },
  {
    id: 'resource-metadata.algs',
    clauses: ['RFC9728-2-2'],
    level: 'MUST',
    title: 'no signing algorithm is none or symmetric',
    check: ({ dpop_signing_alg_values_supported = [], resource_signing_alg_values_supported = [] }) => {
      const bad = [...dpop_signing_alg_values_supported, ...resource_signing_alg_values_supported].find(
        alg => alg === 'none' || alg.startsWith('HS'),
      )
      return bad === undefined ? pass : fail('invalid_request', `algorithm \`${bad}\` proves nothing`)
    },
  },
  {
    id: 'resource-metadata.header-only',
    clauses: ['FAPI2-SP-FINAL-5.3.4-2', 'FAPI1-BASE-6.2.1-3'],
    level: 'MUST',
    title: 'the header is the only published way to send a token',
    check: ({ bearer_methods_supported = ['header'] }) =>
      bearer_methods_supported.every(method => method === 'header')
        ? pass
        : fail('invalid_request', 'a token may come in the header only'),
  },
]

/** An https URL without fragment, credentials or white space (RFC 9728 section 1.2). */
export function isResourceIdentifier(resource: string): boolean {
  if (!URL.canParse(resource) || /[#\s]/.test(resource)) return false
  const { protocol, username, password } = new URL(resource)
  return protocol === 'https:' && username === '' && password === ''
}

function isIssuer(issuer: string): boolean {
  return isResourceIdentifier(issuer) && !issuer.includes('?')
}

/**
 * Where the metadata of a resource is published (RFC 9728 section 3.1): the well-known segment goes between
 * host and path; a path of `/` alone counts as none.
 */
export function resourceMetadataUrl(resource: string): string {
  const { origin, pathname, search } = new URL(resource)
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`
}

/** The document without members that say nothing: empty lists and absent values (RFC 9728 section 3.2). */
export function publishedResourceMetadata(metadata: ResourceMetadata): Readonly<Record<string, unknown>> {
  const members = Object.entries(metadata)
  return Object.fromEntries(
    members.filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  )
}
