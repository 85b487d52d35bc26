import { accept, headerAlgs, type Outcome, type SecurityProfile, secondsAfter } from '@holdfast/protocol'
import {
  judgeProof,
  type ProofInput,
  proofForgottenAt,
  readProof,
  replayPartsOf,
  type VerifiedProof,
  verifyProof,
} from '@holdfast/protocol/sender/dpop.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import { hashOfJti } from '../handle.ts'
import { isCurrentNonce, noncesAt } from './nonce.ts'

/** How long a remembered proof outlives its acceptance, for nodes whose clocks differ. */
const replayMarginSeconds = 60

export interface ServerProof {
  /** Thumbprint of the key that signed. */
  readonly jkt: string
  readonly hasNonce: boolean
  /** Goes into the commit of the room, or into that of its refusal. */
  readonly writes: readonly Write[]
}

export interface ServerProofOptions {
  /** At userinfo: the proof must name it, and be by the key it is bound to. */
  readonly accessToken?: string
  readonly expectedJkt?: string
  /** No proof at all is refused too. */
  readonly required?: boolean
}

/** Judge the DPoP proof of a request to this server, before anything is spent (DPOP-38). Undefined: there is none. */
export function judgeServerProof(
  exchange: Exchange,
  ports: Ports,
  profile: SecurityProfile,
  options: ServerProofOptions = {},
): Outcome<ServerProof | undefined> {
  const input = proofInputOf(exchange, ports, profile, options)
  if (input === undefined) return accept(undefined)
  const proof = judgeProof(input)
  return proof.ok ? accept(serverProofOf(proof.value, exchange, profile)) : proof
}

/** What the proof of the request has to fit; undefined: there is none, and none is demanded. */
function proofInputOf(
  exchange: Exchange,
  ports: Ports,
  profile: SecurityProfile,
  options: ServerProofOptions = {},
): ProofInput | undefined {
  const proofs = exchange.headers('dpop')
  if (proofs.length === 0 && options.required !== true) return undefined
  const issuer = exchange.issuer.url
  const now = ports.clock.now()
  const { proofAgeSeconds: ageSeconds, futureSeconds, signingAlgs, dpopNonce } = profile
  return {
    proofs,
    method: exchange.method,
    externalUrl: exchange.externalUrl,
    algs: headerAlgs(signingAlgs),
    now,
    ageSeconds,
    futureSeconds,
    nonce: {
      required: dpopNonce === 'required',
      isCurrent: nonce => isCurrentNonce(ports.keys, issuer, now, nonce),
    },
    accessToken: options.accessToken,
    expectedJkt: options.expectedJkt,
  }
}

/** A verified proof, and the write by which it serves once. */
function serverProofOf(
  proof: VerifiedProof,
  { issuer: { url: issuer } }: Exchange,
  { proofAgeSeconds: ageSeconds }: SecurityProfile,
): ServerProof {
  const { jkt, issuedAt, nonce } = proof
  const remember: Write = {
    kind: 'remember-jti',
    what: 'dpop-proof',
    key: hashOfJti('dpop-proof', issuer, issuedAt, replayPartsOf(proof)),
    issuedAt,
    expiresAt: secondsAfter(proofForgottenAt(proof, ageSeconds), replayMarginSeconds),
  }
  return { jkt, hasNonce: nonce !== undefined, writes: [remember] }
}

/**
 * The proof of a request whose client is authenticated; once when it proved the client as well. What was read of proofs
 * that came together is verified in a step of its own, one after the other (`http/gathering.ts`).
 */
export async function judgeClientProof(
  exchange: Exchange,
  ports: Ports,
  { profile, proof }: { readonly profile: SecurityProfile; readonly proof: ServerProof | undefined },
): Promise<Outcome<ServerProof | undefined>> {
  if (proof !== undefined) return accept({ ...proof, writes: [] })
  const input = proofInputOf(exchange, ports, profile)
  if (input === undefined) return accept(undefined)
  const read = readProof(input)
  if (!read.ok) return read
  await undefined
  const verified = verifyProof(read.value)
  return verified.ok ? accept(serverProofOf(verified.value, exchange, profile)) : verified
}

/** The nonce to use next (RFC 9449 section 8.2). */
export function dpopNonceHeader(exchange: Exchange, ports: Ports): readonly [name: string, value: string] {
  return ['dpop-nonce', noncesAt(ports.keys, exchange.issuer.url, ports.clock.now()).current]
}
