import { documentOf, jwk } from './documents.ts'

/** For tests: an API whose scopes only grants give, its catalogue, and a client that registered for all of it. */
const scopes = ['accounts', 'payments']

export const governedApi = documentOf(
  'ResourceServer',
  'bank',
  `{audience: https://api.example, governed: true, scopes: [${scopes}]}`,
)
export const words: readonly string[] = scopes.map(name =>
  documentOf('Scope', name, `{title: Use ${name}, description: All of it.}`),
)
export const mandate = documentOf(
  'AuthorizationDetailsType',
  'mandate',
  '{resourceServer: bank, title: Mandate, description: Collect., fields: [{name: to, label: To, kind: text}]}',
)

/** @param paymentTier of the operation that `payments` lets into */
export function catalogue(paymentTier = 4): string {
  const operations = [
    ['list', 'GET', 2, [{ scopes: ['accounts'] }]],
    ['pay', 'POST', paymentTier, [{ scopes: ['payments', 'accounts'] }]],
    ['collect', 'PUT', 3, [{ authorizationDetailsTypes: ['mandate'] }]],
  ].map(([id, method, tier, coveredBy]) => ({
    ...{ id, method, tier, coveredBy, path: `/${String(id)}`, description: String(id) },
  }))
  return documentOf('ApiOperations', 'bank', JSON.stringify({ owner: 'accounts team', operations }))
}

export const batch = documentOf(
  'Client',
  'batch',
  `{resources: [bank], ownAuthorizationDetails: [{type: mandate, to: us}], metadata: {grant_types: [client_credentials],
    scope: openid accounts payments, authorization_details_types: [mandate], dpop_bound_access_tokens: true, jwks: {keys: [${jwk}]}}}`,
)

export const governedDocuments: readonly string[] = [governedApi, ...words, mandate, catalogue(), batch]
