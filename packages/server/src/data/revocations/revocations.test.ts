import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { revocationDigest } from '@holdfast/protocol/revocation-event.ts'
import type { Reply, Sink } from '../../http/exchange.ts'
import { Fault } from '../../ports.ts'
import type { Store } from '../../store/store.ts'
import { subjectFor } from '../mint/pairwise.ts'
import { clientOf, keys, payments } from '../testing/clients.ts'
import { headersOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'
import { startFeed } from './feed.ts'
import { revocationsRoom } from './room.ts'

interface Heard {
  readonly reply: Reply
  readonly sink: Sink
  readonly texts: string[]
  readonly isCut: () => boolean
  readonly leave: () => void
}

/** @param waiting bytes the reader leaves unread */
async function listen(world: World, lastEventId?: string, waiting = 0): Promise<Heard> {
  const headers = lastEventId === undefined ? [] : [['last-event-id', lastEventId] as const]
  const form = world.assertion('c_rs')
  const reply = await world.send(revocationsRoom, '/revocations', { form, headers })
  const heard = hearing(waiting)
  reply.stream?.(heard.sink)
  return { reply, ...heard }
}

/** A reader that keeps what it is told. */
function hearing(waiting = 0): Omit<Heard, 'reply'> {
  const texts: string[] = []
  const closed: (() => void)[] = []
  const state = { isCut: false }
  const leave = (): void => {
    for (const tell of closed.splice(0)) tell()
  }
  const sink: Sink = {
    write: text => {
      texts.push(text)
      return waiting
    },
    drained: () => new Promise(resolve => closed.push(resolve)),
    end: leave,
    cut: () => {
      state.isCut = true
      leave()
    },
    onClose: tell => closed.push(tell),
  }
  return { sink, texts, isCut: () => state.isCut, leave }
}

async function until(is: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !is(); turn++) await new Promise(resolve => setTimeout(resolve, 5))
  assert.ok(is(), 'it did not happen')
}

const told = ({ texts }: Pick<Heard, 'texts'>, event: string): readonly Record<string, unknown>[] =>
  texts
    .join('')
    .split('\n\n')
    .filter(text => text.includes(`event: ${event}\n`))
    .map(text => JSON.parse(/data: (.*)/.exec(text)?.[1] ?? ''))

const topics = (heard: Pick<Heard, 'texts'>): readonly unknown[] =>
  told(heard, 'revoked').map(({ topic }) => topic)

async function issue(world: World): Promise<string> {
  const { code, grantId } = await seedCode(world, 'c_bank')
  await redeem(world, 'c_bank', code)
  return grantId
}

