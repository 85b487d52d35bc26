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
import { decidingWorld } from '../../../../../test/authzen/world.ts'
import type { PeerCertificate, Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { accessRoom } from '../access/room.ts'
import { globalRevocationRoom } from '../global-revocation/room.ts'
import { readGrantRoom, revokeGrantRoom } from '../grants/room.ts'
import { introspectRoom } from '../introspect/room.ts'
import type { Room } from '../room.ts'
import { attestedClient, attesters, instanceKeys } from '../testing/attestation.ts'
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
import type { TestKey } from '../testing/jws.ts'
import { grantAssertion, jwtBearerFields, trustedIssuer } from '../testing/trusted-issuer.ts'
import { type FormFields, openWorld, type RequestOptions, type World } from '../testing/world.ts'
import { userinfoRoom } from '../userinfo/room.ts'
import { grants as productGrants } from './grants/index.ts'

/** Every grant × binding × client type × place where a token is used: bound goes in, bound comes out (I9). */

type Kind = 'dpop' | 'mtls' | 'dpop+mtls'
const kinds: readonly Kind[] = ['dpop', 'mtls', 'dpop+mtls']
type Who = 'confidential' | 'public' | 'attested' | 'attested by its proof'
const everybody: readonly Who[] = ['confidential', 'public', 'attested', 'attested by its proof']
const isAttested = (who: Who): boolean => who.startsWith('attested')
const certificate = await newPeerCertificate({ subject: 'CN=matrix' })

/** How the client gets its tokens; each ends with a token response. */
type Ask = (world: World, client: Client, options: TokenRequestOptions) => Promise<Reply>
const grants: Readonly<Record<string, Ask>> = {
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
    const { proofKey } = options
    const jkt = typeof proofKey === 'object' ? { jkt: proofKey.thumbprint } : {}
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

const grantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  tokenExchangeGrantType,
  deviceGrantType,
  cibaGrantType,
  jwtBearerGrantType,
] as const

function clientFor(kind: Kind, who: Who): Client {
  const isPublic = who === 'public'
  const bound = {
    dpopBoundAccessTokens: kind !== 'mtls',
    tlsClientCertificateBoundAccessTokens: kind !== 'dpop',
  }
  if (isAttested(who)) {
    const exchanges = { tokensOf: ['c_bank'], tokensFor: [] }
    const more = { grantTypes, exchanges, backchannelTokenDeliveryMode: 'poll', ...bound } as const
    return attestedClient(who === 'attested by its proof', more)
  }
  return clientOf({
    clientId: `c_${who}`,
    // But for the two grants that FAPI forbids, and that must bind like all the others.
    ownProfile: isPublic ? oauth21 : { ...fapi2Security, deviceGrant: 'allowed', jwtBearerGrant: 'allowed' },
    isPublic,
    grantTypes,
    backchannelTokenDeliveryMode: 'poll',
    exchanges: { tokensOf: isPublic ? [] : ['c_bank'], tokensFor: [] },
    tokenEndpointAuthMethod: isPublic ? 'none' : 'private_key_jwt',
    ...bound,
  })
}

function openMatrix(client: Client): Promise<World> {
  const trusted = trustedIssuer({ clients: [client.clientId] })
  return openWorld({
    clients: [client, incidentSystem(client)],
    attesters,
    trustedIssuers: [trusted],
    decisionPoint,
  })
}

interface Evidence {
  readonly proof: boolean
  readonly peer: PeerCertificate | undefined
}

function evidenceFor(kind: Kind): Evidence {
  return { proof: kind !== 'mtls', peer: kind === 'dpop' ? undefined : certificate }
}

const authentications = {
  confidential: 'assertion',
  public: 'none',
  attested: 'attestation',
  'attested by its proof': 'attestation by proof',
} as const

/** An instance that is attested by its proof has one key for both. */
function proofKeyOf(who: Who): TestKey {
  return who === 'attested by its proof' ? instanceKeys.phone : keys.proof
}

function optionsFor({ proof, peer }: Evidence, who: Who): TokenRequestOptions {
  return {
    proofKey: proof ? proofKeyOf(who) : 'none',
    authentication: authentications[who],
    ...(peer !== undefined && { certificate: peer }),
  }
}

/** Where a token is shown to us, and what a request for nothing in particular is answered when all is proven. */
interface Desk {
  readonly room: Room
  readonly path: string
  readonly method: string
  readonly status: number
  readonly request?: RequestOptions
}

const userinfo: Desk = { room: userinfoRoom, path: '/userinfo', method: 'GET', status: 200 }
const ofGrants = { path: '/grants/g-1', status: 404, request: { params: { id: 'g-1' } } } as const
const decisionPoint = decidingWorld()
const nobody = JSON.stringify({ sub_id: { format: 'opaque', id: 'u_nobody' } })
const desks: Readonly<Record<string, Desk>> = {
  grant_management_query: { ...ofGrants, room: readGrantRoom, method: 'GET' },
  grant_management_revoke: { ...ofGrants, room: revokeGrantRoom, method: 'DELETE' },
  global_token_revocation: {
    ...{ room: globalRevocationRoom, path: '/global-token-revocation', method: 'POST', status: 404 },
    request: { body: nobody, headers: [['content-type', 'application/json']] },
  },
  access_evaluation: {
    ...{
      room: accessRoom('access_evaluation_endpoint'),
      path: '/access/v1/evaluation',
      method: 'POST',
      status: 400,
    },
    request: { body: '{}', headers: [['content-type', 'application/json']] },
  },
}

function present(
  world: World,
  desk: Desk,
  token: string,
  { proof, peer }: Evidence,
  who: Who,
): Promise<Reply> {
  const { room, path, method, request = {} } = desk
  const origin = peer === undefined ? world.issuer.url : world.issuer.mtlsUrl
  const spoil = {
    method,
    key: proofKeyOf(who),
    accessToken: token,
    nonce: currentNonce(world),
    claims: { htu: origin + path },
  }
  const headers = [
    ...(request.headers ?? []),
    ['authorization', `${proof ? 'DPoP' : 'Bearer'} ${token}`] as const,
    ...(proof ? [['dpop', world.proof(path, spoil)] as const] : []),
  ]
  return world.send(room, path, {
    ...request,
    method,
    headers,
    ...(peer !== undefined && { certificate: peer }),
  })
}

const readUserinfo = (world: World, token: string, evidence: Evidence, who: Who): Promise<Reply> =>
  present(world, userinfo, token, evidence, who)

/** The same client, with the scopes that are for the issuer alone. */
function incidentSystem(client: Client): Client {
  return { ...client, clientId: 'c_incident', scopes: Object.keys(desks) }
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

function expectedCnf(kind: Kind, who: Who): Readonly<Record<string, string>> {
  return {
    ...(kind !== 'mtls' && { jkt: proofKeyOf(who).thumbprint }),
    ...(kind !== 'dpop' && { 'x5t#S256': certificate.thumbprint }),
  }
}

test('every grant of the product stands in this matrix', async () => {
  const asked = new Set<string>()
  const client = clientFor('dpop', 'confidential')
  for (const ask of Object.values(grants)) {
    await using world = await openMatrix(client)
    await ask(world, client, optionsFor(evidenceFor('dpop'), 'confidential'))
    asked.add(String((await world.lastAudit('token.issued'))?.facts.grant_type))
  }
  assert.deepEqual([...asked].toSorted(), [...productGrants.keys()].toSorted())
})

for (const kind of kinds)
  for (const who of everybody.filter(one => kind !== 'mtls' || one !== 'attested by its proof'))
    for (const [grantType, ask] of Object.entries(grants).filter(
      ([name]) => !(who === 'public' && confidentialOnly.includes(name)),
    ))
      describe(`${grantType}, ${kind}, ${who} client`, () => {
        const client = clientFor(kind, who)
        const enough = evidenceFor(kind)

        test('the token is bound as the request was', async () => {
          await using world = await openMatrix(client)
          const reply = await ask(world, client, optionsFor(enough, who))
          assert.equal(reply.status, 200, reply.body.toString())
          assert.equal(jsonOf(reply).token_type, kind === 'mtls' ? 'Bearer' : 'DPoP')
          const token = textOf(reply, 'access_token')
          const form = { token, ...world.assertion('c_rs') }
          const described = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
          assert.deepEqual(described.cnf, expectedCnf(kind, who))
        })

        test('less than that gets no token', async () => {
          await using world = await openMatrix(client)
          const { clientId } = client
          for (const less of lessThan(kind)) {
            const { code } = await seedCode(world, clientId)
            const options = optionsFor(less, who)
            // Without its proof this one is nobody.
            const refused = who === 'attested by its proof' && !less.proof ? 401 : 400
            assert.equal((await redeem(world, clientId, code, options)).status, refused)
            const first = await redeem(world, clientId, code, optionsFor(enough, who))
            assert.equal(first.status, 200, first.body.toString())
            const fields = { grant_type: 'refresh_token', refresh_token: textOf(first, 'refresh_token') }
            assert.equal((await requestToken(world, clientId, fields, options)).status, refused)
            const exchanged = exchangeOf(textOf(first, 'access_token'))
            const waiting = await allowedDevice(world, clientId, {}, optionsFor(enough, who))
            assert.equal((await pollDevice(world, waiting, options, clientId)).status, refused)
            assert.equal((await requestToken(world, clientId, exchanged, options)).status, refused)
            const onTrust = jwtBearerFields(grantAssertion(world))
            assert.equal((await requestToken(world, clientId, onTrust, options)).status, refused)
            if (who === 'public') continue
            const asked = await allowedCiba(world, {}, { ...optionsFor(enough, who), clientId })
            assert.equal((await pollCiba(world, asked, options, clientId)).status, refused)
          }
        })

        test('userinfo takes the token with all of its proof and with nothing less', async () => {
          if (withoutIdentity.includes(grantType)) return
          await using world = await openMatrix(client)
          const reply = await ask(world, client, optionsFor(enough, who))
          const token = textOf(reply, 'access_token')
          assert.equal((await readUserinfo(world, token, enough, who)).status, 200)
          for (const less of lessThan(kind))
            assert.equal((await readUserinfo(world, token, less, who)).status, 401)
        })
      })

for (const kind of kinds)
  for (const who of everybody.filter(one => kind !== 'mtls' || one !== 'attested by its proof'))
    for (const [scope, desk] of Object.entries(desks).filter(() => who !== 'public'))
      test(`${desk.method} ${desk.path} takes a token of ${kind}, ${who}, with all of its proof and nothing less`, async () => {
        await using world = await openMatrix(clientFor(kind, who))
        const enough = evidenceFor(kind)
        const fields = { grant_type: 'client_credentials', scope }
        const reply = await requestToken(world, 'c_incident', fields, optionsFor(enough, who))
        const token = textOf(reply, 'access_token')
        for (const less of lessThan(kind))
          assert.equal((await present(world, desk, token, less, who)).status, 401)
        const taken = await present(world, desk, token, enough, who)
        assert.equal(taken.status, desk.status, taken.body.toString())
      })

describe('a FAPI 1.0 Advanced client, whose profile knows certificates only', () => {
  const client: Client = {
    ...clientFor('mtls', 'confidential'),
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
      const good = optionsFor(evidenceFor('mtls'), 'confidential')
      const reply = await ask(world, client, good)
      assert.equal(reply.status, 200, reply.body.toString())
      const form = { token: textOf(reply, 'access_token'), ...world.assertion('c_rs') }
      const described = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
      assert.deepEqual(described.cnf, expectedCnf('mtls', 'confidential'))

      const { clientId } = client
      for (const kind of ['dpop', 'dpop+mtls'] as const) {
        const options = optionsFor(evidenceFor(kind), 'confidential')
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
