import { createSecretKey, type KeyObject } from 'node:crypto'
import { macAlgs, verifyMac } from '@holdfast/protocol/jose/mac.ts'
import { secretPlace, secretPurpose } from '../../../snapshot/new-secret.ts'
import type { ClientSecret } from '../../../snapshot/snapshot.ts'
import { assertionOf, judgeProven, unfitAlg } from '../assertion.ts'
import { decoySecret } from '../decoy.ts'
import type { Attempt, AuthenticationMethod } from '../method.ts'
import { findSecret } from '../secret.ts'

/** OpenID Connect Core section 9: an assertion with a MAC, whose key is the secret. */
export const clientSecretJwt: AuthenticationMethod = {
  method: 'client_secret_jwt',
  prove: attempt => {
    const assertion = assertionOf(attempt)
    const alg = macAlgs.find(allowed => allowed === assertion.header.alg)
    if (alg === undefined) return unfitAlg(assertion)
    const found = findSecret(attempt, secret => {
      const key = secret && macKeyOf(secret, attempt)
      // The MAC is made whatever the client has; the decoy's key is no secret, so it never counts.
      return verifyMac(assertion, key ?? decoySecret, alg) && key !== undefined
    })
    return found.ok ? judgeProven(attempt, assertion, macAlgs, found.value.id, found.value.id) : found
  },
}

/** Opened once per compiled client: a new revision has new objects. */
const opened = new WeakMap<ClientSecret, KeyObject>()

/** Undefined: it was made for a method that only compares, and nobody can read it any more. */
function macKeyOf(secret: ClientSecret, { client, exchange, ports }: Attempt): KeyObject | undefined {
  const known = opened.get(secret)
  if (known !== undefined || secret.sealed === undefined) return known
  const place = secretPlace(client.clientId, secret.id)
  const key = createSecretKey(ports.keys.open(exchange.issuer.url, secretPurpose, place, secret.sealed))
  opened.set(secret, key)
  return key
}
