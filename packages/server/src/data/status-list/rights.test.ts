import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { statusAt } from '@holdfast/protocol/specs/token-status-list/status-list.ts'
import { accessToken, statusEntry } from '../../store/contract/samples.ts'
import { openPostgresStore } from '../../store/drivers/postgres.ts'
import {
  dropSchema,
  newSchema,
  onServer,
  postgresAbsence,
  testConnectionString,
} from '../../store/drivers/postgres-for-tests.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { StatusStanding, Store } from '../../store/store.ts'
import type { Write } from '../../store/writes.ts'
import { putUsers } from '../testing/account.ts'
import { olderClock } from '../testing/both-stores.ts'
import { type ClientSpec, payments } from '../testing/clients.ts'
import { asking, openPayingWorld, payingClient, paymentOf, reading } from '../testing/details.ts'
import { redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { claimsOf, fetchList, placeOf, statusOf, withLists } from '../testing/status-list.ts'
import { type FormFields, issuerUrl, type World } from '../testing/world.ts'

/** A status list follows what a client may still have (decision 102), each token by what it says itself. */

const granted = [paymentOf('100.00')]
const spec = { ownAuthorizationDetails: granted } satisfies Partial<ClientSpec>
const { scopes, authorizationDetailsTypes } = payingClient()

const open = (changed: Partial<ClientSpec> = {}, store?: Store): Promise<World> =>
  openPayingWorld({
    resourceServers: withLists,
    clients: [payingClient({ ...spec, ...changed })],
    ...(store !== undefined && { store }),
  })

async function ownToken(world: World, scope: string, asked: FormFields = {}): Promise<string> {
  const fields = { grant_type: 'client_credentials', scope, resource: payments, ...asked }
  return textOf(await requestToken(world, 'c_pay', fields), 'access_token')
}

async function userToken(world: World, words: readonly string[], asked: FormFields = {}): Promise<string> {
  const grant = { scopes: words, resources: [payments], authorizationDetails: granted }
  const { code } = await seedCode(world, 'c_pay', { grant })
  return textOf(await redeem(world, 'c_pay', code, { spoil: asked }), 'access_token')
}

/** The bits of these tokens of one list, where the client is another now. */
async function bitsAfter(
  world: World,
  changed: Partial<ClientSpec>,
  tokens: readonly string[],
): Promise<readonly unknown[]> {
  assert.equal(new Set(tokens.map(token => placeOf(token).uri)).size, 1)
  for (const token of tokens) assert.equal(await statusOf(world, token), 0)
  // Another object: nothing was prepared over it. The store is closed by the world that opened it.
  const after = await open(changed, { ...world.store })
  const bits: unknown[] = []
  for (const token of tokens) bits.push(await statusOf(after, token))
  return bits
}

function entriesOf(world: World, token: string): Promise<readonly StatusStanding[]> {
  const list = placeOf(token).uri.slice(-28)
  return world.store.listStatuses(issuerUrl, list, world.clock.now(), undefined, 99)
}

describe('of the tokens of a list, those that say what their client may no longer have', () => {
  test('a scope: the one that has it', async () => {
    await using world = await open()
    const tokens = [await ownToken(world, 'payments'), await ownToken(world, 'payments profile')]
    const without = (scope: string) => ({ scopes: scopes.filter(one => one !== scope) })
    assert.deepEqual(await bitsAfter(world, without('email'), tokens), [0, 0])
    assert.deepEqual(await bitsAfter(world, without('profile'), tokens), [0, 1])
    assert.deepEqual(await bitsAfter(world, without('payments'), tokens), [1, 1])
  })

  test('the API: all of them', async () => {
    await using world = await open()
    const tokens = [await ownToken(world, 'payments'), await userToken(world, ['openid', 'payments'])]
    assert.deepEqual(await bitsAfter(world, { resources: [] }, tokens), [1, 1])
  })

  test('a type of details: the one that carries it', async () => {
    await using world = await open()
    const tokens = [await ownToken(world, 'payments'), await userToken(world, ['openid', 'payments'])]
    const types = (gone: string) => authorizationDetailsTypes.filter(name => name !== gone)
    const paying = { authorizationDetailsTypes: types('account_reading') }
    assert.deepEqual(await bitsAfter(world, paying, tokens), [0, 0])
    const nothing = { authorizationDetailsTypes: types('payment_initiation'), ownAuthorizationDetails: [] }
    assert.deepEqual(await bitsAfter(world, nothing, tokens), [0, 1])
  })

  test('a detail of its own: the one that has more, and of two that say the same the one without a user', async () => {
    await using world = await open()
    const much = asking(paymentOf('100.00'))
    const own = await ownToken(world, 'payments', much)
    const little = await ownToken(world, 'payments', asking(paymentOf('1.00')))
    const ofUser = await userToken(world, ['payments'], much)
    const said = new Map((await entriesOf(world, own)).map(entry => [entry.index, entry.said]))
    assert.deepEqual(said.get(placeOf(ofUser).idx)?.authorizationDetails, granted)
    assert.equal(said.get(placeOf(ofUser).idx), said.get(placeOf(own).idx))
    const tokens = [own, little, ofUser]
    assert.deepEqual(await bitsAfter(world, spec, tokens), [0, 0, 0])
    const less = { ownAuthorizationDetails: [paymentOf('2.00')] }
    assert.deepEqual(await bitsAfter(world, less, tokens), [1, 0, 0])
    const other = { ownAuthorizationDetails: [reading] }
    assert.deepEqual(await bitsAfter(world, other, tokens), [1, 1, 0])
  })

  test('nothing that another client lost, also where both say the same', async () => {
    const other = payingClient({ clientId: 'c_other_pay' })
    const both = (changed: Partial<ClientSpec> = {}, store?: Store): Promise<World> =>
      openPayingWorld({
        ...{ resourceServers: withLists, clients: [payingClient(changed), other] },
        ...(store !== undefined && { store }),
      })
    await using world = await both()
    const ours = await ownToken(world, 'payments')
    const fields = { grant_type: 'client_credentials', scope: 'payments', resource: payments }
    const theirs = textOf(await requestToken(world, 'c_other_pay', fields), 'access_token')
    const [one, two] = await entriesOf(world, ours)
    assert.equal(one?.said, two?.said)
    const narrowed = await both({ scopes: ['openid'] }, world.store)
    narrowed.clock.advance(100)
    assert.deepEqual([await statusOf(narrowed, ours), await statusOf(narrowed, theirs)], [1, 0])
  })
})

/** An entry as it is written without what the token says. */
const forget = 'update status_entries set said = null'

const drivers = [
  {
    name: 'SQLite',
    skip: false,
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'holdfast-statuses-'))
      const path = join(directory, 'store.db')
      const store = await openSqliteStore({ path, clock: olderClock() })
      const run = async (text: string): Promise<void> => {
        const database = new DatabaseSync(path)
        database.exec(text)
        database.close()
      }
      return { store, run, drop: () => rm(directory, { recursive: true }) }
    },
  },
  {
    name: 'PostgreSQL',
    skip: (await postgresAbsence()) ?? false,
    open: async () => {
      const schema = newSchema()
      const options = { connectionString: testConnectionString, schema, clock: olderClock() }
      const store = await openPostgresStore(options)
      const run = (text: string): Promise<void> => onServer(`set search_path = ${schema}`, text)
      return { store, run, drop: () => dropSchema(schema) }
    },
  },
] as const

