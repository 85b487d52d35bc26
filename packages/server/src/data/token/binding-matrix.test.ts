import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AuthzenEndpoint, authzenPaths } from '@holdfast/policy/pdp/http.ts'
import { meetUnchecked } from '@holdfast/protocol'
import { fapi1Advanced } from '@holdfast/protocol/profiles/fapi1-advanced.ts'
import { fapi2Security } from '@holdfast/protocol/profiles/fapi2-security.ts'
import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { accessEvaluationScope } from '@holdfast/protocol/specs/authzen/rules.ts'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { jwtBearerGrantType } from '@holdfast/protocol/specs/rfc7523-jwt-bearer/rules.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import { decidingWorld } from '../../../../../test/authzen/world.ts'
import { adminRoutes, openApiPath } from '../../control/admin-http/routes.ts'
import type { PeerCertificate, Reply } from '../../http/exchange.ts'
import type { Client, ResourceServer } from '../../snapshot/snapshot.ts'
import { callRoom } from '../access/call-room.ts'
import { accessRoom } from '../access/room.ts'
import { globalRevocationRoom } from '../global-revocation/room.ts'
import { readGrantRoom, revokeGrantRoom } from '../grants/room.ts'
import { introspectRoom } from '../introspect/room.ts'
import { tokenFormats } from '../mint/formats/index.ts'
import { paths } from '../paths.ts'
import type { Room } from '../room.ts'
import { routes } from '../routes.ts'
import { statusListRoom } from '../status-list/room.ts'
import { attestedClient, attesters, instanceKeys } from '../testing/attestation.ts'
import { newPeerCertificate } from '../testing/certificates.ts'
import { allowedCiba, pollCiba } from '../testing/ciba.ts'
import { accounts, clientOf, floor, keys, resourceServers } from '../testing/clients.ts'
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
import { claimsOf, type TestKey } from '../testing/jws.ts'
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

/** How the client gets its tokens: makes what is spent, with all of its proof; what comes back spends it, with some. */
type Spend = (options: TokenRequestOptions) => Promise<Reply>
type Ask = (world: World, client: Client, enough: TokenRequestOptions) => Promise<Spend>
const grants: Readonly<Record<string, Ask>> = {
  authorization_code: async (world, { clientId }) => {
    const { code } = await seedCode(world, clientId)
    return options => redeem(world, clientId, code, options)
  },
  refresh_token: async (world, { clientId }, enough) => {
    const first = await redeem(world, clientId, (await seedCode(world, clientId)).code, enough)
    return spending(world, clientId, {
      grant_type: 'refresh_token',
      refresh_token: textOf(first, 'refresh_token'),
    })
  },
  client_credentials: async (world, { clientId }) =>
    spending(world, clientId, { grant_type: 'client_credentials', resource: accounts }),
  'device code': async (world, { clientId }, enough) => {
    const waiting = await allowedDevice(world, clientId, {}, enough)
    return options => pollDevice(world, waiting, options, clientId)
  },
  CIBA: async (world, { clientId, backchannelAuthenticationRequestSigningAlg: alg }, enough) => {
    const asked = await allowedCiba(world, {}, { ...enough, clientId, isSigned: alg !== undefined })
    return options => pollCiba(world, asked, options, clientId)
  },
  'JWT bearer': async (world, { clientId }) =>
    spending(world, clientId, jwtBearerFields(grantAssertion(world))),
  'JWT bearer with an assertion that is bound': async (
    world,
    { clientId },
    { proofKey, certificate: own },
  ) => {
    const jkt = typeof proofKey === 'object' ? { jkt: proofKey.thumbprint } : {}
    const x5t = own === undefined ? {} : { 'x5t#S256': certificate.thumbprint }
    const assertion = grantAssertion(world, { claims: { cnf: { ...jkt, ...x5t } } })
    return spending(world, clientId, jwtBearerFields(assertion))
  },
  'token exchange of its own token': async (world, { clientId }, enough) => {
    const first = await redeem(world, clientId, (await seedCode(world, clientId)).code, enough)
    return spending(world, clientId, exchangeOf(textOf(first, 'access_token')))
  },
  'token exchange of another client’s token': async (world, { clientId }) => {
    const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
    return spending(world, clientId, exchangeOf(textOf(first, 'access_token')))
  },
}

