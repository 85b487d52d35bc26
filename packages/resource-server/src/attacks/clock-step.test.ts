import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { coolDownSeconds, freshSeconds } from '../issuer.ts'
import { inMemoryReplayMemory } from '../replay.ts'
import { accepted, call, dpopHeaders, refused, type TestBed, testBed } from '../test-bed.ts'
import { testKey } from '../testing.ts'

const apiKey = testKey('ES256')
const seen = (bed: TestBed, path: string): number =>
  bed.issuer.seen.filter(({ url }) => url.endsWith(path)).length

describe('a clock that steps', () => {
  test('ahead and back does not make the memory forget proofs that are acceptable again', async () => {
    const bed = testBed()
    const headers = dpopHeaders(bed, bed.boundToken())
    accepted(await call(bed, { headers }))
    bed.clock.advance(7200)
    const later = dpopHeaders(bed, bed.issuer.mint({ cnf: { jkt: bed.key.thumbprint } }))
    accepted(await call(bed, { headers: later }))
    bed.clock.advance(-7200)
    refused(await call(bed, { headers }), 503, 'replay.full')
    assert.deepEqual(bed.alarms, ['replay-memory.full'])
  })

  test('back does not let the memory take a forgotten proof for a new one', () => {
    const now = epochSeconds(1_800_000_000)
    const at = (seconds: number) => epochSeconds(now + seconds)
    const memory = inMemoryReplayMemory({ completeSince: now })
    assert.equal(memory.remember('a', at(60), now), 'first')
    assert.equal(memory.remember('b', at(500), at(440)), 'first')
    assert.equal(memory.remember('a', at(60), now), 'full')
    assert.equal(memory.remember('new', at(501), at(441)), 'first')
  })

  test('back does not stretch how long an answer of introspection is believed', async () => {
    const bed = testBed({
      tokens: {
        introspection: {
          authentication: {
            method: 'private_key_jwt',
            clientId: 'rs-1',
            privateKey: apiKey.privateKey,
            alg: 'ES256',
          },
        },
      },
    })
    const token = 'at_0123456789'
    const claims = {
      active: true,
      ...bed.issuer.claims({ cnf: { jkt: bed.key.thumbprint }, iat: 1_799_990_000 }),
    }
    bed.issuer.introspection.set(token, claims)
    accepted(await call(bed, { headers: dpopHeaders(bed, token) }))
    bed.issuer.introspection.set(token, { active: false })
    bed.clock.advance(-3600)
    refused(await call(bed, { headers: dpopHeaders(bed, token) }), 401, 'access-token.inactive')
    assert.equal(seen(bed, '/introspect'), 2)
  })

  test('back does not keep old keys of the issuer, nor the waiting between two looks', async () => {
    const bed = testBed()
    const iat = bed.clock.now() - 10_000
    const use = () => call(bed, { headers: dpopHeaders(bed, bed.boundToken({ iat, nbf: iat })) })
    accepted(await use())
    assert.equal(seen(bed, '/jwks'), 1)
    bed.clock.advance(-(freshSeconds + coolDownSeconds))
    accepted(await use())
    assert.equal(seen(bed, '/jwks'), 2)
  })
})

test('an alarm that throws changes no answer', async () => {
  const bed = testBed({
    onAlarm: () => {
      throw new Error('the pager is down')
    },
    fetch: () => Promise.reject(new Error('no network')),
  })
  refused(await call(bed, { headers: dpopHeaders(bed, bed.boundToken()) }), 503, 'issuer.unavailable')
})
