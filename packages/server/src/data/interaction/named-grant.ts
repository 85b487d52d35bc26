import { accept, firstRefusal, type Outcome, profileFields, type SecurityProfile } from '@holdfast/protocol'
import { mergeRules, namedGrantRules } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import { requestLimits } from '@holdfast/protocol/specs/rfc6749-authorization/rules.ts'
import { resourcesMax } from '@holdfast/protocol/specs/rfc8707-resource/rules.ts'
import type { Ports } from '../../ports.ts'
import type { AuthorizationRequest, GrantRecord } from '../../store/records.ts'
import type { Visit } from './visit.ts'

/** What the user is asked to allow, and the record that ends when it is allowed. */
export interface Asked {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly named: GrantRecord | undefined
}

/**
 * What allowing this request would grant. A merge is shown, and consented to, whole: what a grant had before is on
 * the page too, and only as far as the client may still have it (I13, I14).
 */
export async function loadAsked(visit: Visit, subject: string, ports: Ports): Promise<Outcome<Asked>> {
  const { interaction, exchange } = visit
  const { request } = interaction
  const named = await findNamed(request, exchange.issuer.url, subject, ports)
  if (!named.ok) return named
  const { scopes, resources } = request
  if (named.value === undefined || request.grantManagement?.action !== 'merge')
    return accept({ scopes, resources, named: named.value })
  return merged(visit, named.value)
}

/** @param subject undefined while nobody has signed in */
export async function findNamed(
  request: AuthorizationRequest,
  issuer: string,
  subject: string | undefined,
  ports: Ports,
): Promise<Outcome<GrantRecord | undefined>> {
  const grantId = request.grantManagement?.grantId
  if (grantId === undefined) return accept(undefined)
  const grant = await ports.store.findManagedGrant(grantId)
  const refusal = firstRefusal(namedGrantRules, {
    clientId: request.clientId,
    subject,
    grant: grant && {
      ...grant,
      isLive: grant.issuer === issuer && grant.revokedAt === undefined && ports.clock.now() < grant.expiresAt,
    },
  })
  return refusal ?? accept(grant)
}

function merged({ exchange, interaction, client, profile }: Visit, named: GrantRecord): Outcome<Asked> {
  const { issuer } = exchange
  const { request } = interaction
  const kept = named.scopes.filter(scope => client.scopes.includes(scope) && issuer.scopes.has(scope))
  const reached = named.resources.filter(
    resource => client.resources.includes(resource) && issuer.resourceServers.has(resource),
  )
  const scopes = [...new Set([...kept, ...request.scopes])]
  const resources = [...new Set([...reached, ...request.resources])]
  const wanted = issuer.effectiveProfile(client, resources)
  const refusal = firstRefusal(mergeRules, {
    isAsStrict: wanted.ok && isSame(wanted.value, profile),
    ...{
      resources: resources.length,
      resourcesMax,
      scopes: scopes.length,
      scopesMax: requestLimits.scopesMax,
    },
  })
  return refusal ?? accept({ scopes, resources, named })
}

/** The profile of more resources is never looser, so only what is the same is as strict. */
function isSame(left: SecurityProfile, right: SecurityProfile): boolean {
  return profileFields.every(field => JSON.stringify(left[field]) === JSON.stringify(right[field]))
}
