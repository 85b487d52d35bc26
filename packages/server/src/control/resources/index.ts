import type { z } from 'zod'
import { apiOperationsSpec } from './api-operations.ts'
import { attributeSourceSpec } from './attribute-source.ts'
import { authorizationDetailsTypeSpec } from './authorization-details-type.ts'
import { clientSpec } from './client.ts'
import { clientOnboardingSpec } from './client-onboarding.ts'
import { clientSecretSpec } from './client-secret.ts'
import { decisionPointSpec } from './decision-point.ts'
import { identityProviderSpec } from './identity-provider.ts'
import { issuerSpec } from './issuer.ts'
import { policySetSpec } from './policy-set.ts'
import { registeredClientSpec } from './registered-client.ts'
import { resourceServerSpec } from './resource-server.ts'
import { scopeSpec } from './scope.ts'
import { scopeGrantSpec } from './scope-grant.ts'
import { securityProfileSpec } from './security-profile.ts'
import { softwareStatementIssuerSpec } from './software-statement-issuer.ts'
import { spiffeTrustDomainSpec } from './spiffe-trust-domain.ts'
import { trustedIssuerSpec } from './trusted-issuer.ts'
import { userSpec } from './user.ts'

/** What a kind of document is: the schema of its `spec` and the form of its name. */
export interface Kind {
  readonly spec: z.ZodType
  readonly name: RegExp
}

const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
/** RFC 6749 3.3 scope-token. */
const scopeName = /^[!#-[\]-~]{1,128}$/
/** A word or a URL, as in RFC 9396 section 2. */
const detailsTypeName = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/
/** Never a subject: those start with `u_` (RFC 9700 4.15). */
const clientName = /^(?!u_)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** The slot: a kind of document is one file and one line here. Order is the order of applying. */
export const kinds = {
  Issuer: { spec: issuerSpec, name: plainName },
  SecurityProfile: { spec: securityProfileSpec, name: plainName },
  Scope: { spec: scopeSpec, name: scopeName },
  AttributeSource: { spec: attributeSourceSpec, name: plainName },
  ResourceServer: { spec: resourceServerSpec, name: plainName },
  AuthorizationDetailsType: { spec: authorizationDetailsTypeSpec, name: detailsTypeName },
  ApiOperations: { spec: apiOperationsSpec, name: plainName },
  SoftwareStatementIssuer: { spec: softwareStatementIssuerSpec, name: plainName },
  SpiffeTrustDomain: { spec: spiffeTrustDomainSpec, name: plainName },
  Client: { spec: clientSpec, name: clientName },
  RegisteredClient: { spec: registeredClientSpec, name: clientName },
  ClientSecret: { spec: clientSecretSpec, name: clientName },
  ScopeGrant: { spec: scopeGrantSpec, name: plainName },
  ClientOnboarding: { spec: clientOnboardingSpec, name: plainName },
  TrustedIssuer: { spec: trustedIssuerSpec, name: plainName },
  IdentityProvider: { spec: identityProviderSpec, name: plainName },
  PolicySet: { spec: policySetSpec, name: plainName },
  DecisionPoint: { spec: decisionPointSpec, name: plainName },
  User: { spec: userSpec, name: plainName },
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof kinds

export const kindNames = Object.keys(kinds) as readonly KindName[]

export function isKindName(text: string): text is KindName {
  return Object.hasOwn(kinds, text)
}
