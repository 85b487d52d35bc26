import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './dispatchers.ts'
import type { Product } from './product.ts'
import { UserAgent } from './user-agent.ts'
import { closing, configure, introspectAs } from './walk-openid-client.ts'

/** What a device saw; the test judges it. */
export interface DeviceWalk {
  readonly tokenType: string
  readonly idTokenClaims: Readonly<Record<string, unknown>> | undefined
  readonly introspected: Readonly<Record<string, unknown>>
  readonly refreshed: string
  readonly secondUse: unknown
}

/** A device polls while a person answers in a browser, with `openid-client` on the device. */
export async function deviceWithOpenidClient(product: Product): Promise<DeviceWalk> {
  await using agent = closing(dispatcherFor(product, product.device))
  await using browserAgent = closing(dispatcherFor(product))
  const config = await configure(product, product.device, fetchOver(agent.dispatcher))
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const asked = await client.initiateDeviceAuthorization(config, {
    scope: 'openid accounts offline_access',
    resource: product.audience,
  })
  const polling = client.pollDeviceAuthorizationGrant(config, asked, undefined, { DPoP })
  const browser = new UserAgent(browserAgent.dispatcher)
  await browser.connectDevice(new URL(asked.verification_uri_complete ?? ''), product.user)
  const tokens = await polling
  const introspected = await introspectAs(product, tokens.access_token)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', {}, { DPoP })
  const secondUse = await client
    .pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.01 }, undefined, { DPoP })
    .catch((error: unknown) => error)
  return {
    tokenType: tokens.token_type,
    idTokenClaims: tokens.claims(),
    introspected,
    refreshed: refreshed.access_token,
    secondUse,
  }
}
