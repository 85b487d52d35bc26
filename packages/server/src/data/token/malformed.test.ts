import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backchannelAuthenticationRoom } from '../ciba/authentication-room.ts'
import { introspectRoom } from '../introspect/room.ts'
import { revokeRoom } from '../revoke/room.ts'
import { currentNonce } from '../testing/flow.ts'
import { openWorld } from '../testing/world.ts'
import { userinfoRoom } from '../userinfo/room.ts'
import { tokenRoom } from './room.ts'

const rooms = { tokenRoom, introspectRoom, revokeRoom, userinfoRoom, backchannelAuthenticationRoom }
const names = [
  'grant_type',
  'code',
  'client_id',
  'client_assertion',
  'client_assertion_type',
  'scope',
  'resource',
  'token',
]
const values = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'c_bank',
  // No public client: it names itself, and revoking an unknown token is then a good request answered 200.
  'c_nobody',
  'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  'a.b.c',
  'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjX2JhbmsifQ.AAAA',
  '%00',
  '%ff',
  '__proto__',
]
const text = fc.oneof(fc.constantFrom(...values), fc.string({ unit: 'binary', maxLength: 40 }))
const body = fc
  .array(fc.tuple(fc.constantFrom(...names), text), { maxLength: 8 })
  .map(pairs => pairs.map(([name, value]) => `${name}=${value}`).join('&'))
const header = fc.tuple(fc.constantFrom('dpop', 'authorization'), text)

for (const [name, room] of Object.entries(rooms))
  test(`${name} answers malformed input with an error of its dialect, and never throws`, async () => {
    await using world = await openWorld()
    await fc.assert(
      fc.asyncProperty(body, fc.array(header, { maxLength: 3 }), async (sent, headers) => {
        const reply = await world.send(room, '/x', { body: sent, headers })
        assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status} for ${sent}`)
        JSON.parse(reply.body.toString())
      }),
      { numRuns: 150 },
    )
  })

test('malformed input of an authenticated client is answered the same way', async () => {
  await using world = await openWorld()
  await fc.assert(
    fc.asyncProperty(body, async sent => {
      const identity = new URLSearchParams(world.assertion('c_bank')).toString()
      const clean = sent
        .split('&')
        .filter(pair => !pair.startsWith('client_'))
        .join('&')
      const dpop = world.proof('/token', { nonce: currentNonce(world) })
      const reply = await world.send(tokenRoom, '/token', {
        body: `${identity}&${clean}`,
        headers: [['dpop', dpop]],
      })
      assert.ok(reply.status === 200 || (reply.status >= 400 && reply.status < 500), `${reply.status}`)
    }),
    { numRuns: 150 },
  )
})
