import { mlDsaAlgs, type SecurityProfile } from '../profile.ts'
import { oauth21 } from './oauth21.ts'
import { oidcBaseline } from './oidc-baseline.ts'

/**
 * OAuth 2.1 for issuers, clients and APIs that move to signatures which a quantum computer does not forge: what
 * `oauth21` allows, and ML-DSA. FAPI names its algorithms, so nothing that falls under a FAPI profile can use it.
 */
export const oauth21PostQuantum: SecurityProfile = {
  ...oauth21,
  name: 'oauth21-post-quantum',
  signingAlgs: [...oauth21.signingAlgs, ...mlDsaAlgs],
}

/** The floor of an issuer that has such clients beside plain OpenID Connect ones. */
export const oidcBaselinePostQuantum: SecurityProfile = {
  ...oidcBaseline,
  name: 'oidc-baseline-post-quantum',
  signingAlgs: [...oidcBaseline.signingAlgs, ...mlDsaAlgs],
}
