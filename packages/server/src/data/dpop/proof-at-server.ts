import { accept, headerAlgs, type Outcome, type SecurityProfile, secondsAfter } from '@holdfast/protocol'
import { judgeProof, proofForgottenAt, replayPartsOf } from '@holdfast/protocol/sender/dpop.ts'
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
  const proofs = exchange.headers('dpop')
  if (proofs.length === 0 && options.required !== true) return accept(undefined)
  const issuer = exchange.issuer.url
  const now = ports.clock.now()
  const { proofAgeSeconds: ageSeconds, futureSeconds, signingAlgs, dpopNonce } = profile
  const proof = judgeProof({
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
  })
  if (!proof.ok) return proof
  const { jkt, issuedAt, nonce } = proof.value
  const remember: Write = {
    kind: 'remember-jti',
    what: 'dpop-proof',
    key: hashOfJti('dpop-proof', issuer, issuedAt, replayPartsOf(proof.value)),
    issuedAt,
    expiresAt: secondsAfter(proofForgottenAt(proof.value, ageSeconds), replayMarginSeconds),
  }
  return accept({ jkt, hasNonce: nonce !== undefined, writes: [remember] })
}

/** The proof of a request whose client is authenticated; once when it proved the client as well. */
export function judgeClientProof(
  exchange: Exchange,
  ports: Ports,
  { profile, proof }: { readonly profile: SecurityProfile; readonly proof: ServerProof | undefined },
): Outcome<ServerProof | undefined> {
  return proof === undefined ? judgeServerProof(exchange, ports, profile) : accept({ ...proof, writes: [] })
}

/** The nonce to use next (RFC 9449 section 8.2). */
export function dpopNonceHeader(exchange: Exchange, ports: Ports): readonly [name: string, value: string] {
  return ['dpop-nonce', noncesAt(ports.keys, exchange.issuer.url, ports.clock.now()).current]
}