for (const { name, skip, open: openDriver } of drivers)
  describe(`an entry of a version that did not write what its token says, on ${name}`, { skip }, () => {
    test('is judged by what the record of the token says', async () => {
      const { store, run, drop } = await openDriver()
      try {
        await putUsers(store, 'alice')
        const world = await open({}, store)
        const plain = await ownToken(world, 'payments')
        const detailed = await userToken(world, ['openid', 'payments'])
        const before = await entriesOf(world, plain)
        await run(forget)
        const after = await entriesOf(world, plain)
        assert.deepEqual(after, before)
        const nothing = { authorizationDetailsTypes: [], ownAuthorizationDetails: [] }
        assert.deepEqual(await bitsAfter(world, nothing, [plain, detailed]), [0, 1])
      } finally {
        await store.close()
        await drop()
      }
    })

    test('has ended when there is no such record any more', async () => {
      const { store, run, drop } = await openDriver()
      try {
        await putUsers(store, 'alice')
        const world = await open({}, store)
        const token = await ownToken(world, 'payments')
        assert.equal(await statusOf(world, token), 0)
        await run('delete from access_tokens')
        assert.equal(await statusOf(world, token), 1)
        await run(forget)
        const [entry] = await entriesOf(world, token)
        assert.deepEqual([entry?.isTokenRevoked, entry?.said], [true, undefined])
        assert.equal(await statusOf(world, token), 1)
      } finally {
        await store.close()
        await drop()
      }
    })
  })

