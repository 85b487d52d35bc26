import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fapiCiba } from '@holdfast/protocol/profiles/fapi-ciba.ts'
import { fapi2MessageSigning } from '@holdfast/protocol/profiles/fapi2-message-signing.ts'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { cibaGrantType, promptSeconds } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Reply } from '../http/exchange.ts'
import { parRoom } from './par/room.ts'
import { goodRequest, openBrowser } from './testing/browser.ts'
import { sendCiba, signedCiba } from './testing/ciba.ts'
import { accounts, type ClientSpec, clientOf, keys } from './testing/clients.ts'
import { fapi1Certificate, fapi1Client } from './testing/fapi1.ts'
import { redeem, seedCode } from './testing/flow.ts'
import { newTestKey } from './testing/jws.ts'
import { requestObject } from './testing/request-objects.ts'
import { type AssertionOptions, issuerUrl, openWorld, type World } from './testing/world.ts'

/**
 * Clients of five profiles at one issuer, and every liberty that one of them has: nobody has one that only another
 * profile gives. A profile that is added gets its column here.
 */

const rsa = newTestKey('RS256', 'rsa-1')
const edwards = newTestKey('EdDSA', 'ed-1')
const jwks = { keys: [keys.bank.publicJwk, rsa.publicJwk, edwards.publicJwk] }
const elsewhere = {
  grantTypes: ['authorization_code', 'refresh_token', cibaGrantType],
  backchannelTokenDeliveryMode: 'poll',
} as const
const unpushed = { requirePushedAuthorizationRequests: false, jwks, ...elsewhere } as const
/** Of those whose profile has backchannel requests signed. */
const signsThem = { backchannelAuthenticationRequestSigningAlg: 'ES256' } as const

const specs: Readonly<Record<string, ClientSpec>> = {
  fapi2: { clientId: 'fapi2', ...unpushed },
  signing: { clientId: 'signing', ownProfile: fapi2MessageSigning, ...unpushed, ...signsThem },
  ciba: { clientId: 'ciba', ownProfile: fapiCiba, ...unpushed, ...signsThem },
  plain: { clientId: 'plain', ownProfile: oidcBaseline, dpopBoundAccessTokens: false, ...unpushed },
}
const clients = [
  ...Object.values(specs).map(clientOf),
  fapi1Client({ clientId: 'fapi1', jwks, ...elsewhere, ...signsThem }),
]

type Who = 'fapi1' | 'fapi2' | 'signing' | 'ciba' | 'plain'
const everybody: readonly Who[] = ['fapi1', 'fapi2', 'signing', 'ciba', 'plain']

interface Liberty {
  readonly name: string
  readonly granted: readonly Who[]
  readonly take: (world: World, who: Who) => Promise<Reply>
}

type Fields = Readonly<Record<string, string | undefined>>
const without = { code_challenge: undefined, code_challenge_method: undefined }

const browse = (fields: Record<string, string>): string =>
  `${issuerUrl}/authorize?${new URLSearchParams(fields)}`
const inBrowser = (world: World, fields: Record<string, string>): Promise<Reply> =>
  openBrowser(world).get(browse(fields))

/** A push as this client has to send it, so that nothing but what is spoiled is in question. */
function pushed(
  world: World,
  who: Who,
  spoil: Fields = {},
  assertion: AssertionOptions = {},
): Promise<Reply> {
  const signs = who === 'fapi1' || who === 'signing'
  const plain = { ...goodRequest(who), ...spoil }
  const form = signs ? { request: requestObject(world, { clientId: who, claims: spoil }) } : plain
  return world.send(parRoom, '/par', { form: { ...form, ...world.assertion(who, assertion) } })
}

function byValue(world: World, who: Who, claims: Fields = {}): Promise<Reply> {
  return inBrowser(world, { client_id: who, request: requestObject(world, { clientId: who, claims }) })
}

/** A user is asked elsewhere, signed by who has to. */
function askedElsewhere(
  world: World,
  who: Who,
  spoil: Fields = {},
  isSigned = who !== 'fapi2' && who !== 'plain',
): Promise<Reply> {
  // So that the prompts of the clients before are over: a user has three at a time.
  world.clock.advance(promptSeconds)
  const fields = { scope: 'openid accounts', resource: accounts, login_hint: 'alice', binding_message: 'W4' }
  const sent = isSigned
    ? { request: signedCiba(world, { clientId: who, claims: spoil }) }
    : { ...fields, ...spoil }
  const certificate = who === 'fapi1' ? { certificate: fapi1Certificate } : {}
  return sendCiba(world, sent, { clientId: who, ...certificate })
}

