import { generateKeyPairSync } from 'node:crypto'
import type { OnboardingForm } from '../resources/client-onboarding.ts'
import { documentOf } from './documents.ts'

/** For tests: an issuer that serves only onboarded clients, one client that registered for much, and its record. */
export function newJwk(kid: string, use = 'sig'): Readonly<Record<string, unknown>> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...publicKey.export({ format: 'jwk' }), kid, use, alg: use === 'sig' ? 'ES256' : 'ECDH-ES' }
}

export const firstJwk = newJwk('first')

export const shopMetadata = {
  redirect_uris: ['https://shop.example/cb'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  scope: 'openid accounts payments',
  dpop_bound_access_tokens: true,
  contacts: ['dev@shop.example'],
  jwks: { keys: [firstJwk] },
}

/** @param metadata instead of some of the usual one */
export function shopDocument(metadata: object = {}, spec: object = {}): string {
  return documentOf(
    'Client',
    'shop',
    JSON.stringify({ resources: ['bank'], metadata: { ...shopMetadata, ...metadata }, ...spec }),
  )
}

/** @param tier of the scope `payments` */
export function onboardingDocuments(
  onboarding: 'off' | 'required' = 'required',
  tier = 'tier-3-sensitive-write',
): readonly string[] {
  return [
    documentOf('Issuer', 'main', `{onboarding: '${onboarding}'}`),
    documentOf('Scope', 'accounts', '{title: Accounts, description: See accounts.}'),
    documentOf('Scope', 'payments', `{title: Payments, description: Pay., profile: ${tier}}`),
    documentOf('ResourceServer', 'bank', '{audience: https://api.example, scopes: [accounts, payments]}'),
    documentOf('ResourceServer', 'ledger', '{audience: https://ledger.example, scopes: [accounts]}'),
    shopDocument(),
  ]
}

export const shopForm: OnboardingForm = {
  client: 'shop',
  legalEntity: { name: 'Shop GmbH', registrationNumber: 'HRB 12345', jurisdiction: 'DE' },
  purpose: 'lets customers pay from their accounts',
  evidence: [{ title: 'Extract of the register', reference: 'file 2031/7' }],
  certificates: [],
  riskTier: 3,
  securityOwner: { name: 'Security of the shop', email: 'security@shop.example' },
  incidentContact: { name: 'Desk of the shop', email: 'incident@shop.example', phone: '+49 30 1234' },
  rotation: { keyDays: 365, overlapDays: 7 },
  reviewDays: 180,
}
