/** `typ` of a signature that says nothing but which key made it, for verifiers to check. */
export const keyCheckTyp = 'key-check+jwt'
/** How long one may be checked. */
export const keyCheckSeconds = 60
/** How often a verifier reports when nothing changes, and after how long a silent one counts as gone. */
export const keyReportSeconds = 60
export const verifierLiveSeconds = 180
/** Most keys a verifier holds of one issuer. */
export const heldKeysMax = 20
