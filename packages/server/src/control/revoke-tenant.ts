import type { PlacedDocument } from '../snapshot/compile.ts'
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

/**
 * The operator ends all access at every issuer of a tenant, or at the one named: one commit with an audit record for
 * each. What it costs does not depend on how much there is to end.
 */
export async function revokeTenant(
  { tenant, issuer }: RevokeTenantRequest,
  ports: ControlPorts,
): Promise<Checked<RevokedTenant>> {
  const { store, clock, issuers, newReference } = ports
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const document = `tenant/${tenant}`
  const known = [...new Set(issuers.map(({ url }) => tenantOf(url, stored.value)))]
  if (!known.includes(tenant))
    return wrong({
      document,
      field: '',
      message: `no issuer here is of this tenant${didYouMean(tenant, known)}`,
    })
  const ended = issuersNamed(issuer, issuers).filter(({ url }) => tenantOf(url, stored.value) === tenant)
  if (ended.length === 0)
    return wrong({ document, field: 'issuer', message: `\`${issuer}\` is no issuer of this tenant` })

  const at = clock.now()
  const reference = newReference()
  await store.commit(
    ended.flatMap(({ url }): readonly Write[] => [
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
  return checked({ tenant, issuers: ended.map(({ url }) => url), reference })
}
