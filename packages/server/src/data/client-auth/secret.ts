import { createHmac, timingSafeEqual } from 'node:crypto'
import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import { secretRules } from '@holdfast/protocol/specs/rfc6749-client-secret/rules.ts'
import type { ClientSecret } from '../../snapshot/snapshot.ts'
import type { Attempt, Proven } from './method.ts'

/** Two, so that one can be replaced while the other still works (SEC-07). */
export const clientSecretsMax = 2

/** Nobody's. */
const decoy: Pick<ClientSecret, 'salt' | 'mac'> = { salt: Buffer.alloc(16), mac: Buffer.alloc(32) }

/** What is stored of a secret. */
export function macOfSecret(salt: Buffer, secret: string): Buffer {
  return createHmac('sha256', salt).update(secret).digest()
}

/** Judges a presented secret; as many MACs for every client, whatever it has. */
export function proveSecret({ client, credential, ports }: Attempt): Outcome<Proven> {
  // The engine lets no request without a secret come here.
  if (credential.kind !== 'basic' && credential.kind !== 'post') throw new TypeError('no secret')
  const { secret } = credential
  const compared = client.secrets.slice(0, clientSecretsMax).map(({ id, salt, mac, expiresAt }) => ({
    id,
    expiresAt,
    isPresented: timingSafeEqual(macOfSecret(salt, secret), mac),
  }))
  for (let index = compared.length; index < clientSecretsMax; index++) matchOne(secret)
  const presented = compared.find(({ isPresented }) => isPresented)
  const refusal = firstRefusal(secretRules, { now: ports.clock.now(), secrets: compared })
  if (refusal !== undefined)
    return presented === undefined ? refusal : { ...refusal, facts: { key_id: presented.id } }
  if (presented === undefined) throw new TypeError('rule table')
  return accept({ facts: { key_id: presented.id }, writes: [] })
}

/** Takes as long as `proveSecret`: for clients that do not exist or have no secret. */
export function matchNothing(secret: string): void {
  for (let index = 0; index < clientSecretsMax; index++) matchOne(secret)
}

function matchOne(secret: string): void {
  timingSafeEqual(macOfSecret(decoy.salt, secret), decoy.mac)
}
