import { accept, type EpochSeconds, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { type BindingEvidence, judgeBinding } from '@holdfast/protocol/sender/binding.ts'
import {
  evidenceBytesMax,
  evidenceFutureSeconds,
  evidenceHeader,
  evidenceRules,
  forwardedRules,
  phantomBytesMax,
  phantomHeader,
} from '@holdfast/protocol/specs/holdfast-evidence/rules.ts'
import type { AccessTokens } from './access-token.ts'
import type { GatewayTrust, ResourceServerOptions, Settings } from './options.ts'
import type { ReplayMemory } from './replay.ts'
import type { ApiRequest } from './request.ts'
import type { ProvenSender } from './sender.ts'
import type { TokenFacts } from './token.ts'

const gatewayKeysMax = 20

/** The gateway of an API, its keys imported. */
export interface TrustedGateway extends Omit<GatewayTrust, 'keys' | 'replayMemory'> {
  readonly keys: readonly PublicKey[]
  readonly replayMemory: ReplayMemory
}

/** What a gateway proved about one request, after its signature was found good. */
export interface VerifiedEvidence {
  readonly requestId: string
  readonly jti: string
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
  readonly proven: BindingEvidence
  readonly phantom: string
}

/** @throws TypeError that names the option */
export function trustedGatewayOf(
  tokens: ResourceServerOptions['tokens'],
  replayMemory: ReplayMemory,
): TrustedGateway | undefined {
  const trust = tokens === 'jwt' ? undefined : tokens.gateway
  if (trust === undefined) return undefined
  if (trust.issuer === '' || trust.audience === '')
    throw new TypeError('tokens.gateway: `issuer` or `audience` is empty')
  if (trust.keys.length === 0 || trust.keys.length > gatewayKeysMax)
    throw new TypeError(`tokens.gateway.keys: 1 to ${gatewayKeysMax} keys are needed`)
  const keys = trust.keys.map((jwk, index) => {
    const key = importPublicJwk(jwk)
    if (!key.ok) throw new TypeError(`tokens.gateway.keys[${index}]: ${key.reason}`)
    return key.value
  })
  return { ...trust, keys, replayMemory: trust.replayMemory ?? replayMemory }
}

/** Whether the request is presented by evidence. Without a gateway in the options the header means nothing. */
export function isForwarded({ headers }: ApiRequest, { gateway }: Settings): boolean {
  return gateway !== undefined && headers(evidenceHeader).length > 0
}

/** The evidence of a request: from the gateway, of this moment, for this very request. */
export function judgeEvidence(
  request: ApiRequest,
  { gateway, algs, isTerminated }: Settings,
  now: EpochSeconds,
): Outcome<VerifiedEvidence> {
  if (gateway === undefined) throw new TypeError('evidence without a gateway')
  const evidences = request.headers(evidenceHeader)
  const phantoms = request.headers(phantomHeader)
  const misplaced = firstRefusal(forwardedRules, {
    isSecure: request.isSecure || isTerminated,
    evidences,
    phantoms,
    credentials: [...request.headers('authorization'), ...request.headers('dpop')],
    peer: request.peerCertificate?.x5tS256,
    peers: gateway.peers,
  })
  if (misplaced !== undefined) return misplaced
  const phantom = phantoms[0] ?? ''
  const jws = parseCompactJws(evidences[0] ?? '', evidenceBytesMax, 'invalid_token')
  if (!jws.ok) return jws
  const { header, claims } = jws.value
  const unfit = firstRefusal(evidenceRules, {
    ...{ header, claims, algs, now },
    issuer: gateway.issuer,
    audience: gateway.audience,
    method: request.method,
    target: request.target,
    phantomHash: sha256(phantom),
  })
  if (unfit !== undefined) return unfit
  if (!gateway.keys.some(key => verifyJws(jws.value, key, algs)))
    return refuse(
      'evidence.signature',
      ['HFE-6'],
      'invalid_token',
      'no key of the gateway made the signature',
    )
  const { jti, rid, iat, exp, cnf } = claims
  return accept({
    requestId: rid as string,
    jti: jti as string,
    issuedAt: iat as EpochSeconds,
    expiresAt: exp as EpochSeconds,
    proven: provenOf(cnf as object),
    phantom,
  })
}

/** @param cnf an object; own members only, and only text proves anything */
function provenOf(cnf: object): BindingEvidence {
  const own = (name: string): string | undefined => {
    const value: unknown = Object.getOwnPropertyDescriptor(cnf, name)?.value
    return typeof value === 'string' ? value : undefined
  }
  return { jkt: own('jkt'), x5tS256: own('x5t#S256') }
}

/** What the issuer says about the client's token, in its own words. */
export async function judgePhantom(
  { phantom }: VerifiedEvidence,
  tokens: AccessTokens,
  now: EpochSeconds,
): Promise<Outcome<TokenFacts>> {
  if (phantom.length > phantomBytesMax)
    return refuse('evidence.phantom-size', ['HFE-5'], 'invalid_token', 'the phantom token is too long')
  return await tokens.judgePhantom(phantom, now)
}

/** Whether the token is bound to what the gateway proved (I9); the evidence is spent last of all. */
export async function judgeHandedOn(
  { proven, jti, issuedAt, expiresAt }: VerifiedEvidence,
  { cnf }: TokenFacts,
  { gateway, senderConstraint, onAlarm }: Settings,
  now: EpochSeconds,
): Promise<Outcome<ProvenSender>> {
  const binding = judgeBinding({ cnf, evidence: proven, required: senderConstraint === 'required' })
  if (!binding.ok) return binding
  if (gateway === undefined) throw new TypeError('evidence without a gateway')
  const { replayMemory, issuer, audience } = gateway
  if (issuedAt <= replayMemory.completeSince + evidenceFutureSeconds)
    return refuse(
      'evidence.memory-young',
      ['HFE-7'],
      'temporarily_unavailable',
      'the evidence may be older than the replay memory',
    )
  try {
    const key = sha256(`evidence ${issuer.length}:${issuer}${audience.length}:${audience}${jti}`)
    const remembered = await replayMemory.remember(key, expiresAt, now)
    if (remembered === 'first') return accept({ binding: binding.value, isNonceDue: false })
    if (remembered === 'seen')
      return refuse('evidence.replay', ['HFE-7'], 'invalid_token', 'the evidence was used before')
    onAlarm('replay-memory.full', undefined)
  } catch (cause) {
    onAlarm('replay-memory.failed', cause)
  }
  return refuse(
    'evidence.memory',
    ['HFE-7'],
    'temporarily_unavailable',
    'the replay memory is full, failed, or its clock went back',
  )
}
