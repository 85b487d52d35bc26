import type { SecurityProfile } from '../profile.ts'
import { oidcBaseline } from './oidc-baseline.ts'

/** Risk tier 0, what anybody may know: nothing is tightened but the ten minutes a token lives. */
export const tier0Public: SecurityProfile = {
  ...oidcBaseline,
  name: 'tier-0-public',
  redirectUriParameter: 'allowed',
  assertionAudience: 'issuer-or-endpoint',
  refreshTokenRotation: 'migration',
  rotationGraceSeconds: 300,
  accessTokenLifetimeSeconds: 600,
}
