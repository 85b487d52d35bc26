import type { IssuerBinding, PlacedDocument } from '../snapshot/compile.ts'
import type { Write } from '../store/writes.ts'
import type { RevokedTenant, RevokeTenantRequest } from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import { type Checked, checked, wrong } from './problem.ts'
import { issuerSpec } from './resources/issuer.ts'
import { didYouMean } from './suggestion.ts'

const tenantOfNoDocument = issuerSpec.parse({}).tenant

/** Of an issuer among these documents. */
export function tenantOf(url: string, documents: readonly PlacedDocument[]): string {
  const own = documents.find(one => one.issuerUrl === url && one.document.kind === 'Issuer')?.document
  return own?.kind === 'Issuer' ? own.spec.tenant : tenantOfNoDocument
}

/** Issuers at which the access of a tenant would be ended. */
export function issuersToEnd(
  { tenant, issuer }: RevokeTenantRequest,
  documents: readonly PlacedDocument[],
  issuers: readonly IssuerBinding[],
): Checked<readonly IssuerBinding[]> {
  const document = `tenant/${tenant}`
  const known = [...new Set(issuers.map(({ url }) => tenantOf(url, documents)))]
  if (!known.includes(tenant))
    return wrong({
      document,
      field: '',
      message: `no issuer here is of this tenant${didYouMean(tenant, known)}`,
    })
  const ended = issuersNamed(issuer, issuers).filter(({ url }) => tenantOf(url, documents) === tenant)
  return ended.length === 0
    ? wrong({ document, field: 'issuer', message: `\`${issuer}\` is no issuer of this tenant` })
    : checked(ended)
}

/**
 * The operator ends all access at every issuer of a tenant, or at the one named: one commit with an audit record for
 * each. What it costs does not depend on how much there is to end.
 */
export async function revokeTenant(
  request: RevokeTenantRequest,
  ports: ControlPorts,
): Promise<Checked<RevokedTenant>> {
  const { store, clock, issuers, newReference } = ports
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const ended = issuersToEnd(request, stored.value, issuers)
  if (!ended.ok) return ended

  const { tenant } = request
  const at = clock.now()
  const reference = newReference()
  await store.commit(
    ended.value.flatMap(({ url }): readonly Write[] => [
      { kind: 'revoke-all-of-issuer', issuer: url, at },
      {
        kind: 'append-audit',
        record: {
          ...{ at, issuer: url, event: 'tenant.revoked', outcome: 'accepted' as const, requestId: reference },
          facts: { tenant, by: 'operator' },
        },
      },
    ]),
  )
  return checked({ tenant, issuers: ended.value.map(({ url }) => url), reference })
}
