import type { ClientAuthenticationMethod, Outcome } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuditRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import type { ServerProof } from '../dpop/proof-at-server.ts'
import type { Credential } from './presented.ts'

/** What a request offers to prove that it comes from `client`. */
export interface Attempt {
  readonly exchange: Exchange
  readonly ports: Ports
  readonly client: Client
  /** Parsed, unverified, and of the kind the method is presented by. */
  readonly credential: Credential
}

export interface Proven {
  /** Key id or thumbprint reference, for the audit record; never the credential. */
  readonly facts: AuditRecord['facts']
  /**
   * Thumbprint of the client's own key or certificate, or id of its secret; absent: it proved itself by the word of
   * another, or by nothing.
   */
  readonly credentialId?: string
  /** One-time parts of the credential, to be remembered in the room's commit. */
  readonly writes: readonly Write[]
  /** Thumbprint of the instance key, when the method attests one. */
  readonly instanceJkt?: string
  /** The DPoP proof, when the method judged it. */
  readonly proof?: ServerProof
}

/** A slot: how one method proves who the client is. */
export interface AuthenticationMethod {
  readonly method: ClientAuthenticationMethod
  readonly prove: (attempt: Attempt) => Outcome<Proven> | Promise<Outcome<Proven>>
}
