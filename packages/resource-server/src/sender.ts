import { hash } from 'node:crypto'
import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type Outcome,
  type Refusal,
  refuse,
} from '@holdfast/protocol'
import { judgeBinding } from '@holdfast/protocol/sender/binding.ts'
import {
  judgeProof,
  proofForgottenAt,
  replayPartsOf,
  type VerifiedProof,
} from '@holdfast/protocol/sender/dpop.ts'
import { judgeCertificate } from '@holdfast/protocol/sender/mtls.ts'
import { type Presented, schemeRules, splitValues } from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import type { Settings } from './options.ts'
import type { Remembered } from './replay.ts'
import type { ApiRequest } from './request.ts'
import type { ProvenBinding, TokenFacts } from './token.ts'

export interface SenderInput {
  readonly presented: Presented
  /** Base64url SHA-256 of the presented token. */
  readonly tokenHash: string
  readonly request: ApiRequest
  readonly facts: TokenFacts
  /** Path of the request, without query. */
  readonly path: string
  readonly now: EpochSeconds
}

export interface ProvenSender {
  readonly binding: ProvenBinding
  /** Whether the next request should carry a newer nonce. */
  readonly isNonceDue: boolean
}

/**
 * Whether the presenter holds what the token is bound to; the proof is remembered last of all. A promise only when the
 * replay memory gives one.
 */
export function judgeSender(
  input: SenderInput,
  settings: Settings,
): Outcome<ProvenSender> | Promise<Outcome<ProvenSender>> {
  const { presented, facts, request, now } = input
  const { cnf } = facts
  const misused = firstRefusal(schemeRules, {
    scheme: presented.scheme,
    isKeyBound: jktOf(cnf) !== undefined,
  })
  if (misused !== undefined) return misused

  const proof = presented.scheme === 'DPoP' ? judgeProofOf(input, settings) : undefined
  if (proof !== undefined && !proof.ok) return proof

  const certificate = judgePeer(request, cnf, settings, now)
  if (!certificate.ok) return certificate

  const binding = judgeBinding({
    cnf,
    evidence: { jkt: proof?.value.jkt, x5tS256: certificate.value },
    required: settings.senderConstraint === 'required',
  })
  if (!binding.ok) return binding
  if (proof === undefined) return accept({ binding: binding.value, isNonceDue: false })

  const { nonce } = proof.value
  const proven = (used: Outcome<undefined>): Outcome<ProvenSender> =>
    used.ok
      ? accept({
          binding: binding.value,
          isNonceDue:
            settings.isNonceRequired && !(nonce !== undefined && settings.nonces.isNewest(nonce, now)),
        })
      : used
  const used = judgeFirstUse(proof.value, settings, now)
  return used instanceof Promise ? used.then(proven) : proven(used)
}

function judgeProofOf(
  { presented, tokenHash, request, facts, path, now }: SenderInput,
  settings: Settings,
): Outcome<VerifiedProof> {
  const { proofAlgs, externalUrl, isNonceRequired, nonces, proofAgeSeconds, futureSeconds } = settings
  return judgeProof({
    proofs: splitValues(request.headers('dpop')),
    method: request.method,
    externalUrl: externalUrl + path,
    algs: proofAlgs,
    now,
    ageSeconds: proofAgeSeconds,
    futureSeconds,
    nonce: {
      required: isNonceRequired,
      isCurrent: nonce => !isNonceRequired || nonces.isCurrent(nonce, now),
    },
    accessToken: presented.token,
    accessTokenHash: tokenHash,
    expectedJkt: jktOf(facts.cnf),
  })
}

/** Thumbprint of the connection's certificate, when this API takes certificates and the token needs one. */
function judgePeer(
  { peerCertificate }: ApiRequest,
  cnf: unknown,
  { methods }: Settings,
  now: EpochSeconds,
): Outcome<string | undefined> {
  const isBound = typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'x5t#S256')
  if (!isBound || peerCertificate === undefined || !methods.includes('mtls')) return accept(undefined)
  return judgeCertificate(peerCertificate, now)
}

/** Single use (I4, I5, I6): after all cryptography, over verified values, and no answer is a no. */
function judgeFirstUse(
  proof: VerifiedProof,
  settings: Settings,
  now: EpochSeconds,
): Outcome<undefined> | Promise<Outcome<undefined>> {
  const { replayMemory, nonces, proofAgeSeconds, futureSeconds } = settings
  const isOlderThanMemory = proof.issuedAt <= replayMemory.completeSince + futureSeconds
  if (isOlderThanMemory && !(proof.nonce !== undefined && nonces.isCurrent(proof.nonce, now)))
    return refuse(
      'replay.memory-young',
      ['RFC9449-11.1', 'RFC9449-9'],
      'use_dpop_nonce',
      'the proof may be older than the replay memory and has no nonce of ours',
    )
  try {
    const key = replayKey(settings.audience, replayPartsOf(proof))
    const forgottenAt = proofForgottenAt(proof, proofAgeSeconds)
    const heard = replayMemory.remember(key, forgottenAt, now)
    return typeof heard === 'string'
      ? judgeHeard(heard, settings)
      : Promise.resolve(heard).then(
          said => judgeHeard(said, settings),
          (cause: unknown) => memoryFailed(cause, settings),
        )
  } catch (cause) {
    return memoryFailed(cause, settings)
  }
}

function judgeHeard(heard: Remembered, { onAlarm }: Settings): Outcome<undefined> {
  if (heard === 'first') return accept(undefined)
  if (heard === 'seen')
    return refuse('replay.proof', ['RFC9449-11.1'], 'invalid_dpop_proof', 'the proof was used before')
  onAlarm('replay-memory.full', undefined)
  return refuse(
    'replay.full',
    ['RFC9449-11.1'],
    'temporarily_unavailable',
    'the replay memory is full, or the clock went back',
  )
}

function memoryFailed(cause: unknown, { onAlarm }: Settings): Refusal {
  onAlarm('replay-memory.failed', cause)
  return refuse('replay.unavailable', ['RFC9449-11.1'], 'temporarily_unavailable', 'the replay memory failed')
}

/** Digest over length-prefixed parts, so that no two lists share an encoding. */
function replayKey(audience: string, [jkt, htu, jti]: readonly [string, string, string]): string {
  return hash(
    'sha256',
    `${audience.length}:${audience}${jkt.length}:${jkt}${htu.length}:${htu}${jti}`,
    'base64url',
  )
}

function jktOf(cnf: unknown): string | undefined {
  if (typeof cnf !== 'object' || cnf === null || !Object.hasOwn(cnf, 'jkt')) return undefined
  const { jkt } = cnf as { readonly jkt?: unknown }
  // Anything but text is judged, and refused, by the binding module; it counts as bound until then.
  return typeof jkt === 'string' ? jkt : ''
}
