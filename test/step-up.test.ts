import assert from 'node:assert/strict'
import { KeyObject } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { totpCode, totpStep } from '@holdfast/protocol/specs/rfc6238-totp/totp.ts'
import { createResourceServer } from '@holdfast/resource-server'
import { protect } from '@holdfast/resource-server/adapters/fetch.ts'
import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import type { Product } from './product/product.ts'
import { postgresAnswers, type StoreKind, startProduct } from './product/start.ts'
import { UserAgent } from './product/user-agent.ts'
import { closing, configure, introspectAs } from './product/walk-openid-client.ts'

/** The whole of RFC 9470: an API asks for more, the client asks the server, the user does it, the API is content. */

const mfa = 'urn:holdfast:acr:mfa'
const hasPostgres = await postgresAnswers()

for (const store of ['sqlite', 'postgres'] as const satisfies readonly StoreKind[])
  describe(`step-up on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let product: Product
    before(async () => {
      product = await startProduct(store)
    })
    after(async () => product.close())

    it('openid-client is challenged by an API, steps up, and is let in', async () => {
      const who = product.clients['private_key_jwt with DPoP']
      await using agent = closing(dispatcherFor(product, who))
      await using apiAgent = closing(dispatcherFor(product, product.introspector))
      await using first = closing(dispatcherFor(product))
      const api = apiOf(product, fetchOver(apiAgent.dispatcher))
      const send = fetchOver(agent.dispatcher)
      const config = await configure(product, who, async (url, options) =>
        url.startsWith(product.audience) ? await api(new Request(url, options)) : await send(url, options),
      )
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      const browser = new UserAgent(first.dispatcher)
      const person = { ...product.user, consent: 'allow' } as const

      const weak = await authorize(config, product, browser, DPoP, person, {})
      const start = weak.claims()?.auth_time
      assert.equal(weak.claims()?.acr, 'urn:holdfast:acr:pwd')
      const challenge = await callApi(config, product, weak.access_token, DPoP)
      assert.equal(challenge.status, 401)
      const asked = /error="insufficient_user_authentication".*acr_values="([^"]+)"/.exec(
        challenge.headers.get('www-authenticate') ?? '',
      )
      assert.equal(asked?.[1], mfa, challenge.headers.get('www-authenticate') ?? '')

      // Nothing set up yet: the server says so instead of asking in vain.
      const unmet = await callbackOf(config, product, browser, DPoP, person, { acr_values: mfa })
      assert.equal(unmet.searchParams.get('error'), 'unmet_authentication_requirements')
      assert.equal(unmet.searchParams.get('iss'), product.issuer.origin)

      const secret = await setUpApp(product)
      const code = (stepsAway: number): string => totpCode(secret, totpStep(now()) + stepsAway)
      const strong = await authorize(
        config,
        product,
        browser,
        DPoP,
        { ...person, code: () => code(1) },
        {
          acr_values: asked?.[1] ?? '',
        },
      )
      assert.equal(strong.claims()?.acr, mfa)
      assert.deepEqual(strong.claims()?.amr, ['pwd', 'otp', 'mfa'])
      assert.equal(strong.claims()?.auth_time, start)
      const answer = await callApi(config, product, strong.access_token, DPoP)
      assert.equal(answer.status, 200)
      assert.deepEqual(await answer.json(), { acr: mfa })
      const introspected = await introspectAs(product, strong.access_token)
      assert.deepEqual([introspected.acr, introspected.auth_time], [mfa, start])
      assert.equal((await callApi(config, product, weak.access_token, DPoP)).status, 401)
    })
  })

const now = () => epochSeconds(Math.floor(Date.now() / 1000))

/** An API behind the SDK whose one route wants two factors. */
function apiOf(
  product: Product,
  fetch: ReturnType<typeof fetchOver>,
): (request: Request) => Promise<Response> {
  const { clientId, privateKey } = product.introspector
  assert.ok(privateKey)
  const api = createResourceServer({
    issuer: product.issuer.origin,
    audience: product.audience,
    tokens: {
      introspection: {
        authentication: {
          method: 'private_key_jwt',
          clientId,
          privateKey: KeyObject.from(privateKey.key),
          alg: 'ES256',
          kid: privateKey.kid,
        },
      },
    },
    senderConstraint: 'required',
    transport: 'terminated',
    fetch: fetch as never,
  })
  return protect(api, { scopes: ['accounts'], acrValues: [mfa] }, (_request, token) =>
    Response.json({ acr: token.acr }),
  )
}

async function callApi(
  config: client.Configuration,
  product: Product,
  token: string,
  DPoP: client.DPoPHandle,
): Promise<Response> {
  try {
    return await client.fetchProtectedResource(
      config,
      token,
      new URL(product.audience),
      'GET',
      null,
      undefined,
      {
        DPoP,
      },
    )
  } catch (thrown) {
    // The library reads the challenge and throws it.
    if (thrown instanceof client.WWWAuthenticateChallengeError) return thrown.response
    throw thrown
  }
}

interface Pending {
  readonly callback: URL
  readonly checks: client.AuthorizationCodeGrantChecks
}

async function pendingOf(
  config: client.Configuration,
  product: Product,
  browser: UserAgent,
  DPoP: client.DPoPHandle,
  person: Parameters<UserAgent['walk']>[2],
  more: Record<string, string>,
): Promise<Pending> {
  const { redirectUri } = product.clients['private_key_jwt with DPoP']
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const url = await client.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri: redirectUri,
      scope: 'openid accounts',
      resource: product.audience,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      ...more,
    },
    { DPoP },
  )
  const callback = await browser.walk(url, redirectUri, person)
  return { callback, checks: { pkceCodeVerifier, expectedState, idTokenExpected: true } }
}

const callbackOf = async (...args: Parameters<typeof pendingOf>): Promise<URL> =>
  (await pendingOf(...args)).callback

async function authorize(
  ...args: Parameters<typeof pendingOf>
): Promise<Awaited<ReturnType<typeof client.authorizationCodeGrant>>> {
  const [config, , , DPoP] = args
  const { callback, checks } = await pendingOf(...args)
  return await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
}

/** In another browser of the same person. */
async function setUpApp(product: Product): Promise<Buffer> {
  await using agent = closing(dispatcherFor(product))
  const kept: { secret: Buffer } = { secret: Buffer.alloc(0) }
  const base = product.issuer.origin
  await new UserAgent(agent.dispatcher).walk(
    new URL(`${base}/account/security/totp`),
    `${base}/account/security?done=app-added`,
    {
      ...product.user,
      consent: 'deny',
      code: html => {
        const shown = /id="totp-secret">([A-Z2-7 ]+)</.exec(html)?.[1] ?? ''
        const bits = [...shown.replaceAll(' ', '')]
          .map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
          .join('')
        kept.secret = Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)))
        return totpCode(kept.secret, totpStep(now()))
      },
    },
  )
  return kept.secret
}
