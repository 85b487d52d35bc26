export {
  type Case,
  type CaseFile,
  type CaseResult,
  type Expected,
  parseCases,
  runCases,
  untestedPolicies,
} from './cases.ts'
export type { CedarResponse, PolicyError } from './cedar/evaluate.ts'
export { decide, type Entities, evaluate, prepareEntities } from './decide.ts'
export type { Decision, DecisionError } from './decision.ts'
export { type ExplainedPolicy, type Explanation, explain } from './explain.ts'
export {
  approvalSecondsDefault,
  approvalSecondsMax,
  engineNamePattern,
  isClaimName,
  noObligations,
  type Obligations,
} from './obligations.ts'
export type { AccessAnswer, AccessContext, TokenObligation } from './pdp/answer.ts'
export { pdpHandler } from './pdp/fetch.ts'
export {
  type AuthzenEndpoint,
  answerAuthzen,
  authzenMetadata,
  authzenMetadataPath,
  authzenPaths,
  type PdpHandlerOptions,
  requestIdOf,
} from './pdp/http.ts'
export { type PdpListenerOptions, pdpListener } from './pdp/node.ts'
export { createPdp, type Deciding, type DecisionRecord, type Pdp, type PdpOptions } from './pdp/pdp.ts'
export { compilePolicySet, type PolicySet, type PolicySource, policiesMax } from './policy-set.ts'
export { type Parsed, type Problem, parseQuestion, type Question } from './question.ts'
export {
  askedEngines,
  compileStoredPolicies,
  compileTokenPolicies,
  decideToken,
  readsContext,
} from './token/compile.ts'
export {
  type Facts,
  factsOfDecision,
  factsOfQuestion,
  lastingFactsOf,
  passingFactsOf,
  policyEvents,
  questionOfRecord,
  type RecordedAbout,
  textsOfObligations,
} from './token/facts.ts'
export { ignoresPassing } from './token/passing.ts'
export {
  type AccessQuestion,
  type AskedAccess,
  type AskingClient,
  type Attributes,
  type AttributeValue,
  type AuthorizeQuestion,
  cedarOf,
  isBeforeToken,
  type MintQuestion,
  type RaisedSignal,
  type RegisterQuestion,
  type StatedRisk,
  type StatedUser,
  type TokenMoment,
  type TokenQuestion,
} from './token/question.ts'
export {
  type Disclosed,
  evaluationOf,
  type RemoteVerdict,
  readVerdict,
  remotePlace,
  withVerdicts,
} from './token/remote.ts'
export { tokenSchema } from './token/schema.ts'
export { shippedPolicies, shippedTests } from './token/shipped.ts'