function spending(world: World, clientId: string, fields: FormFields): Spend {
  return options => requestToken(world, clientId, fields, options)
}

async function askWith(ask: Ask, world: World, client: Client, enough: TokenRequestOptions): Promise<Reply> {
  return (await ask(world, client, enough))(enough)
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

type Format = ResourceServer['accessTokenFormat']
const formats = [...tokenFormats.keys()]

/** JWTs stand in a status list: an entry there must not make of a bound token one that is not. */
function openMatrix(client: Client, format: Format = 'opaque'): Promise<World> {
  const trusted = trustedIssuer({ clients: [client.clientId] })
  const servers = resourceServers.map(server => ({
    ...server,
    accessTokenFormat: format,
    hasStatusList: format === 'jwt',
  }))
  return openWorld({
    clients: [client, incidentSystem(client)],
    attesters,
    trustedIssuers: [trusted],
    resourceServers: servers,
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
  /** What a token needs to be taken; the name of the desk when there is nothing else. */
  readonly scope?: string
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
  ...Object.fromEntries(
    [
      ...Object.entries(authzenPaths).map(
        ([endpoint, path]) => [endpoint, accessRoom(endpoint as AuthzenEndpoint), path] as const,
      ),
      ['policy_evaluation_endpoint', callRoom, paths.callEvaluation] as const,
    ].map(([endpoint, room, path]) => [
      endpoint,
      {
        ...{ room, path, method: 'POST', status: 400 },
        scope: accessEvaluationScope,
        request: { body: '{}', headers: [['content-type', 'application/json']] },
      } satisfies Desk,
    ]),
  ),
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

const scopesOfDesks = new Set(Object.entries(desks).map(([name, { scope = name }]) => scope))

/** The same client, with the scopes that are for the issuer alone. */
function incidentSystem(client: Client): Client {
  return { ...client, clientId: 'c_incident', scopes: [...scopesOfDesks] }
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
    await askWith(ask, world, client, optionsFor(evidenceFor('dpop'), 'confidential'))
    asked.add(String((await world.lastAudit('token.issued'))?.facts.grant_type))
  }
  assert.deepEqual([...asked].toSorted(), [...productGrants.keys()].toSorted())
})

/** What an endpoint does with tokens: one that is added must say so here, and stand in this matrix if it takes any. */
const tokenUse: Readonly<Record<string, 'emits' | 'takes' | 'is told of' | 'none'>> = {
  token: 'emits',
  userinfo: 'takes',
  grant: 'takes',
  globalRevocation: 'takes',
  accessEvaluation: 'takes',
  accessEvaluations: 'takes',
  callEvaluation: 'takes',
  searchSubject: 'takes',
  searchResource: 'takes',
  searchAction: 'takes',
  // Whoever asks proves itself as a client; the token is what is asked about, and who it is bound to is answered.
  introspect: 'is told of',
  revoke: 'is told of',
  revocations: 'is told of',
  statusList: 'is told of',
  // The registration access token is no access token: it is replaced at every use, and buys none.
  registered: 'none',
  ...Object.fromEntries(
    [
      ...[
        'par',
        'authorize',
        'deviceAuthorization',
        'device',
        'confirm',
        'backchannelAuthentication',
        'ciba',
      ],
      ...['approvals', 'register', 'jwks', 'challenge', 'login', 'upstream', 'secondFactor', 'consent'],
      ...['security', 'addPasskey', 'addTotp', 'removeAuthenticator', 'logout', 'logoutConfirm', 'asset'],
      ...['account', 'endSession', 'endOtherSessions', 'withdraw', 'forgetConsent', 'keyReports'],
      ...['openidConfiguration', 'authorizationServer', 'authzenConfiguration', 'grants'],
    ].map(name => [name, 'none'] as const),
  ),
}

test('every endpoint of the admin API takes a token, but for the document about it', () => {
  const options = { ports: { store: {}, clock: { monotonicMs: () => 0 } } }
  const desk = {
    issuerUrl: 'https://as.example',
    audience: 'https://admin.example',
    highRiskAcr: 'x',
    options,
  }
  // How it takes one, with all of its proof and nothing less, is shown where its listener is.
  for (const { path, takesToken } of adminRoutes(desk as never))
    assert.equal(takesToken, path === openApiPath ? undefined : true, path)
})

test('every endpoint of the product says what it does with tokens, and each that takes one is asked for its proof', () => {
  const names = Object.entries(paths)
  assert.deepEqual(Object.keys(tokenUse).toSorted(), names.map(([name]) => name).toSorted())
  const inMatrix = [userinfo, ...Object.values(desks)]
  const taking = names.filter(([name]) => tokenUse[name] === 'takes')
  for (const { room, method, path } of routes.filter(({ path }) => taking.some(([, one]) => one === path))) {
    const desk = inMatrix.some(
      one => one.path === path.replace(':id', 'g-1') && (one.room === room || one.method === method),
    )
    assert.ok(desk, `${method} ${path}`)
  }
  assert.ok(routes.every(({ path }) => names.some(([, one]) => one === path)))
})

for (const kind of kinds)
  for (const who of everybody.filter(one => kind !== 'mtls' || one !== 'attested by its proof'))
    for (const [grantType, ask] of Object.entries(grants).filter(
      ([name]) => !(who === 'public' && confidentialOnly.includes(name)),
    ))
      describe(`${grantType}, ${kind}, ${who} client`, () => {
        const client = clientFor(kind, who)
        const enough = evidenceFor(kind)

        for (const format of formats)
          test(`the ${format} token is bound as the request was`, async () => {
            await using world = await openMatrix(client, format)
            const reply = await askWith(ask, world, client, optionsFor(enough, who))
            assert.equal(reply.status, 200, reply.body.toString())
            assert.equal(jsonOf(reply).token_type, kind === 'mtls' ? 'Bearer' : 'DPoP')
            const token = textOf(reply, 'access_token')
            const form = { token, ...world.assertion('c_rs') }
            const described = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
            assert.deepEqual(described.cnf, expectedCnf(kind, who))
            for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'])
              assert.ok(name in described, name)
            if (format !== 'jwt') return
            assert.deepEqual(claimsOf(token).cnf, expectedCnf(kind, who))
            const { status_list: place } = claimsOf(token).status as { status_list: { uri: string } }
            const { pathname } = new URL(place.uri)
            const params = { id: pathname.slice(-28) }
            assert.equal((await world.send(statusListRoom, pathname, { method: 'GET', params })).status, 200)
          })

        test('less than that gets no token, and spends nothing', async () => {
          for (const less of lessThan(kind)) {
            await using world = await openMatrix(client)
            const spend = await ask(world, client, optionsFor(enough, who))
            // Without its proof this one is nobody.
            const refused = who === 'attested by its proof' && !less.proof ? 401 : 400
            assert.equal((await spend(optionsFor(less, who))).status, refused)
            world.clock.advance(10)
            const reply = await spend(optionsFor(enough, who))
            assert.equal(reply.status, 200, reply.body.toString())
          }
        })

        test('userinfo takes the token with all of its proof and with nothing less', async () => {
          if (withoutIdentity.includes(grantType)) return
          await using world = await openMatrix(client)
          const reply = await askWith(ask, world, client, optionsFor(enough, who))
          const token = textOf(reply, 'access_token')
          assert.equal((await readUserinfo(world, token, enough, who)).status, 200)
          for (const less of lessThan(kind))
            assert.equal((await readUserinfo(world, token, less, who)).status, 401)
        })
      })

for (const kind of kinds)
  for (const who of everybody.filter(one => kind !== 'mtls' || one !== 'attested by its proof'))
    for (const [name, desk] of Object.entries(desks).filter(() => who !== 'public'))
      test(`${desk.method} ${desk.path} takes a token of ${kind}, ${who}, with all of its proof and nothing less`, async () => {
        await using world = await openMatrix(clientFor(kind, who))
        const enough = evidenceFor(kind)
        const fields = { grant_type: 'client_credentials', scope: desk.scope ?? name }
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
      const reply = await askWith(ask, world, client, good)
      assert.equal(reply.status, 200, reply.body.toString())
      const form = { token: textOf(reply, 'access_token'), ...world.assertion('c_rs') }
      const described = jsonOf(await world.send(introspectRoom, '/introspect', { form }))
      assert.deepEqual(described.cnf, expectedCnf('mtls', 'confidential'))

      for (const kind of ['dpop', 'dpop+mtls'] as const) {
        const spend = await ask(world, client, good)
        assert.equal((await spend(optionsFor(evidenceFor(kind), 'confidential'))).status, 400)
      }
    })
})
