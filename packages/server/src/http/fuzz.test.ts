import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { routes } from '../data/routes.ts'
import { type EdgeWorld, formHeader, openEdgeWorld, request, statusOf } from './testing/edge-world.ts'

const rounds = Number(process.env.HOLDFAST_FUZZ_ROUNDS ?? 150)

describe('whatever arrives', () => {
  let world: EdgeWorld
  before(async () => {
    const limits = { clientFailuresPerMinute: 1e9, prefixFailuresPerMinute: 1e9 }
    world = await openEdgeWorld(undefined, { limits })
  })
  after(() => world.stop())

  const isServed = (answer: string): boolean => {
    const status = statusOf(answer)
    return answer === '' || (status >= 200 && status < 500)
  }

  it('arbitrary bytes are refused or ignored, never 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async bytes => {
        const text = Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n\r\n\r\n')])
        assert.ok(isServed(await world.raw(text, { waitMs: 150 })))
      }),
      { numRuns: Math.ceil(rounds / 5) },
    )
  })

  it('arbitrary forms, queries and headers at every endpoint are never 5xx', async () => {
    const name = fc.constantFrom(
      'client_id',
      'client_assertion',
      'client_assertion_type',
      'grant_type',
      'code',
      'refresh_token',
      'request_uri',
      'redirect_uri',
      'scope',
      'token',
      'resource',
      'dpop_jkt',
      'max_age',
      '__proto__',
      'constructor',
    )
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom(
        'authorization_code',
        'client_credentials',
        '%',
        '%ff',
        'a.b.c',
        '{}',
        'null',
        '-1',
        '1e999',
      ),
    )
    const encode = (pairs: readonly (readonly [string, string])[], isRaw: boolean): string =>
      pairs
        .map(
          ([key, text]) =>
            `${key}=${isRaw ? text.replaceAll(/[^\x21-\x7e]/g, '') : encodeURIComponent(text.toWellFormed())}`,
        )
        .join('&')
    const header = fc.string({ maxLength: 80 }).map(text => text.replaceAll(/[^\x20-\x7e]/g, ''))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.array(fc.tuple(name, value), { maxLength: 8 }),
        fc.boolean(),
        header,
        async (route, pairs, isRaw, text) => {
          const fields = encode(pairs, isRaw)
          const path = route.path.replace(/:\w+/, 'x')
          const headers = [formHeader, `DPoP: ${text}`, `Authorization: ${text}`, `Cookie: ${text}`]
          const sent =
            route.method === 'GET'
              ? request(`GET ${path}?${fields.replaceAll(/[^\x21-\x7e]/g, '')}`, headers.slice(1))
              : request(`POST ${path}`, headers, fields)
          const answer = await world.raw(sent)
          assert.ok(isServed(answer) && answer !== '', `${route.path}: ${answer.slice(0, 400)}`)
        },
      ),
      { numRuns: rounds },
    )
  })
})
