export { profiles, type SecurityProfile, tiers } from '@holdfast/protocol'
export type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
export type { AccessEvent, AuditSink, DenialCategory } from './audit.ts'
export { type Challenge, corsAllowedHeaders, corsExposedHeaders } from './challenge.ts'
export type { IntrospectionAuthentication } from './client-authentication.ts'
export type { ClientKeySource } from './client-keys.ts'
export type { Decide, Decision, Question } from './decide.ts'
export {
  type Asked,
  type DecisionPoint,
  DecisionUnavailable,
  decideBy,
  tokenContext,
} from './decision-point.ts'
export type { GuardOptions } from './guarded-decision.ts'
export type {
  HttpSignatureOptions,
  SignedAnswerOptions,
  SignedRequestOptions,
} from './http-signatures.ts'
export type { IntrospectionOptions } from './introspection.ts'
export { type IssuerDecisionOptions, issuerDecisionPoint } from './issuer-decision.ts'
export {
  type PreparedAnswer,
  type PublishedMetadata,
  publishAnswerKeys,
  publishMetadata,
} from './metadata.ts'
export { type FeedSubscription, openRevocationFeed } from './open-revocation-feed.ts'
export type { GatewayTrust, Requirements, ResourceServerOptions, TokenOptions } from './options.ts'
export type { Clock, Entropy, Fetch, FetchedResponse, FetchInit } from './ports.ts'
export {
  openPostgresReplayMemory,
  type PostgresPool,
  type PostgresReplayOptions,
} from './postgres-replay-memory.ts'
export type { PropagationFigures } from './propagation.ts'
export { type RemoteOptions, remoteDecisionPoint, remoteOpa } from './remote-decision.ts'
export { inMemoryReplayMemory, type Remembered, type ReplayMemory } from './replay.ts'
export { type ApiRequest, type ReadBody, readPeerCertificate } from './request.ts'
export { requireAuthorizationDetails } from './require-authorization-details.ts'
export type { FeedStatus, RevocationFeed, RevocationFeedOptions } from './revocation-feed.ts'
export type { ProvenBinding, TokenFacts, VerifiedToken } from './token.ts'
export { createResourceServer, type Guard, type ResourceServer, type Verified } from './verify.ts'
