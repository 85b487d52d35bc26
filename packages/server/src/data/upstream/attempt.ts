import { createHmac } from 'node:crypto'
import { accept, type EpochSeconds, type HandleHash, type Outcome, refuse } from '@holdfast/protocol'
import type { Keys, Ports } from '../../ports.ts'
import type { IdentityProvider } from '../../snapshot/snapshot.ts'
import { hashOfHandle, newHandle } from '../handle.ts'

/** What goes to the other provider for one attempt; none of it is stored, all of it follows from `state`. */
export interface AttemptSecrets {
  readonly nonce: string
  readonly codeVerifier: string
}

export interface NewAttempt extends AttemptSecrets {
  readonly state: string
  readonly stateHash: HandleHash
}

/** Names the interaction, so that the callback finds it; the interaction knows the browser and the other half. */
export function newAttempt(
  ports: Ports,
  issuer: string,
  interactionId: string,
  now: EpochSeconds,
): NewAttempt {
  const { value, hash } = newHandle(ports.entropy, 'upstream_state', issuer, now)
  return { state: `${interactionId}.${value}`, stateHash: hash, ...secretsOf(ports.keys, issuer, value) }
}

export interface PresentedState extends AttemptSecrets {
  readonly interactionId: string
  readonly stateHash: HandleHash
}

/** Two handles, or nothing we ever sent. */
export function presentedState(
  keys: Keys,
  issuer: string,
  state: string | undefined,
): Outcome<PresentedState> {
  const parts = /^([A-Za-z0-9_-]{49})\.([A-Za-z0-9_-]{49})$/.exec(state ?? '')
  const [, interactionId, value] = parts ?? []
  if (interactionId === undefined || value === undefined)
    return refuse('upstream.state-form', ['OIDC-3.1.2.5'], 'invalid_request', 'the state is none of ours')
  const stateHash = hashOfHandle('upstream_state', issuer, value)
  return accept({ interactionId, stateHash, ...secretsOf(keys, issuer, value) })
}

/** The provider sees state and nonce; without our secret neither leads to the verifier. */
function secretsOf(keys: Keys, issuer: string, value: string): AttemptSecrets {
  const secret = keys.secret(issuer, 'upstream')
  const derived = (what: string): string =>
    createHmac('sha256', secret).update(`${what}\n${value}`).digest('base64url')
  return { nonce: derived('nonce'), codeVerifier: derived('code_verifier') }
}

/** One address per provider, so that the answer of one is never taken for another's (RFC 9700 section 4.4). */
export function callbackUrl(issuer: string, { name }: IdentityProvider): string {
  return `${issuer}/upstream/${name}`
}
