import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { meetUnchecked } from '@holdfast/protocol'
import { fapi1Advanced } from '@holdfast/protocol/profiles/fapi1-advanced.ts'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { jwtBearerGrantType } from '@holdfast/protocol/specs/rfc7523-jwt-bearer/rules.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { PeerCertificate, Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { introspectRoom } from '../introspect/room.ts'
import { newPeerCertificate } from '../testing/certificates.ts'
import { allowedCiba, pollCiba } from '../testing/ciba.ts'
import { accounts, clientOf, floor, keys } from '../testing/clients.ts'
import { allowedDevice, pollDevice } from '../testing/device.ts'
import {
  currentNonce,
  jsonOf,
  redeem,
  requestToken,
  seedCode,
  type TokenRequestOptions,
  textOf,
} from '../testing/flow.ts'
import { grantAssertion, jwtBearerFields, trustedIssuer } from '../testing/trusted-issuer.ts'
import { type FormFields, openWorld, type World } from '../testing/world.ts'
import { userinfoRoom } from '../userinfo/room.ts'

/** Every grant × binding × client type × place where a token is used: bound goes in, bound comes out (I9). */

type Kind = 'dpop' | 'mtls' | 'dpop+mtls'
const kinds: readonly Kind[] = ['dpop', 'mtls', 'dpop+mtls']
const certificate = await newPeerCertificate({ subject: 'CN=matrix' })

/** How the client gets its tokens; each ends with a token response. */
const grants: Readonly<
  Record<string, (world: World, client: Client, options: TokenRequestOptions) => Promise<Reply>>
> = {
  authorization_code: async (world, { clientId }, options) =>
    redeem(world, clientId, (await seedCode(world, clientId)).code, options),
  refresh_token: async (world, { clientId }, options) => {
    const first = await redeem(world, clientId, (await seedCode(world, clientId)).code, options)
    const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
    return requestToken(world, clientId, fields, options)
  },
  client_credentials: (world, { clientId }, options) =>
    requestToken(world, clientId, { grant_type: 'client_credentials', resource: accounts }, options),
  'device code': async (world, { clientId }, options) =>
    pollDevice(world, await allowedDevice(world, clientId, {}, options), options, clientId),
  CIBA: async (world, { clientId, backchannelAuthenticationRequestSigningAlg: alg }, options) => {
    const asked = await allowedCiba(world, {}, { ...options, clientId, isSigned: alg !== undefined })
    return pollCiba(world, asked, options, clientId)
  },
  'JWT bearer': async (world, { clientId }, options) =>
    requestToken(world, clientId, jwtBearerFields(grantAssertion(world)), options),
  'JWT bearer with an assertion that is bound': async (world, { clientId }, options) => {
    const jkt = options.proofKey === 'none' ? {} : { jkt: keys.proof.thumbprint }
    const x5t = options.certificate === undefined ? {} : { 'x5t#S256': certificate.thumbprint }
    const assertion = grantAssertion(world, { claims: { cnf: { ...jkt, ...x5t } } })
    return requestToken(world, clientId, jwtBearerFields(assertion), options)
  },
  'token exchange of its own token': async (world, { clientId }, options) => {
    const first = await redeem(world, clientId, (await seedCode(world, clientId)).code, options)
    return requestToken(world, clientId, exchangeOf(textOf(first, 'access_token')), options)
  },
  'token exchange of another client’s token': async (world, { clientId }, options) => {
    const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    return requestToken(world, clientId, exchangeOf(textOf(first, 'access_token')), options)
  },
}

function exchangeOf(subjectToken: string): FormFields {
  return {
    grant_type: tokenExchangeGrantType,
    subject_token: subjectToken,
    subject_token_type: accessTokenType,
    resource: accounts,
  }
}

