import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { askCiba, cibaClient } from '../testing/ciba.ts'
import { clientOf } from '../testing/clients.ts'
import { signIn } from '../testing/logout.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

/** ID tokens with pairwise subjects as `id_token_hint`: they say who is meant, to us alone. */

const open = (...clients: readonly Client[]): Promise<World> => openWorld({ clients })
const bad = (error: string, ruleId: string) => ({ status: 400, error, ruleId })

async function disableAlice(world: World): Promise<void> {
  const user = await world.store.findUserBySubject(issuerUrl, alice)
  if (user === undefined) throw new TypeError('no alice')
  await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
}

describe('the ID token of a client of a sector', () => {
  test('an ID token says who is meant to a client of a sector too, sealed, and to no other client', async () => {
    const both = {
      grantTypes: [...cibaClient().grantTypes, 'authorization_code'] as const,
      redirectUris: clientOf({ clientId: 'x' }).redirectUris,
    }
    const sectored = cibaClient({ clientId: 'c_sector', ...both, sector: 'pos.example' })
    await using world = await open(
      sectored,
      cibaClient({ clientId: 'c_same', ...both, sector: 'pos.example' }),
      clientOf({ clientId: 'c_web', sector: 'pos.example' }),
    )
    const [first, again, same, web] = await Promise.all(
      ['c_sector', 'c_sector', 'c_same', 'c_web'].map(clientId => signIn(world, clientId)),
    )
    assert.ok(first && again && same && web)
    const { idToken } = first
    const hint = (token: string): unknown => decodeJwt(token)['urn:holdfast:claim:subject-hint']
    assert.notEqual(decodeJwt(idToken).sub, alice)
    assert.equal(decodeJwt(idToken).sub, decodeJwt(same.idToken).sub)
    assert.equal(new Set([idToken, again.idToken, same.idToken].map(hint)).size, 3)
    assert.equal(hint(web.idToken), undefined)
    assert.ok(!Buffer.from(String(hint(idToken)), 'base64url').includes(alice))

    const ask = (id_token_hint: string): Promise<Reply> =>
      askCiba(world, { login_hint: undefined, id_token_hint }, { clientId: 'c_sector' })
    const reply = await ask(idToken)
    assert.equal(reply.status, 200, reply.body.toString())
    assert.equal((await world.lastAudit('ciba.requested'))?.subject, alice)
    await assertRefused(world, await ask(same.idToken), bad('invalid_request', 'ciba.id-token-hint'))

    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_sector', { ...sectored, sector: 'other.example' })
    await assertRefused(world, await ask(idToken), bad('unknown_user_id', 'ciba.user'))
    clients.set('c_sector', { ...sectored, sector: undefined })
    await assertRefused(world, await ask(idToken), bad('unknown_user_id', 'ciba.user'))
    clients.set('c_sector', sectored)
    await disableAlice(world)
    await assertRefused(world, await ask(idToken), bad('unknown_user_id', 'ciba.user'))
  })

  test('an ID token of a client of a sector that is older than its CIBA grant names nobody', async () => {
    const before = clientOf({ clientId: 'c_sector', sector: 'pos.example' })
    await using world = await openWorld({ clients: [before] })
    const { idToken } = await signIn(world, 'c_sector')
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_sector', cibaClient({ clientId: 'c_sector', sector: 'pos.example' }))
    const fields = { login_hint: undefined, id_token_hint: idToken }
    const reply = await askCiba(world, fields, { clientId: 'c_sector' })
    await assertRefused(world, reply, bad('unknown_user_id', 'ciba.user'))
  })
})