describe('a list of many tokens', () => {
  /** As many as `count` more, all over the list of `token`. */
  async function fill(world: World, token: string, count: number): Promise<readonly Write[]> {
    const { uri, idx } = placeOf(token)
    const writes = Array.from({ length: count }, (_, at): readonly Write[] => {
      const record = {
        ...accessToken(),
        ...{ issuer: issuerUrl, clientId: 'c_pay', subject: 'c_pay', grantId: undefined },
        expiresAt: world.clock.now() + 300,
      } as ReturnType<typeof accessToken>
      const { hash: tokenHash, expiresAt } = record
      const said = { audience: [payments], scopes: at % 3 === 0 ? ['payments', 'profile'] : ['payments'] }
      const entry = {
        ...statusEntry(),
        issuer: issuerUrl,
        list: uri.slice(-28),
        index: (idx + 1 + at * 7) % 131_072,
      }
      const owner = { clientId: 'c_pay', subject: 'c_pay', grantId: undefined }
      return [
        { kind: 'insert-access-token', record },
        { kind: 'insert-status-entry', record: { ...entry, ...owner, tokenHash, said, expiresAt } },
      ]
    }).flat()
    assert.deepEqual(await world.store.commit(writes), { committed: true })
    return writes
  }

  for (const count of [255, 256, 600])
    test(`of ${count} and one has each token once, and other requests go in between`, async () => {
      await using world = await open()
      const token = await ownToken(world, 'payments')
      const writes = await fill(world, token, count)
      const order: string[] = []
      const store = {
        ...world.store,
        listStatuses: async (...args: Parameters<Store['listStatuses']>) => {
          const page = await world.store.listStatuses(...args)
          order.push(`page of ${page.length}`)
          setImmediate(() => order.push('turn'))
          return page
        },
      }
      const narrowed = await open({ scopes: ['payments'] }, store)
      narrowed.clock.advance(5)
      const reply = await fetchList(narrowed, placeOf(token).uri)
      const { lst } = claimsOf(String(reply.body)).status_list as { readonly lst: string }
      const bytes = inflateSync(Buffer.from(lst, 'base64url'))
      const ended = writes.flatMap(write =>
        write.kind === 'insert-status-entry' && write.record.said.scopes.length === 2
          ? [write.record.index]
          : [],
      )
      const set = Array.from({ length: 131_072 }, (_, index) => index).filter(
        at => statusAt(bytes, 1, at) === 1,
      )
      assert.deepEqual(
        set,
        ended.toSorted((a, b) => a - b),
      )
      const pages = { 255: [256, 0], 256: [256, 1], 600: [256, 256, 89] }[count] ?? []
      assert.deepEqual(
        order.slice(0, pages.length * 2 - 1),
        pages.flatMap((length, at) => [...(at === 0 ? [] : ['turn']), `page of ${length}`]),
      )
    })
})