/** What only a client that can keep a secret may do. */
const confidentialOnly = [
  'client_credentials',
  'CIBA',
  'token exchange of another client’s token',
  'JWT bearer',
  'JWT bearer with an assertion that is bound',
]
/** What speaks of no signed-in user to the client. */
const withoutIdentity = [
  'client_credentials',
  'JWT bearer',
  'JWT bearer with an assertion that is bound',
  'token exchange of another client’s token',
  'token exchange of its own token',
]

function clientFor(kind: Kind, isPublic: boolean): Client {
  return clientOf({
    clientId: `c_${isPublic ? 'public' : 'confidential'}`,
    // But for the two grants that FAPI forbids, and that must bind like all the others.
    ownProfile: isPublic ? oauth21 : { ...fapi2Security, deviceGrant: 'allowed', jwtBearerGrant: 'allowed' },
    isPublic,
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
    exchanges: { tokensOf: isPublic ? [] : ['c_bank'], tokensFor: [] },
    tokenEndpointAuthMethod: isPublic ? 'none' : 'private_key_jwt',
    dpopBoundAccessTokens: kind !== 'mtls',
    tlsClientCertificateBoundAccessTokens: kind !== 'dpop',
  })
}

function openMatrix(client: Client): Promise<World> {
  const trusted = trustedIssuer({ clients: [client.clientId] })
  return openWorld({ clients: [client], trustedIssuers: [trusted] })
}

interface Evidence {
  readonly proof: boolean
  readonly peer: PeerCertificate | undefined
}

function evidenceFor(kind: Kind): Evidence {
  return { proof: kind !== 'mtls', peer: kind === 'dpop' ? undefined : certificate }
}

function optionsFor({ proof, peer }: Evidence, isPublic: boolean): TokenRequestOptions {
  return {
    proofKey: proof ? keys.proof : 'none',
    authentication: isPublic ? 'none' : 'assertion',
    ...(peer !== undefined && { certificate: peer }),
  }
}

function readUserinfo(world: World, token: string, { proof, peer }: Evidence): Promise<Reply> {
  const path = '/userinfo'
  const origin = peer === undefined ? world.issuer.url : world.issuer.mtlsUrl
  const spoil = {
    method: 'GET',
    accessToken: token,
    nonce: currentNonce(world),
    claims: { htu: origin + path },
  }
  const headers = [
    ['authorization', `${proof ? 'DPoP' : 'Bearer'} ${token}`] as const,
    ...(proof ? [['dpop', world.proof(path, spoil)] as const] : []),
  ]
  return world.send(userinfoRoom, path, {
    method: 'GET',
    headers,
    ...(peer !== undefined && { certificate: peer }),
  })
}

/** All that proves less than `kind` asks for. */
function lessThan(kind: Kind): readonly Evidence[] {
  const all: readonly Evidence[] = [
    { proof: false, peer: undefined },
    { proof: true, peer: undefined },
    { proof: false, peer: certificate },
  ]
  const { proof, peer } = evidenceFor(kind)
  return all.filter(less => (proof && !less.proof) || (peer !== undefined && less.peer === undefined))
}

const expectedCnf: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  dpop: { jkt: keys.proof.thumbprint },
  mtls: { 'x5t#S256': certificate.thumbprint },
  'dpop+mtls': { jkt: keys.proof.thumbprint, 'x5t#S256': certificate.thumbprint },
}

