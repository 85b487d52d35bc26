import { timingSafeEqual } from 'node:crypto'
import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import { secretRules } from '@holdfast/protocol/specs/rfc6749-client-secret/rules.ts'
import { macOfSecret } from '../../snapshot/new-secret.ts'
import type { ClientSecret } from '../../snapshot/snapshot.ts'
import type { Attempt, Proven } from './method.ts'

/** Two, so that one can be replaced while the other still works (SEC-07). */
export const clientSecretsMax = 2

/** Nobody's. */
const decoy: Pick<ClientSecret, 'salt' | 'mac'> = { salt: Buffer.alloc(16), mac: Buffer.alloc(32) }

/** Judges a presented secret. */
export function proveSecret(attempt: Attempt): Outcome<Proven> {
  const { credential } = attempt
  // The engine lets no request without a secret come here.
  if (credential.kind !== 'basic' && credential.kind !== 'post') throw new TypeError('no secret')
  const found = findSecret(attempt, stored => isSecret(credential.secret, stored ?? decoy))
  if (!found.ok) return found
  const { id } = found.value
  return accept({ facts: { key_id: id }, credentialId: id, writes: [] })
}

/**
 * Which secret of the client was used, if it still may be; as many comparisons for every client, whatever it has.
 * @param matches asked of each secret, and of nobody's as long as there are fewer than there may be
 */
export function findSecret(
  { client, ports }: Attempt,
  matches: (secret: ClientSecret | undefined) => boolean,
): Outcome<ClientSecret> {
  const compared = client.secrets.slice(0, clientSecretsMax).map(secret => ({
    secret,
    expiresAt: secret.expiresAt,
    isPresented: matches(secret),
  }))
  for (let index = compared.length; index < clientSecretsMax; index++) matches(undefined)
  const presented = compared.find(({ isPresented }) => isPresented)?.secret
  const refusal = firstRefusal(secretRules, { now: ports.clock.now(), secrets: compared })
  if (refusal !== undefined)
    return presented === undefined ? refusal : { ...refusal, facts: { key_id: presented.id } }
  if (presented === undefined) throw new TypeError('rule table')
  return accept(presented)
}

/** Takes as long as `proveSecret`: for clients that do not exist or have no secret. */
export function matchNothing(secret: string): void {
  for (let index = 0; index < clientSecretsMax; index++) isSecret(secret, decoy)
}

function isSecret(secret: string, { salt, mac }: Pick<ClientSecret, 'salt' | 'mac'>): boolean {
  return timingSafeEqual(macOfSecret(salt, secret), mac)
}
