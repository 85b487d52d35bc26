import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { paths } from '../paths.ts'
import { anotherBrowser, liveGrants, press, putUsers } from '../testing/account.ts'
import { olderClock } from '../testing/both-stores.ts'
import { header } from '../testing/browser.ts'
import { clientOf } from '../testing/clients.ts'
import { signIn } from '../testing/logout.ts'
import { alice, issuerUrl, openWorld, type World } from '../testing/world.ts'

const clients = [clientOf({ clientId: 'c_bank', backchannelLogoutUri: 'https://bank.example/out' })]

/** What an answer of the account page ends. */
interface Ending {
  readonly path: string
  readonly done: string
  readonly event: string
  /** Announced to who keeps tokens, sessions left, notices to clients. */
  readonly whole: readonly [announced: number, sessions: number, notices: number]
  /** Write points that its commit must have. */
  readonly points: readonly string[]
}

const endings: readonly Ending[] = [
  {
    path: paths.withdraw,
    done: 'withdrawn',
    event: 'grant.revoked',
    whole: [1, 3, 1],
    points: ['touch-session', 'end-grant', 'insert-logout-notice', 'append-audit', 'commit'],
  },
  {
    path: paths.endOtherSessions,
    done: 'others-ended',
    event: 'session.ended',
    whole: [1, 1, 1],
    points: [
      'touch-session',
      'end-session',
      'revoke-grants-of-session',
      'insert-logout-notice',
      'append-audit',
    ],
  },
]

/** One run to the point of death, and what a new process finds. */
async function dieAt(point: number, { path, done, event, whole }: Ending): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-account-'))
  const file = join(directory, 'store.db')
  const clock = olderClock()
  const crash: { left: number; at?: string } = { left: -1 }
  const store = await openSqliteStore({
    path: file,
    clock,
    beforeWrite: name => {
      if (crash.left-- !== 0) return
      crash.at = name
      // As a disk that is gone: the store stops for good, and what it had not committed is lost.
      throw Object.assign(new Error('gone'), { code: 'ERR_SQLITE_ERROR', errcode: 10 })
    },
  })
  await putUsers(store, 'alice')
  const world = await openWorld({ store, clients })
  // The grant of a withdrawal stands in a session that others would end: each ending has a client to tell.
  await signIn(world, 'c_bank', { scope: 'openid accounts' })
  await anotherBrowser(world)
  const [browser, page] = await anotherBrowser(world)
  const [grant] = await liveGrants(world)
  assert.ok(grant)
  crash.left = point
  const reply = await press(browser, page, path).catch(() => undefined)
  crash.left = -1
  await store.close()

  const again = await openSqliteStore({ path: file, clock })
  const isDone = (await auditEvents(again)).includes(event)
  assert.deepEqual(await whatIsThere(again, world), isDone ? whole : [0, 3, 0], `at ${crash.at}`)
  // Only what was committed and not yet acknowledged is done without an answer.
  assert.equal(isDone, crash.at === undefined || crash.at === 'acknowledge')
  const isSaid = reply !== undefined && header(reply, 'location')?.endsWith(`done=${done}`) === true
  assert.equal(isSaid, crash.at === undefined)
  await again.close()
  await rm(directory, { recursive: true })
  return crash.at
}

async function auditEvents(store: Store): Promise<readonly string[]> {
  const [chain = ''] = await store.listAuditChains()
  return (await store.readAuditChain(chain, 0, 1000)).map(({ event }) => event)
}

async function whatIsThere(store: Store, { clock }: World): Promise<Ending['whole']> {
  const now = clock.now()
  const announced = await store.listRevocations(0, 99)
  const sessions = await store.listSessions(issuerUrl, alice, now, 99)
  const notices = await store.listDueLogoutNotices(issuerUrl, now, 99)
  return [announced.length, sessions.length, notices.length]
}

describe('a process that dies while the account page ends something', () => {
  for (const ending of endings)
    test(`has done all of it or nothing, at every point of the commit: ${ending.event}`, async () => {
      const reached: (string | undefined)[] = []
      for (let point = 0; point < 40 && !reached.includes(undefined); point++)
        reached.push(await dieAt(point, ending))
      assert.equal(reached.at(-1), undefined)
      for (const point of ending.points) assert.ok(reached.includes(point), point)
    })
})