for (const kind of kinds)
  for (const isPublic of [false, true])
    for (const [grantType, ask] of Object.entries(grants).filter(
      ([name]) => !(isPublic && confidentialOnly.includes(name)),
    ))
      describe(`${grantType}, ${kind}, ${isPublic ? 'public' : 'confidential'} client`, () => {
        const client = clientFor(kind, isPublic)
        const enough = evidenceFor(kind)

        test('the token is bound as the request was', async () => {
          await using world = await openMatrix(client)
          const reply = await ask(world, client, optionsFor(enough, isPublic))
          assert.equal(reply.status, 200, reply.body.toString())
          assert.equal(jsonOf(reply).token_type, kind === 'mtls' ? 'Bearer' : 'DPoP')
          const token = textOf(reply, 'access_token')
          const form = { token, ...world.assertion('c_rs') }
          const described = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
          assert.deepEqual(described.cnf, expectedCnf[kind])
        })

        test('less than that gets no token', async () => {
          await using world = await openMatrix(client)
          const { clientId } = client
          for (const less of lessThan(kind)) {
            const { code } = await seedCode(world, clientId)
            const options = optionsFor(less, isPublic)
            assert.equal((await redeem(world, clientId, code, options)).status, 400)
            const first = await redeem(world, clientId, code, optionsFor(enough, isPublic))
            assert.equal(first.status, 200, first.body.toString())
            const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
            assert.equal((await requestToken(world, clientId, fields, options)).status, 400)
            const exchanged = exchangeOf(textOf(first, 'access_token'))
            const waiting = await allowedDevice(world, clientId, {}, optionsFor(enough, isPublic))
            assert.equal((await pollDevice(world, waiting, options, clientId)).status, 400)
            assert.equal((await requestToken(world, clientId, exchanged, options)).status, 400)
            const onTrust = jwtBearerFields(grantAssertion(world))
            assert.equal((await requestToken(world, clientId, onTrust, options)).status, 400)
            if (isPublic) continue
            const asked = await allowedCiba(world, {}, { ...optionsFor(enough, isPublic), clientId })
            assert.equal((await pollCiba(world, asked, options, clientId)).status, 400)
          }
        })

        test('userinfo takes the token with all of its proof and with nothing less', async () => {
          if (withoutIdentity.includes(grantType)) return
          await using world = await openMatrix(client)
          const reply = await ask(world, client, optionsFor(enough, isPublic))
          const token = textOf(reply, 'access_token')
          assert.equal((await readUserinfo(world, token, enough)).status, 200)
          for (const less of lessThan(kind))
            assert.equal((await readUserinfo(world, token, less)).status, 401)
        })
      })

describe('a FAPI 1.0 Advanced client, whose profile knows certificates only', () => {
  const client: Client = {
    ...clientFor('mtls', false),
    profile: meetUnchecked(floor, fapi1Advanced),
    grantTypes: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      tokenExchangeGrantType,
      cibaGrantType,
    ],
    backchannelAuthenticationRequestSigningAlg: 'ES256',
  }

  const isForbidden = (name: string): boolean => name === 'device code' || name.startsWith('JWT bearer')
  for (const [grantType, ask] of Object.entries(grants).filter(([name]) => !isForbidden(name)))
    test(`${grantType}: bound to the certificate, and never to a DPoP key`, async () => {
      await using world = await openWorld({ clients: [client] })
      const good = optionsFor(evidenceFor('mtls'), false)
      const reply = await ask(world, client, good)
      assert.equal(reply.status, 200, reply.body.toString())
      const form = { token: textOf(reply, 'access_token'), ...world.assertion('c_rs') }
      const described = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
      assert.deepEqual(described.cnf, expectedCnf.mtls)

      const { clientId } = client
      for (const kind of ['dpop', 'dpop+mtls'] as const) {
        const options = optionsFor(evidenceFor(kind), false)
        const { code } = await seedCode(world, clientId)
        assert.equal((await redeem(world, clientId, code, options)).status, 400)
        const credentials = { grant_type: 'client_credentials', resource: accounts }
        assert.equal((await requestToken(world, clientId, credentials, options)).status, 400)
        const first = await redeem(world, clientId, (await seedCode(world, clientId)).code, good)
        const refresh = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
        assert.equal((await requestToken(world, clientId, refresh, options)).status, 400)
        const exchange = exchangeOf(textOf(first, 'access_token'))
        assert.equal((await requestToken(world, clientId, exchange, options)).status, 400)
      }
    })
})
