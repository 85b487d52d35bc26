import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { oidcBaseline } from '@holdfast/protocol/profiles/oidc-baseline.ts'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { jwtBearerGrantType } from '@holdfast/protocol/specs/rfc7523-jwt-bearer/rules.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { GrantTypeName } from '../../snapshot/snapshot.ts'
import { introspectRoom } from '../introspect/room.ts'
import { newPeerCertificate } from '../testing/certificates.ts'
import { allowedCiba } from '../testing/ciba.ts'
import { accounts, clientOf, keys, redirectUri } from '../testing/clients.ts'
import { allowedDevice } from '../testing/device.ts'
import {
  codeVerifier,
  jsonOf,
  redeem,
  requestToken,
  seedCode,
  type TokenRequestOptions,
  textOf,
} from '../testing/flow.ts'
import { grantAssertion, jwtBearerFields, trustedIssuer } from '../testing/trusted-issuer.ts'
import { type FormFields, openWorld, type World } from '../testing/world.ts'

/** A client whose profile asks for no binding at all, and inputs that are bound: what comes out is bound (I9, I14). */

const certificate = await newPeerCertificate({ subject: 'CN=somebody' })
const clientId = 'c_lax'
const client = clientOf({
  clientId,
  ownProfile: oidcBaseline,
  dpopBoundAccessTokens: false,
  requirePushedAuthorizationRequests: false,
  grantTypes: [
    'authorization_code',
    'refresh_token',
    'client_credentials',
    tokenExchangeGrantType,
    deviceGrantType,
    cibaGrantType,
    jwtBearerGrantType,
  ],
  backchannelTokenDeliveryMode: 'poll',
  exchanges: { tokensOf: ['c_bank'], tokensFor: [] },
})
const openLax = (): Promise<World> =>
  openWorld({ clients: [client], trustedIssuers: [trustedIssuer({ clients: [clientId] })] })

const exchangeOf = (subjectToken: string): FormFields => ({
  grant_type: tokenExchangeGrantType,
  subject_token: subjectToken,
  subject_token_type: accessTokenType,
  resource: accounts,
})

interface BoundInput {
  readonly name: string
  /** Makes what is spent, bound to the usual proof key. */
  readonly make: (world: World) => Promise<FormFields>
  /** What else a token may be bound to instead: another proof of the client, or a certificate. */
  readonly rebinds?: readonly ('jkt' | 'x5t#S256')[]
}

/** A grant that is added gets its row here, or this does not compile. Client credentials spend nothing that is bound. */
const inputs: Readonly<Record<GrantTypeName, readonly BoundInput[]>> = {
  client_credentials: [],
  authorization_code: [
    {
      name: 'a code whose request named a key',
      make: async world => {
        const { code } = await seedCode(world, clientId, { code: { dpopJkt: keys.proof.thumbprint } })
        const fields = { code, redirect_uri: redirectUri, code_verifier: codeVerifier }
        return { grant_type: 'authorization_code', ...fields }
      },
    },
  ],
  refresh_token: [
    {
      name: 'a refresh token that came by a proof',
      // Authentication holds the refresh token of a confidential client; its key may change (RFC 9449 section 5).
      rebinds: ['jkt'],
      make: async world => {
        const first = await redeem(world, clientId, (await seedCode(world, clientId)).code)
        return { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
      },
    },
  ],
  [tokenExchangeGrantType]: [
    {
      name: 'its own bound token',
      make: async world => {
        const first = await redeem(world, clientId, (await seedCode(world, clientId)).code)
        return exchangeOf(textOf(first, 'access_token'))
      },
    },
    {
      name: 'the bound token of another client',
      // Whoever exchanges binds to a key of its own.
      rebinds: ['jkt', 'x5t#S256'],
      make: async world => {
        const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
        return exchangeOf(textOf(first, 'access_token'))
      },
    },
  ],
  [deviceGrantType]: [
    {
      name: 'a device code asked for with a proof',
      make: async world => ({
        grant_type: deviceGrantType,
        device_code: await allowedDevice(world, clientId, {}, { proofKey: keys.proof }),
      }),
    },
  ],
  [cibaGrantType]: [
    {
      name: 'an auth_req_id asked for with a proof',
      make: async world => ({
        grant_type: cibaGrantType,
        auth_req_id: await allowedCiba(world, {}, { clientId, proofKey: keys.proof }),
      }),
    },
  ],
  [jwtBearerGrantType]: [
    {
      name: 'an assertion that names a key',
      make: async world =>
        jwtBearerFields(grantAssertion(world, { claims: { cnf: { jkt: keys.proof.thumbprint } } })),
    },
  ],
}

/** Everything but the proof of the key, and what a token would be bound to then. */
const others: readonly (readonly [
  name: string,
  options: TokenRequestOptions,
  cnf: readonly [string, string],
])[] = [
  ['no proof', { proofKey: 'none' }, ['nothing', '']],
  ['a certificate instead', { proofKey: 'none', certificate }, ['x5t#S256', certificate.thumbprint]],
  ['the proof of another key', { proofKey: keys.otherProof }, ['jkt', keys.otherProof.thumbprint]],
]

for (const { name, make, rebinds = [] } of Object.values(inputs).flat())
  describe(`${name}, spent by a client that need not bind`, () => {
    for (const [less, options, [member, value]] of others) {
      const isRebound = rebinds.some(allowed => allowed === member)
      test(`buys ${isRebound ? 'a token bound anew' : 'nothing'} with ${less}`, async () => {
        await using world = await openLax()
        const reply = await requestToken(world, clientId, await make(world), options)
        if (isRebound) assert.deepEqual(await cnfOf(world, reply), { [member]: value })
        else assert.equal(reply.status, 400, reply.body.toString())
      })
    }

    test('buys one that is bound to the same key with its proof', async () => {
      await using world = await openLax()
      const reply = await requestToken(world, clientId, await make(world))
      assert.deepEqual(await cnfOf(world, reply), { jkt: keys.proof.thumbprint })
    })
  })

async function cnfOf(world: World, reply: Parameters<typeof textOf>[0]): Promise<unknown> {
  const form = { token: textOf(reply, 'access_token'), ...world.assertion('c_rs') }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form })).cnf
}
