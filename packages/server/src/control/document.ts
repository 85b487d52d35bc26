import { z } from 'zod'
import { type Checked, checked, wrong } from './problem.ts'
import type { ApiOperationsSpec } from './resources/api-operations.ts'
import type { AttributeSourceSpec } from './resources/attribute-source.ts'
import type { AuthorizationDetailsTypeSpec } from './resources/authorization-details-type.ts'
import type { ClientSpec } from './resources/client.ts'
import type { ClientOnboardingSpec } from './resources/client-onboarding.ts'
import type { ClientSecretSpec } from './resources/client-secret.ts'
import type { DecisionPointSpec } from './resources/decision-point.ts'
import type { IdentityProviderSpec } from './resources/identity-provider.ts'
import { isKindName, type KindName, kindNames, kinds } from './resources/index.ts'
import type { IssuerSpec } from './resources/issuer.ts'
import type { PolicySetSpec } from './resources/policy-set.ts'
import type { RegisteredClientSpec } from './resources/registered-client.ts'
import type { ResourceServerSpec } from './resources/resource-server.ts'
import type { ScopeSpec } from './resources/scope.ts'
import type { ScopeGrantSpec } from './resources/scope-grant.ts'
import type { SecurityProfileSpec } from './resources/security-profile.ts'
import type { SoftwareStatementIssuerSpec } from './resources/software-statement-issuer.ts'
import type { SpiffeTrustDomainSpec } from './resources/spiffe-trust-domain.ts'
import type { TrustedIssuerSpec } from './resources/trusted-issuer.ts'
import type { UserSpec } from './resources/user.ts'
import { checkShape } from './shape.ts'
import { didYouMean } from './suggestion.ts'

export const apiVersion = 'holdfast/v1'

interface SpecOf {
  readonly Issuer: IssuerSpec
  readonly SecurityProfile: SecurityProfileSpec
  readonly Scope: ScopeSpec
  readonly AttributeSource: AttributeSourceSpec
  readonly ResourceServer: ResourceServerSpec
  readonly AuthorizationDetailsType: AuthorizationDetailsTypeSpec
  readonly ApiOperations: ApiOperationsSpec
  readonly SoftwareStatementIssuer: SoftwareStatementIssuerSpec
  readonly SpiffeTrustDomain: SpiffeTrustDomainSpec
  readonly Client: ClientSpec
  readonly RegisteredClient: RegisteredClientSpec
  readonly ClientSecret: ClientSecretSpec
  readonly ScopeGrant: ScopeGrantSpec
  readonly ClientOnboarding: ClientOnboardingSpec
  readonly TrustedIssuer: TrustedIssuerSpec
  readonly IdentityProvider: IdentityProviderSpec
  readonly PolicySet: PolicySetSpec
  readonly DecisionPoint: DecisionPointSpec
  readonly User: UserSpec
}

/** One checked document of a kind. */
export interface DocumentOf<K extends KindName> {
  readonly kind: K
  readonly name: string
  /** Name of the issuer it belongs to; undefined means the only one there is. */
  readonly issuerName: string | undefined
  readonly spec: SpecOf[K]
  /** The document as written, for storing and for showing differences. */
  readonly source: Readonly<Record<string, unknown>>
}

export type ControlDocument = { readonly [K in KindName]: DocumentOf<K> }[KindName]

/** Those of one kind. */
export function ofKind<K extends KindName>(
  documents: readonly ControlDocument[],
  kind: K,
): readonly DocumentOf<K>[] {
  return documents.filter(document => document.kind === kind) as unknown as readonly DocumentOf<K>[]
}

const envelope = z.strictObject({
  apiVersion: z.literal(apiVersion, `must be \`${apiVersion}\``),
  kind: z.string(),
  metadata: z.strictObject({ name: z.string(), issuer: z.string().optional() }),
  spec: z.unknown(),
})

/**
 * A document from untyped data: envelope, kind, name, then the schema of its kind.
 * @param place what to call it while it has no name, e.g. `clients.yaml:12`
 */
export function parseDocument(place: string, value: unknown): Checked<ControlDocument> {
  const outer = checkShape(place, '', envelope, value)
  if (!outer.ok) return outer
  const { kind, metadata, spec } = outer.value
  if (!isKindName(kind)) {
    const message = `\`${kind}\` is not a kind of document${didYouMean(kind, kindNames)}`
    return wrong({ document: place, field: 'kind', message })
  }
  const { name, issuer: issuerName } = metadata
  const document = `${kind}/${name}`
  if (!kinds[kind].name.test(name))
    return wrong({
      document: place,
      field: 'metadata.name',
      message: `\`${name}\` is not a name for a ${kind}`,
    })
  if (kind === 'Issuer' && issuerName !== undefined)
    return wrong({ document, field: 'metadata.issuer', message: 'an Issuer belongs to no other issuer' })
  const inner = checkShape<unknown>(document, 'spec', kinds[kind].spec, spec ?? {})
  if (!inner.ok) return inner
  const source = value as Readonly<Record<string, unknown>>
  return checked({ kind, name, issuerName, spec: inner.value, source } as ControlDocument)
}

/** Same text for the same content, whatever the order of members: what the store keeps and compares. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : member,
  )
}