describe('the revocation feed', () => {
  test('tells what ended as digests, then that it is up to date, and nothing that names anybody', async () => {
    await using world = await openWorld()
    const grantId = await issue(world)
    const at = world.clock.now()
    await world.store.commit([{ kind: 'revoke-grant', id: grantId, at }])
    const heard = await listen(world)
    assert.equal(heard.reply.status, 200)
    assert.deepEqual(headersOf(heard.reply, 'content-type'), ['text/event-stream'])
    await until(() => told(heard, 'heartbeat').length > 0)
    assert.deepEqual(topics(heard), ['grant'])
    const user = await world.store.findUserBySubject(issuerUrl, alice)
    assert.ok(user)
    await world.store.commit([{ kind: 'put-user', record: { ...user, status: 'disabled' } }])
    await until(() => topics(heard).length === 2)
    assert.deepEqual(topics(heard), ['grant', 'subject'])
    for (const name of [grantId, alice, 'c_bank']) assert.ok(!heard.texts.join('').includes(name))
    for (const { digest } of told(heard, 'revoked')) assert.match(String(digest), /^[\w-]{43}$/)
    heard.leave()
  })

  test('goes on behind the last event a reader has, and starts again for one of another store', async () => {
    await using world = await openWorld()
    const at = world.clock.now()
    await world.store.commit([{ kind: 'revoke-grant', id: await issue(world), at }])
    await world.store.commit([{ kind: 'revoke-grant', id: await issue(world), at }])
    const epoch = world.store.epoch()
    const cases: readonly [string, number, number][] = [
      [`${epoch}.0`, 2, 0],
      [`${epoch}.1`, 1, 0],
      [`${epoch}.2`, 0, 0],
      [`${epoch - 1}.2`, 2, 1],
      ['nonsense', 2, 1],
    ]
    for (const [id, events, resyncs] of cases) {
      const heard = await listen(world, id)
      await until(() => told(heard, 'heartbeat').length > 0)
      assert.equal(topics(heard).length, events, id)
      assert.equal(told(heard, 'resync').length, resyncs, id)
      heard.leave()
    }
  })

  test('tells of a user by every name that tokens have for them', async () => {
    const pairwise = clientOf({ clientId: 'c_pairwise', sector: 'sector.example' })
    await using world = await openWorld({ clients: [pairwise] })
    const at = world.clock.now()
    await issue(world)
    await world.store.commit([{ kind: 'revoke-grants-of-subject', issuer: issuerUrl, subject: alice, at }])
    const heard = await listen(world)
    await until(() => told(heard, 'heartbeat').length > 0)
    const { keys: ring } = world.ports
    const names = [undefined, 'sector.example'].map(one => subjectFor(ring, issuerUrl, one, alice))
    assert.deepEqual(
      told(heard, 'revoked').map(({ digest }) => digest),
      names.map(name => revocationDigest('subject', issuerUrl, name)),
    )
    heard.leave()
  })

  test('tells of every grant that ended with a session, however many they are', async () => {
    await using world = await openWorld()
    const sid = 'sid-of-a-long-day'
    const count = 1001
    for (let index = 0; index < count; index++)
      await seedCode(world, 'c_bank', { grant: { sid, scopes: ['openid'] } })
    await world.store.commit([{ kind: 'revoke-grants-of-session', sid, at: world.clock.now() }])
    const heard = await listen(world)
    await until(() => told(heard, 'heartbeat').length > 0)
    const digests = new Set(told(heard, 'revoked').map(({ digest }) => digest))
    assert.equal(digests.size, count)
    heard.leave()
  })

  test('tells of a token only those it was for', async () => {
    const foreign = clientOf({
      clientId: 'c_rs',
      jwks: { keys: [keys.resourceServer.publicJwk] },
      dpopBoundAccessTokens: false,
      grantTypes: [],
      introspects: [payments],
    })
    for (const [clients, expected] of [
      [[], ['token']],
      [[foreign], []],
    ] as const) {
      await using world = await openWorld({ clients })
      const fields = { grant_type: 'client_credentials', scope: 'accounts' }
      textOf(await requestToken(world, 'c_bank', fields), 'access_token')
      const [record] = (await world.audit()).filter(({ event }) => event === 'token.issued')
      const hash = String(record?.facts.token_ref ?? record?.facts.access_token_ref)
      await world.store.commit([{ kind: 'revoke-access-token', hash: hash as never, at: world.clock.now() }])
      assert.equal((await world.store.listRevocations(0, 10)).length, 1)
      const heard = await listen(world)
      await until(() => told(heard, 'heartbeat').length > 0)
      assert.deepEqual(topics(heard), expected)
      heard.leave()
    }
  })

  test('is not told to an ordinary client, nor to one without authentication', async () => {
    await using world = await openWorld()
    const form = world.assertion('c_bank')
    const reply = await world.send(revocationsRoom, '/revocations', { form })
    await assertRefused(world, reply, { status: 403, error: 'access_denied', ruleId: 'introspection.caller' })
    const anonymous = await world.send(revocationsRoom, '/revocations', { form: { a: 'b' } })
    await assertRefused(world, anonymous, { status: 401, error: 'invalid_client' })
  })

  test('is silent while the store does not answer, and goes on where it was when it does', async () => {
    await using world = await openWorld()
    const grantId = await issue(world)
    const { listRevocations } = world.store
    const state = { isDown: false, asked: 0 }
    const store: Store = {
      ...world.store,
      listRevocations: async (after, limit) => {
        state.asked++
        if (state.isDown) throw new Fault('store.unavailable')
        return await listRevocations(after, limit)
      },
    }
    const reader = { issuerUrl, clientId: 'c_rs', openedMs: 0, after: 0, isResync: false }
    const heard = hearing()
    startFeed(reader, heard.sink, { ...world.ports, store })
    await until(() => told(heard, 'heartbeat').length > 0)
    const beats = told(heard, 'heartbeat').length
    const asked = state.asked
    state.isDown = true
    await world.store.commit([{ kind: 'revoke-grant', id: grantId, at: world.clock.now() }])
    await until(() => state.asked > asked)
    assert.deepEqual([topics(heard), told(heard, 'heartbeat').length], [[], beats])
    state.isDown = false
    await until(() => told(heard, 'heartbeat').length > beats)
    assert.deepEqual(topics(heard), ['grant'])
    heard.leave()
  })

  test('an assertion opens one feed', async () => {
    await using world = await openWorld()
    const form = world.assertion('c_rs')
    assert.equal((await world.send(revocationsRoom, '/revocations', { form })).status, 200)
    const again = await world.send(revocationsRoom, '/revocations', { form })
    await assertRefused(world, again, { status: 401, error: 'invalid_client' })
  })

  test('a client has sixteen readers at most, and a place is free again when one leaves', async () => {
    await using world = await openWorld()
    const readers: Heard[] = []
    for (let count = 0; count < 16; count++) readers.push(await listen(world))
    const { reply } = await listen(world)
    const expected = { status: 503, error: 'temporarily_unavailable', ruleId: 'revocations.busy' }
    await assertRefused(world, reply, expected)
    readers.pop()?.leave()
    const next = await listen(world)
    assert.equal(next.reply.status, 200)
    for (const one of [...readers, next]) one.leave()
  })

  test('a reader that does not read is cut', async () => {
    await using world = await openWorld()
    const heard = await listen(world, undefined, 1_000_000)
    for (let turn = 0; turn < 140 && !heard.isCut(); turn++)
      await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(heard.isCut(), true)
  })
})
