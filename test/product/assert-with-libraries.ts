import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './dispatchers.ts'
import type { Product } from './product.ts'
import { closing, configure, introspectAs } from './walk-openid-client.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** What the JWT bearer grant looked like from outside; the test judges it. */
export interface AssertedWalk {
  readonly tokenType: string
  readonly refreshToken: unknown
  readonly introspected: Readonly<Record<string, unknown>>
  readonly assertionExpiresAt: number
  /** Error codes. */
  readonly secondUse: unknown
  readonly forAnotherAudience: unknown
}

interface Answer {
  readonly access_token: string
  readonly token_type: string
  readonly refresh_token?: string | undefined
}

async function walk(product: Product, ask: (assertion: string) => Promise<Answer>): Promise<AssertedWalk> {
  const now = Math.floor(Date.now() / 1000)
  const assertionExpiresAt = now + 120
  const issuer = product.issuer.href.replace(/\/$/, '')
  const assertion = await assertionFor(product, issuer, now, assertionExpiresAt)
  const tokens = await ask(assertion)
  const elsewhere = await assertionFor(product, `${issuer}/token`, now, assertionExpiresAt)
  return {
    tokenType: tokens.token_type,
    refreshToken: tokens.refresh_token,
    introspected: await introspectAs(product, tokens.access_token),
    assertionExpiresAt,
    secondUse: await errorOf(() => ask(assertion)),
    forAnotherAudience: await errorOf(() => ask(elsewhere)),
  }
}

/** The trusted issuer is a peer: its assertions are made by `jose` alone. */
function assertionFor(product: Product, audience: string, now: number, expiresAt: number): Promise<string> {
  const { issuer, key, kid } = product.trustedIssuer
  return new SignJWT()
    .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setSubject(product.user.username)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(expiresAt)
    .setJti(randomUUID())
    .sign(key)
}

async function errorOf(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    await ask()
    return 'accepted'
  } catch (error) {
    return (error as { readonly error?: unknown }).error
  }
}

export async function assertedWithOpenidClient(product: Product): Promise<AssertedWalk> {
  await using agent = closing(dispatcherFor(product, product.partner))
  const config = await configure(product, product.partner, fetchOver(agent.dispatcher))
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  return await walk(product, assertion =>
    client.genericGrantRequest(config, jwtBearer, { assertion, resource: product.audience }, { DPoP }),
  )
}

export async function assertedWithOauth4webapi(product: Product): Promise<AssertedWalk> {
  await using agent = closing(dispatcherFor(product, product.partner))
  const { partner, issuer } = product
  if (partner.privateKey === undefined) throw new TypeError('the partner signs')
  const custom = { [oauth.customFetch]: fetchOver(agent.dispatcher) as never }
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...custom })
  const server = await oauth.processDiscoveryResponse(issuer, found)
  const who: oauth.Client = { client_id: partner.clientId }
  const authentication = oauth.PrivateKeyJwt(partner.privateKey)
  const DPoP = oauth.DPoP(who, await oauth.generateKeyPair('ES256'))
  const ask = async (assertion: string): Promise<Answer> => {
    const parameters = { assertion, resource: product.audience }
    const send = async (): Promise<Answer> =>
      oauth.processGenericTokenEndpointResponse(
        server,
        who,
        await oauth.genericTokenEndpointRequest(server, who, authentication, jwtBearer, parameters, {
          DPoP,
          ...custom,
        }),
      )
    try {
      return await send()
    } catch (error) {
      if (oauth.isDPoPNonceError(error)) return await send()
      throw error
    }
  }
  return await walk(product, ask)
}
