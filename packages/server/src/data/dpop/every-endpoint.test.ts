import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AuthzenEndpoint, authzenPaths } from '@holdfast/policy'
import { parseChallenges } from '@holdfast/protocol/wire/challenge.ts'
import { decidingWorld } from '../../../../../test/authzen/world.ts'
import type { Reply } from '../../http/exchange.ts'
import { callRoom } from '../access/call-room.ts'
import { accessRoom } from '../access/room.ts'
import { globalRevocationRoom } from '../global-revocation/room.ts'
import { revokeGrantRoom } from '../grants/room.ts'
import { paths } from '../paths.ts'
import { clientOf, keys } from '../testing/clients.ts'
import { clientEndpoints } from '../testing/endpoints.ts'
import { currentNonce, headersOf, jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import {
  type FormFields,
  issuerUrl,
  openWorld,
  type ProofOptions,
  startOfWorld,
  type World,
} from '../testing/world.ts'
import { userinfoRoom } from '../userinfo/room.ts'

/** Every endpoint that takes a proof × every way a proof fails. */

const incidentSystem = clientOf({ clientId: 'c_incident', scopes: ['global_token_revocation'] })
const gateway = clientOf({ clientId: 'c_gateway', scopes: ['access_evaluation'] })
const decisionPoint = decidingWorld()
const openTestWorld = (): Promise<World> => openWorld({ clients: [incidentSystem, gateway], decisionPoint })

const decisionEndpoints = [
  ...Object.entries(authzenPaths).map(
    ([endpoint, path]) => [accessRoom(endpoint as AuthzenEndpoint), path] as const,
  ),
  [callRoom, paths.callEvaluation] as const,
]

interface ProvenEndpoint {
  readonly path: string
  readonly status: number
  readonly refusedWith: number
  /** What nothing but the request needs: an access token where one is presented. */
  readonly prepare: (world: World) => Promise<Prepared>
}

interface Prepared {
  readonly goodProof: (spoil?: ProofOptions) => string
  readonly send: (proofs: readonly string[]) => Promise<Reply>
}

const proving: readonly ProvenEndpoint[] = [
  ...clientEndpoints
    .filter(({ dpop }) => dpop !== 'none')
    .map(({ path, room, fields, status }) => ({
      path,
      status,
      refusedWith: 400,
      prepare: async (world: World): Promise<Prepared> => ({
        goodProof: spoil => world.proof(path, { nonce: currentNonce(world), ...spoil }),
        send: proofs => {
          const form: FormFields = { ...fields, ...world.assertion('c_bank') }
          return world.send(room, path, { form, headers: proofs.map(proof => ['dpop', proof] as const) })
        },
      }),
    })),
  {
    path: '/grants/:id',
    status: 404,
    refusedWith: 401,
    prepare: async world => {
      const fields = { grant_type: 'client_credentials', scope: 'grant_management_revoke' }
      const accessToken = textOf(await requestToken(world, 'c_manager', fields), 'access_token')
      const path = '/grants/g-1'
      return {
        goodProof: spoil =>
          world.proof(path, { nonce: currentNonce(world), accessToken, method: 'DELETE', ...spoil }),
        send: proofs =>
          world.send(revokeGrantRoom, path, {
            method: 'DELETE',
            params: { id: 'g-1' },
            headers: [
              ['authorization', `DPoP ${accessToken}`],
              ...proofs.map(proof => ['dpop', proof] as const),
            ],
          }),
      }
    },
  },
  {
    path: '/global-token-revocation',
    status: 404,
    refusedWith: 401,
    prepare: async world => {
      const fields = { grant_type: 'client_credentials', scope: 'global_token_revocation' }
      const accessToken = textOf(await requestToken(world, 'c_incident', fields), 'access_token')
      const path = '/global-token-revocation'
      return {
        goodProof: spoil => world.proof(path, { nonce: currentNonce(world), accessToken, ...spoil }),
        send: proofs =>
          world.send(globalRevocationRoom, path, {
            body: JSON.stringify({ sub_id: { format: 'opaque', id: 'u_nobody' } }),
            headers: [
              ['content-type', 'application/json'],
              ['authorization', `DPoP ${accessToken}`],
              ...proofs.map(proof => ['dpop', proof] as const),
            ],
          }),
      }
    },
  },
  ...decisionEndpoints.map(
    ([room, path]): ProvenEndpoint => ({
      path,
      // The token was taken, and the empty question was not.
      status: 400,
      refusedWith: 401,
      prepare: async world => {
        const fields = { grant_type: 'client_credentials', scope: 'access_evaluation' }
        const accessToken = textOf(await requestToken(world, 'c_gateway', fields), 'access_token')
        return {
          goodProof: spoil => world.proof(path, { nonce: currentNonce(world), accessToken, ...spoil }),
          send: proofs =>
            world.send(room, path, {
              body: '{}',
              headers: [
                ['content-type', 'application/json'],
                ['authorization', `DPoP ${accessToken}`],
                ...proofs.map(proof => ['dpop', proof] as const),
              ],
            }),
        }
      },
    }),
  ),
  {
    path: '/userinfo',
    status: 200,
    refusedWith: 401,
    prepare: async world => {
      const { code } = await seedCode(world, 'c_bank')
      const accessToken = textOf(await redeem(world, 'c_bank', code), 'access_token')
      return {
        goodProof: spoil => world.proof('/userinfo', { nonce: currentNonce(world), accessToken, ...spoil }),
        send: proofs =>
          world.send(userinfoRoom, '/userinfo', {
            headers: [
              ['authorization', `DPoP ${accessToken}`],
              ...proofs.map(proof => ['dpop', proof] as const),
            ],
          }),
      }
    },
  },
]

const privateJwk = keys.proof.privateKey.export({ format: 'jwk' })
const publicJwk = keys.proof.publicKey.export({ format: 'jwk' })
const spoiledProofs: readonly (readonly [name: string, spoil: ProofOptions])[] = [
  ['typ JWT', { header: { typ: 'JWT' } }],
  ['no typ', { header: { typ: undefined } }],
  ['no alg', { header: { alg: undefined } }],
  ['alg RS256', { header: { alg: 'RS256' } }],
  ['alg HS256', { header: { alg: 'HS256' } }],
  ['alg none', { header: { alg: 'none' } }],
  ['no jwk', { header: { jwk: undefined } }],
  ['the key of somebody else', { header: { jwk: keys.attacker.publicJwk } }],
  ['a private key', { header: { jwk: privateJwk } }],
  ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].map(
    member => [`\`${member}\` in its key`, { header: { jwk: { ...publicJwk, [member]: 'AA' } } }] as const,
  ),
  ['no jti', { claims: { jti: undefined } }],
  ['a jti of 257 characters', { claims: { jti: 'j'.repeat(257) } }],
  ['no htm', { claims: { htm: undefined } }],
  ['another method', { claims: { htm: 'GET' } }],
  ['the method in lower case', { claims: { htm: 'post' } }],
  ['no htu', { claims: { htu: undefined } }],
  ['another path', { claims: { htu: `${issuerUrl}/authorize` } }],
  ['another host', { claims: { htu: 'https://evil.example/token' } }],
  ['the other listener', { claims: { htu: 'https://mtls.as.example/token' } }],
  ['no iat', { claims: { iat: undefined } }],
  ['an iat 61 seconds ago', { claims: { iat: startOfWorld - 61 } }],
  ['an iat 31 seconds ahead', { claims: { iat: startOfWorld + 31 } }],
  ['an iat an hour ahead', { claims: { iat: startOfWorld + 3600 } }],
]

