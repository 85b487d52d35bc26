export type {
  AuthenticationDemand,
  AuthenticationLevel,
  AuthenticationMethod,
  MethodTimes,
  StatedAuthentication,
} from './authentication.ts'
export {
  amrOf,
  defaultAuthenticationLevels,
  missingMethods,
  reachesLevel,
  stateAuthentication,
} from './authentication.ts'
export type {
  Brand,
  CertificateThumbprint,
  EpochSeconds,
  HandleHash,
  JwkThumbprint,
} from './brand.ts'
export { epochSeconds, secondsAfter } from './brand.ts'
export type { Clause, ClauseManifest, Standing } from './clause.ts'
export { notApplicable, otherParty, ruled, shown } from './clause.ts'
export type {
  ClientAuthenticationMethod,
  ExplainedField,
  JwsAlg,
  MlDsaAlg,
  ResponseType,
  ResponseTypeFields,
  SecurityProfile,
  SenderConstraintMethod,
} from './profile.ts'
export {
  contradictions,
  explain,
  headerAlgs,
  isAtLeastAsStrict,
  meet,
  meetUnchecked,
  mlDsaAlgs,
  profileFields,
  profileLattice,
  responseTypesOf,
  unlimitedAgeSeconds,
} from './profile.ts'
export { profiles, tiers } from './profiles/index.ts'
export type { Accepted, ErrorCode, Outcome, Refusal } from './refusal.ts'
export { accept, refuse } from './refusal.ts'
export type { Fail, Level, Pass, Refused, Rule, Verdict } from './rule.ts'
export { fail, firstRefusal, pass } from './rule.ts'
