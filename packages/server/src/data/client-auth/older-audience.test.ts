import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fapi1Advanced } from '@holdfast/protocol/profiles/fapi1-advanced.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { accounts } from '../testing/clients.ts'
import { type ClientEndpoint, clientEndpoints } from '../testing/endpoints.ts'
import { fapi1Certificate, fapi1Client, hybridObject } from '../testing/fapi1.ts'
import { issuerUrl, mtlsUrl, openWorld, type World } from '../testing/world.ts'

/** What an `aud` of FAPI 1.0 may be, at every endpoint that takes assertions, where issuer and client let it be so. */

const older: Client = {
  ...fapi1Client({ clientId: 'c_older', introspects: [accounts] }),
  profile: fapi1Advanced,
}
const strict = fapi1Client({ clientId: 'c_strict', introspects: [accounts] })

async function statusOf(world: World, who: Client, endpoint: ClientEndpoint, aud: unknown): Promise<number> {
  const { clientId } = who
  const { path, room, fields } = endpoint
  const isPush = path === '/par'
  const asked = isPush ? { request: hybridObject(world, { clientId }) } : fields
  const form = { ...world.assertion(clientId, { claims: { aud } }), ...asked }
  return (await world.send(room, path, { form, certificate: fapi1Certificate })).status
}

describe('an endpoint as audience of a client assertion', () => {
  for (const endpoint of clientEndpoints) {
    const { path, status } = endpoint
    const asked = [issuerUrl + path, mtlsUrl + path]
    const token = [`${issuerUrl}/token`, `${mtlsUrl}/token`]
    const ours: readonly unknown[] = [
      issuerUrl,
      ...asked,
      ...token,
      [issuerUrl, ...token],
      [issuerUrl + path],
    ]

    it(`is taken at ${path} where the profile lets it be one of ours`, async () => {
      await using world = await openWorld({ clients: [older] })
      for (const aud of ours)
        assert.equal(await statusOf(world, older, endpoint, aud), status, JSON.stringify(aud))
    })

    it(`is refused at ${path} when it is another one, or stands beside one that is not ours`, async () => {
      await using world = await openWorld({ clients: [older] })
      const others = [`${issuerUrl}/authorize`, 'https://other.example/token', mtlsUrl, `${issuerUrl}/`]
      for (const aud of [...others, ...others.map(one => [issuerUrl, one]), [], ['https://other.example']])
        assert.equal(await statusOf(world, older, endpoint, aud), 401, JSON.stringify(aud))
    })

    it(`is refused at ${path} where the floor of the issuer does not let it`, async () => {
      await using world = await openWorld({ clients: [strict] })
      for (const aud of [...asked, ...token])
        assert.equal(await statusOf(world, strict, endpoint, aud), 401, JSON.stringify(aud))
      assert.equal(await statusOf(world, strict, endpoint, [issuerUrl]), status)
    })
  }
})