async function redeemed(world: World, who: Who, options: Parameters<typeof redeem>[3]): Promise<Reply> {
  return redeem(world, who, (await seedCode(world, who)).code, options)
}

const liberties: readonly Liberty[] = [
  { name: 'push as their profile has it', granted: everybody, take: pushed },
  {
    name: 'send plain parameters through the browser',
    granted: ['plain'],
    take: (world, who) => inBrowser(world, goodRequest(who)),
  },
  {
    name: 'send a signed request through the browser',
    granted: ['fapi1', 'plain'],
    take: byValue,
  },
  {
    name: 'push plain parameters',
    granted: ['fapi2', 'ciba', 'plain'],
    take: (world, who) =>
      world.send(parRoom, '/par', {
        form: { ...goodRequest(who), response_mode: 'jwt', ...world.assertion(who) },
      }),
  },
  {
    name: 'get a code and an ID token',
    granted: ['fapi1'],
    take: (world, who) => pushed(world, who, { response_type: 'code id_token', response_mode: 'fragment' }),
  },
  {
    name: 'get a code and an ID token in one JWT',
    granted: ['fapi1'],
    take: (world, who) => pushed(world, who, { response_type: 'code id_token', response_mode: 'jwt' }),
  },
  {
    name: 'get an unsigned code',
    granted: ['fapi2', 'ciba', 'plain'],
    take: (world, who) => pushed(world, who, { response_mode: 'query' }),
  },
  {
    name: 'push without PKCE',
    granted: ['plain'],
    take: (world, who) => pushed(world, who, without),
  },
  {
    name: 'send a signed request without PKCE',
    granted: ['fapi1', 'plain'],
    take: (world, who) => byValue(world, who, without),
  },
  {
    name: 'ask for openid without nonce',
    granted: ['fapi2', 'signing', 'ciba', 'plain'],
    take: (world, who) => pushed(world, who, { nonce: undefined }),
  },
  {
    name: 'name the audience of an assertion in a list',
    granted: ['fapi1', 'plain'],
    take: (world, who) => pushed(world, who, {}, { claims: { aud: [issuerUrl] } }),
  },
  {
    name: 'name an endpoint as audience of an assertion',
    granted: [],
    take: (world, who) => pushed(world, who, {}, { claims: { aud: `${issuerUrl}/token` } }),
  },
  {
    name: 'sign with RS256',
    granted: ['plain'],
    take: (world, who) => pushed(world, who, {}, { key: rsa }),
  },
  {
    name: 'sign with EdDSA',
    granted: ['fapi2', 'signing', 'ciba', 'plain'],
    take: (world, who) => pushed(world, who, {}, { key: edwards }),
  },
  {
    name: 'ask for a user elsewhere as their profile has it',
    granted: everybody,
    take: async (world, who) => await askedElsewhere(world, who),
  },
  {
    name: 'ask for a user elsewhere with nothing signed',
    granted: ['fapi2', 'plain'],
    take: (world, who) => askedElsewhere(world, who, {}, false),
  },
  {
    name: 'ask for a user elsewhere with nothing to compare',
    granted: ['plain'],
    take: (world, who) => askedElsewhere(world, who, { binding_message: undefined }),
  },
  {
    name: 'get unbound tokens',
    granted: ['plain'],
    take: (world, who) => redeemed(world, who, { proofKey: 'none' }),
  },
  {
    name: 'get tokens bound by DPoP',
    granted: ['fapi2', 'signing', 'ciba', 'plain'],
    take: (world, who) => redeemed(world, who, {}),
  },
  {
    name: 'get tokens by DPoP over a connection with their certificate',
    granted: ['fapi2', 'signing', 'ciba', 'plain'],
    take: (world, who) => redeemed(world, who, { certificate: fapi1Certificate }),
  },
  {
    name: 'get tokens by the certificate alone',
    granted: ['fapi1', 'plain'],
    take: (world, who) => redeemed(world, who, { proofKey: 'none', certificate: fapi1Certificate }),
  },
]

/** Accepted by PAR, issued by the token endpoint, or put before the user. */
function isGranted(reply: Reply): boolean {
  return reply.status === 200 || reply.status === 201
}

describe('at one issuer with clients of every profile', () => {
  for (const { name, granted, take } of liberties)
    it(`${granted.length === 0 ? 'nobody' : granted.join(', ')} may ${name}`, async () => {
      await using world = await openWorld({ clients })
      const seen: Who[] = []
      for (const who of everybody) {
        const reply = await take(world, who)
        assert.ok(reply.status < 500, `${who}: ${reply.status}`)
        if (isGranted(reply)) seen.push(who)
      }
      assert.deepEqual(seen, granted)
    })
})
