import { fail, pass, type Rule } from '../../rule.ts'

/** Resources in one request (threat model section 6). */
export const resourcesMax = 5

export interface ResourceInput {
  /** As sent, in order; empty when absent. */
  readonly resources: readonly string[]
  /** Whether the issuer knows a resource server by this identifier. */
  readonly isKnown: (resource: string) => boolean
  /** What the client registered for, or what its grant holds. */
  readonly allowedResources: readonly string[]
}

export const resourceRules: readonly Rule<ResourceInput>[] = [
  {
    id: 'resource.count',
    clauses: [],
    level: 'OURS',
    title: 'at most five resources are asked for',
    check: ({ resources }) =>
      resources.length <= resourcesMax
        ? pass
        : fail('invalid_target', `more than ${resourcesMax} resources`, { count: resources.length }),
  },
  {
    id: 'resource.form',
    clauses: ['RFC8707-2-1'],
    level: 'MUST',
    title: 'a resource is an absolute URI without fragment',
    check: ({ resources }) =>
      resources.every(isAbsoluteWithoutFragment)
        ? pass
        : fail('invalid_target', 'a resource is not an absolute URI without fragment'),
  },
  {
    id: 'resource.allowed',
    clauses: ['RFC8707-2-2', 'FAPI2-SP-FINAL-5.3.2.1-14'],
    level: 'MUST',
    title: 'every resource is known to the issuer and allowed for the client',
    check: ({ resources, isKnown, allowedResources }) =>
      resources.every(resource => isKnown(resource) && allowedResources.includes(resource))
        ? pass
        : fail('invalid_target', 'a resource is unknown or not allowed for this client'),
  },
]

function isAbsoluteWithoutFragment(resource: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:[\x21\x22\x24-\x7e]+$/.test(resource) && URL.canParse(resource)
}

/** What a request without `resource` means. */
export interface DefaultResourceInput {
  readonly resources: readonly string[]
  readonly scopes: readonly string[]
  /** The resource servers the client registered for, with the scopes each understands. */
  readonly allowed: readonly { readonly audience: string; readonly scopes: readonly string[] }[]
  /** Resource servers that the authorization details asked for belong to (RFC 9396). */
  readonly detailAudiences: readonly string[]
}

export const defaultResourceRules: readonly Rule<DefaultResourceInput>[] = [
  {
    id: 'resource.unambiguous',
    clauses: ['RFC8707-2.2-3'],
    level: 'MUST',
    title: 'without resource, the scopes and details asked for belong to one resource server at most',
    check: input =>
      input.resources.length > 0 || defaultResources(input).length <= 1
        ? pass
        : fail(
            'invalid_target',
            '`resource` is missing and scopes or details belong to several resource servers',
          ),
  },
  {
    id: 'resource.count-meant',
    clauses: [],
    level: 'OURS',
    title: 'at most five resources are meant, those of authorization details included',
    check: input =>
      defaultResources(input).length <= resourcesMax
        ? pass
        : fail('invalid_target', `more than ${resourcesMax} resources with those of the details`),
  },
]

/**
 * The resources a request means: those it names and those its details belong to; else the only one the client has;
 * else those that understand a requested scope or that a detail belongs to. A request for identity alone means none.
 */
export function defaultResources({
  resources,
  scopes,
  allowed,
  detailAudiences,
}: DefaultResourceInput): readonly string[] {
  if (resources.length > 0) return [...new Set([...resources, ...detailAudiences])]
  const meant =
    allowed.length === 1
      ? allowed
      : allowed.filter(
          server =>
            server.scopes.some(scope => scopes.includes(scope)) || detailAudiences.includes(server.audience),
        )
  return meant.map(server => server.audience)
}
