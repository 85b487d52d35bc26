import { readFileSync } from 'node:fs'
import * as oauth from 'openid-client'
import type { DemoKit } from '../demo-kit.ts'
import { type Actor, actorFor, configure } from './actor.ts'
import { Wire } from './wire.ts'

/**
 * Who saw everything that went over the wire and copied it, but has none of the victim's keys. He is a registered
 * client himself: the strongest stranger there is.
 */
export interface Thief {
  /** Connections without a certificate. */
  readonly wire: Wire
  /** Says he is the victim, and proves it with a key or a certificate of his own. */
  readonly config: oauth.Configuration
  /** What `config` sends over. */
  readonly configWire: Wire
  readonly keyPair: oauth.CryptoKeyPair
  /** His own client, with its own key or certificate. */
  readonly actor: Actor
}

/** Whose client the thief is: any but the victim. */
const thiefOf: Readonly<Record<string, string>> = {
  'demo-jwt-dpop': 'demo-own-mtls',
  'demo-jwt-mtls': 'demo-pki-mtls',
  'demo-pki-mtls': 'demo-jwt-mtls',
  'demo-own-mtls': 'demo-jwt-mtls',
}

export async function openThief(kit: DemoKit, victim: Actor): Promise<Thief> {
  const wire = new Wire({ caPem: readFileSync(kit.caFile, 'utf8'), certificate: undefined })
  const actor = await actorFor(kit, thiefOf[victim.listed.clientId] ?? 'demo-pki-mtls')
  const keyPair = await oauth.randomDPoPKeyPair('ES256')
  // A thief who must show a certificate shows his own.
  const isJwt = victim.listed.keyFile !== undefined
  const configWire = isJwt ? wire : actor.wire
  const authentication = isJwt ? oauth.PrivateKeyJwt(keyPair.privateKey) : oauth.TlsClientAuth()
  const config = await configure(kit, victim.listed, configWire, authentication)
  return { wire, actor, keyPair, config, configWire }
}
