import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { type Fapi1Product, startFapi1Product, walkFapi1 } from './product/fapi1.ts'
import type { ProductClient } from './product/product.ts'
import { postgresAnswers } from './product/start.ts'
import { UserAgent } from './product/user-agent.ts'
import { closing, configure, introspectAs, walkWithOpenidClient } from './product/walk-openid-client.ts'

/**
 * One running issuer with clients of five kinds, over TLS: all are served in one run, and nobody has a liberty that only
 * another one's profile gives. The whole table of liberties stands in the server's own `one-issuer.test.ts`.
 */

type Who = 'fapi1' | 'fapi2' | 'signing' | 'ciba' | 'plain'
const everybody: readonly Who[] = ['fapi1', 'fapi2', 'signing', 'ciba', 'plain']

function clientsOf({ fapi1, clients, pointOfSale }: Fapi1Product): Readonly<Record<Who, ProductClient>> {
  return {
    fapi1: fapi1['private_key_jwt and PS256'],
    fapi2: clients['private_key_jwt with DPoP'],
    signing: clients['signed messages with mTLS'],
    ciba: pointOfSale,
    plain: clients['plain OpenID Connect'],
  }
}

interface Taker {
  readonly product: Fapi1Product
  readonly who: ProductClient
  readonly config: client.Configuration
  /** Opens a URL as a browser does. Throws unless a person is asked to sign in. */
  readonly open: (url: URL) => Promise<void>
}

interface Liberty {
  readonly name: string
  readonly granted: readonly Who[]
  /** Rejects when the issuer refuses. */
  readonly take: (taker: Taker) => Promise<unknown>
}

class Refused extends Error {}

const challenge = {
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256',
}

function request({ product, who }: Taker): Record<string, string> {
  return {
    redirect_uri: who.redirectUri,
    scope: 'openid accounts',
    resource: product.audience,
    state: client.randomState(),
    nonce: client.randomNonce(),
  }
}

async function signedUrl(taker: Taker, more: Record<string, string>): Promise<URL> {
  const { who, config } = taker
  const key = who.requestKey ?? who.privateKey
  assert.ok(key)
  return client.buildAuthorizationUrlWithJAR(config, { ...request(taker), ...challenge, ...more }, key)
}

const liberties: readonly Liberty[] = [
  {
    name: 'send plain parameters through the browser',
    granted: ['plain'],
    take: taker =>
      taker.open(client.buildAuthorizationUrl(taker.config, { ...request(taker), ...challenge })),
  },
  {
    name: 'send a signed request through the browser',
    granted: ['fapi1', 'plain'],
    take: async taker => taker.open(await signedUrl(taker, { response_mode: 'jwt' })),
  },
  {
    name: 'get a code and an ID token',
    granted: ['fapi1'],
    take: async taker => taker.open(await signedUrl(taker, { response_type: 'code id_token' })),
  },
  {
    name: 'push plain parameters',
    granted: ['fapi2', 'plain'],
    take: taker => client.buildAuthorizationUrlWithPAR(taker.config, { ...request(taker), ...challenge }),
  },
  {
    name: 'push without PKCE',
    granted: ['plain'],
    take: taker => client.buildAuthorizationUrlWithPAR(taker.config, request(taker)),
  },
  {
    name: 'get unbound tokens',
    granted: ['plain'],
    take: async ({ product, who, config }) => {
      const form = { scope: 'accounts', resource: product.audience }
      const tokens = await client.clientCredentialsGrant(config, form)
      const { cnf } = await introspectAs(product, tokens.access_token)
      if (cnf !== undefined) throw new Refused(`${who.clientId} got a bound token`)
    },
  },
  {
    name: 'ask for a user who answers elsewhere',
    granted: ['ciba'],
    take: ({ product, config }) =>
      client.initiateBackchannelAuthentication(config, {
        scope: 'openid accounts',
        resource: product.audience,
        login_hint: product.user.username,
        binding_message: 'W4SCT',
      }),
  },
]

const hasPostgres = await postgresAnswers()
for (const store of ['sqlite', 'postgres'] as const)
  describe(`one issuer with clients of five kinds on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let product: Fapi1Product
    before(async () => {
      product = await startFapi1Product(store)
    })
    after(async () => product.close())

    it('serves all of them at the same time, each as its profile has it', async () => {
      const { fapi2, signing, plain } = clientsOf(product)
      const [byFapi1, byFapi2, bySigning, byCiba, byPlain] = await Promise.all([
        walkFapi1(product, product.fapi1['private_key_jwt and PS256'], 'code id_token', 'by value'),
        walkWithOpenidClient(product, fapi2),
        walkWithOpenidClient(product, signing),
        askElsewhere(product),
        walkWithOpenidClient(product, plain, false),
      ])
      const bindings = [byFapi1, byFapi2, bySigning, byCiba, byPlain].map(({ introspected: { cnf } }) =>
        Object.keys((cnf ?? {}) as object),
      )
      assert.deepEqual(bindings, [['x5t#S256'], ['jkt'], ['x5t#S256'], ['jkt'], []])
      assert.ok(new URLSearchParams(byFapi1.callback.hash.slice(1)).has('id_token'))
      assert.deepEqual([...bySigning.callback.searchParams.keys()], ['response'])
      assert.ok(byFapi2.callback.searchParams.has('code') && byPlain.callback.searchParams.has('code'))
    })

    for (const { name, granted, take } of liberties)
      it(`only ${granted.join(', ')} may ${name}`, async () => {
        const seen: Who[] = []
        for (const who of everybody)
          if (await isGranted(product, clientsOf(product)[who], take)) seen.push(who)
        assert.deepEqual(seen, granted)
      })
  })

async function isGranted(product: Fapi1Product, who: ProductClient, take: Liberty['take']): Promise<boolean> {
  await using agent = closing(dispatcherFor(product, who))
  await using browserAgent = closing(dispatcherFor(product))
  const config = await configure(product, who, fetchOver(agent.dispatcher))
  const open = async (url: URL): Promise<void> => {
    const { status } = await new UserAgent(browserAgent.dispatcher).send(url)
    assert.ok(status < 500, `${who.clientId}: ${status}`)
    if (status !== 200) throw new Refused(`${status}`)
  }
  try {
    await take({ product, who, config, open })
    return true
  } catch (error) {
    if (error instanceof Refused) return false
    // Anything else than a refusal by the issuer is a failure of this test.
    if (error instanceof client.ResponseBodyError && error.status < 500) return false
    throw error
  }
}

/** The point of sale, while a person answers in a browser. */
async function askElsewhere(
  product: Fapi1Product,
): Promise<{ readonly introspected: Readonly<Record<string, unknown>> }> {
  await using agent = closing(dispatcherFor(product, product.pointOfSale))
  const config = await configure(product, product.pointOfSale, fetchOver(agent.dispatcher))
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const asked = await client.initiateBackchannelAuthentication(config, {
    scope: 'openid accounts',
    resource: product.audience,
    login_hint: product.user.username,
    binding_message: 'W4SCT',
  })
  const browser = new UserAgent(agent.dispatcher)
  await browser.answerWaiting(new URL('/ciba', product.issuer), { ...product.user, consent: 'allow' })
  const soon = { ...asked, interval: 0.01 }
  const tokens = await client.pollBackchannelAuthenticationGrant(config, soon, undefined, { DPoP })
  return { introspected: await introspectAs(product, tokens.access_token) }
}