/** Exact status, and the error where this endpoint says it: in JSON, or in the challenge of its scheme. */
function assertRefusedProof(reply: Reply, { refusedWith }: ProvenEndpoint, error: string): void {
  assert.equal(reply.status, refusedWith, reply.body.toString())
  assert.equal(jsonOf(reply).error, error)
  assert.deepEqual(headersOf(reply, 'cache-control'), ['no-store'])
  const challenges = headersOf(reply, 'www-authenticate').flatMap(field => parseChallenges(field) ?? [])
  const errors = challenges.map(({ scheme, params }) => [scheme, params.get('error')])
  const expected = [
    ['DPoP', error],
    ['Bearer', undefined],
  ]
  assert.deepEqual(errors, refusedWith === 401 ? expected : [])
}

for (const endpoint of proving)
  describe(`proofs at ${endpoint.path}`, () => {
    const { path, status } = endpoint

    for (const [name, spoil] of spoiledProofs)
      test(`a proof with ${name} is ${endpoint.refusedWith} invalid_dpop_proof at ${path}`, async () => {
        await using world = await openTestWorld()
        const { goodProof, send } = await endpoint.prepare(world)
        assertRefusedProof(await send([goodProof(spoil)]), endpoint, 'invalid_dpop_proof')
        const record = (await world.audit()).at(-1)
        assert.equal(record?.outcome, 'refused')
        assert.equal((await send([goodProof()])).status, status)
      })

    for (const [name, textsOf] of [
      ['two proofs', (good: string, other: string) => [good, other]],
      ['two proofs in one field', (good: string, other: string) => [`${good}, ${other}`]],
      ['`abc`', () => ['abc']],
      ['four parts', (good: string) => [`${good}.x`]],
      ['capitals', (good: string) => [good.toUpperCase()]],
      ['more than 8 KiB', (good: string) => [good + 'A'.repeat(8192)]],
      [
        'a changed character',
        (good: string) => [good.slice(0, -3) + (good.at(-3) === 'A' ? 'B' : 'A') + good.slice(-2)],
      ],
    ] as const)
      test(`${name} as proof is ${endpoint.refusedWith} invalid_dpop_proof at ${path}`, async () => {
        await using world = await openTestWorld()
        const { goodProof, send } = await endpoint.prepare(world)
        assertRefusedProof(await send(textsOf(goodProof(), goodProof())), endpoint, 'invalid_dpop_proof')
      })

    for (const [name, spoil] of [
      ['no nonce', { claims: { nonce: undefined } }],
      ['a nonce nobody gave', { nonce: 'x'.repeat(43) }],
      ['a nonce that is no text', { claims: { nonce: 7 } }],
    ] as const)
      test(`a proof with ${name} is told a nonce, once, and works with it at ${path}`, async () => {
        await using world = await openTestWorld()
        const { goodProof, send } = await endpoint.prepare(world)
        const reply = await send([goodProof(spoil)])
        assertRefusedProof(reply, endpoint, 'use_dpop_nonce')
        const nonces = headersOf(reply, 'dpop-nonce')
        assert.equal(nonces.length, 1)
        assert.equal((await send([goodProof({ nonce: nonces[0] ?? '' })])).status, status)
      })

    test(`a proof is used once at ${path}, and its second use is an alert`, async () => {
      await using world = await openTestWorld()
      const { goodProof, send } = await endpoint.prepare(world)
      const proof = goodProof()
      assert.equal((await send([proof])).status, status)
      assertRefusedProof(await send([proof]), endpoint, 'invalid_dpop_proof')
      assert.equal((await world.audit()).at(-1)?.outcome, 'alert')
    })
  })
