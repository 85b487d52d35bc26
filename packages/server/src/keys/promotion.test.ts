import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type EpochSeconds, epochSeconds, secondsAfter } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { openEntropy } from '../entropy.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { VerifierRecord } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import type { KeyCustody } from './custody/key-custody.ts'
import { softwareCustody } from './custody/software.ts'
import { softwareKeys } from './custody/software-keys.ts'
import { defaultKeyTimes, type KeyState, type KeyTimes } from './life.ts'
import { openRing, type Ring } from './ring.ts'
import { rolledBackSeconds } from './rotation.ts'
import { breakableCustody } from './testing/breakable-custody.ts'

const url = 'https://as.example'
const issuer = { url, algs: ['ES256'] } as const
const entropy = openEntropy()
const custody = softwareCustody(Buffer.alloc(32, 1), entropy)
const start = epochSeconds(1_800_000_000)
const { announceSeconds, keptSeconds, waitSecondsMax } = defaultKeyTimes

interface World {
  readonly store: Store
  readonly now: () => EpochSeconds
  readonly node: (custodyOfNode?: KeyCustody, times?: KeyTimes) => Promise<Ring>
  /** Time passes and every node given looks after its keys. */
  readonly pass: (seconds: number, ...rings: readonly Ring[]) => Promise<void>
  /** A verifier reports: it holds everything that is published but for what it lacks. */
  readonly report: (ring: Ring, clientId: string, about?: Report) => Promise<void>
  readonly events: () => Promise<readonly (readonly [string, unknown])[]>
  readonly logged: string[]
}

interface Report {
  readonly lacks?: string
  readonly unverified?: string
  readonly instance?: string
}

async function openWorld(t: TestContext): Promise<World> {
  let now: EpochSeconds = start
  const clock = { now: () => now, monotonicMs: () => now * 1000 }
  const store = await openSqliteStore({ path: ':memory:', clock })
  t.after(() => store.close())
  const logged: string[] = []
  const say = (event: string): number => logged.push(event)
  const log = { info: say, warn: say, error: say }
  return {
    store,
    logged,
    now: () => now,
    node: (keyCustody = softwareKeys, times = defaultKeyTimes) =>
      openRing({ store, custody, keyCustody, clock, entropy, log, issuers: [issuer], times }),
    pass: async (seconds, ...rings) => {
      now = secondsAfter(now, seconds)
      for (const ring of rings) {
        await ring.refresh()
        await ring.keepUp()
      }
      for (const ring of rings) await ring.refresh()
    },
    report: async (ring, clientId, { lacks, unverified, instance = 'a' } = {}) => {
      const keys = publishedKids(ring).filter(kid => kid !== lacks)
      const record: VerifierRecord = {
        ...{ issuer: url, clientId, instance, keys, since: now, seenAt: now },
        verified: keys.filter(kid => kid !== unverified),
        unverified: unverified === undefined ? [] : [unverified],
        expiresAt: secondsAfter(now, 1_000_000),
      }
      await store.commit([{ kind: 'put-verifier', record }])
    },
    events: async () => {
      const [chain = ''] = await store.listAuditChains()
      return (await store.readAuditChain(chain, 0, 1000)).map(({ event, facts }) => [event, facts.because])
    },
  }
}

const statesOf = (ring: Ring): readonly KeyState[] => ring.list(url).map(({ state }) => state)

function publishedKids(ring: Ring): readonly string[] {
  const { keys } = JSON.parse(ring.published(url).body.toString()) as {
    readonly keys: readonly { readonly kid: string }[]
  }
  return keys.map(({ kid }) => kid)
}

async function signedBy(ring: Ring): Promise<string> {
  const jws = parseCompactJws(await ring.sign(url, 'ES256', 'JWT', {}), 8192)
  assert.ok(jws.ok)
  return String(jws.value.header.kid)
}

async function announce(ring: Ring): Promise<string> {
  const [rotated] = await ring.rotate([{ issuer: url, alg: 'ES256' }], 'r')
  assert.ok(rotated)
  return rotated.kid
}

describe('an announced key', () => {
  it('waits for a verifier that never refreshes, and says why', async t => {
    const world = await openWorld(t)
    const [ring, other] = [await world.node(), await world.node()]
    const first = await signedBy(ring)
    const next = await announce(ring)
    await world.report(ring, 'c_fresh')
    await world.report(ring, 'c_stale', { lacks: next })
    await world.pass(3, ring, other)
    await world.pass(announceSeconds, ring, other)
    await world.pass(3600, ring, other)
    for (const node of [ring, other]) {
      assert.equal(await signedBy(node), first)
      const [why, ...more] = node.list(url).find(({ kid }) => kid === next)?.waitsFor ?? []
      assert.match(
        String(why),
        /^c_stale\/a does not hold the key; it holds [\w-]{12} since 2027-01-15T08:00:00Z$/,
      )
      assert.deepEqual(more, [])
    }
    const waits = (await world.events()).filter(([event]) => event === 'key.waits')
    assert.equal(waits.length, 1, 'said once, not at every look')
    assert.match(String(waits[0]?.[1]), /c_stale/)
    assert.deepEqual(world.logged, ['keys.promotion-waits'])

    await world.report(ring, 'c_stale')
    await world.pass(3, ring, other)
    for (const node of [ring, other]) assert.equal(await signedBy(node), next)
    const [old] = ring.list(url)
    assert.equal(
      old?.removedAt,
      secondsAfter(world.now(), keptSeconds),
      'the old key goes as late as it must',
    )
  })

  it('does not sign unasked when no node looked while it was announced, and signs once one did', async t => {
    const world = await openWorld(t)
    const [ring, other] = [await world.node(), await world.node()]
    const first = await signedBy(ring)
    await world.report(ring, 'c_api')
    const [rotated] = await ring.rotate([{ issuer: url, alg: 'ES256' }], 'r')
    assert.ok(rotated)
    assert.deepEqual(
      [rotated.earliestAt, rotated.activeAt - rotated.earliestAt > waitSecondsMax],
      [start + announceSeconds, true],
    )
    // Nobody looks, nobody publishes it: the nodes are starved, and wake when its announcement is long over.
    await world.pass(announceSeconds + 30)
    for (const node of [ring, other]) {
      await node.refresh()
      assert.equal(await signedBy(node), first)
      assert.ok(publishedKids(node).includes(rotated.kid))
    }
    await world.pass(0, ring, other)
    for (const node of [ring, other])
      assert.equal(await signedBy(node), first, 'the verifier does not have it')
    assert.deepEqual(world.logged, ['keys.promotion-waits'])
    await world.report(ring, 'c_api')
    await world.pass(3, ring, other)
    for (const node of [ring, other]) assert.equal(await signedBy(node), rotated.kid)
    const told = (await world.events()).map(([event]) => event)
    assert.deepEqual(told.slice(-3), ['key.rotated', 'key.waits', 'key.promoted'])
  })

  it('nobody decides about signs after the stated time, at its second, and the one before it is there until then', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const first = await signedBy(ring)
    await world.report(ring, 'c_api')
    const next = await announce(ring)
    await world.pass(announceSeconds + waitSecondsMax)
    await ring.refresh()
    assert.equal(await signedBy(ring), first)
    await world.pass(1)
    await ring.refresh()
    assert.equal(await signedBy(ring), next)
    assert.ok(publishedKids(ring).includes(first))
  })

  it('that verifiers have is brought forward to the end of its announcement', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const first = await signedBy(ring)
    await world.report(ring, 'c_api')
    const next = await announce(ring)
    await world.report(ring, 'c_api')
    await world.pass(3, ring)
    await world.pass(announceSeconds - 4, ring)
    assert.equal(await signedBy(ring), first)
    await world.pass(1, ring)
    assert.equal(await signedBy(ring), next)
    const [old] = ring.list(url)
    assert.equal(old?.removedAt, start + announceSeconds + keptSeconds)
  })

  it('is not waited for where the operator said so, also when nobody looks', async t => {
    const world = await openWorld(t)
    const ring = await world.node(softwareKeys, { ...defaultKeyTimes, waitSecondsMax: 0 })
    await world.report(ring, 'c_api')
    const next = await announce(ring)
    await world.pass(announceSeconds)
    await ring.refresh()
    assert.equal(await signedBy(ring), next)
  })

  it('waits no longer than the stated time', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const first = await signedBy(ring)
    const next = await announce(ring)
    await world.report(ring, 'c_stale', { lacks: next })
    await world.pass(3, ring)
    await world.pass(announceSeconds + waitSecondsMax - 4, ring)
    assert.equal(await signedBy(ring), first)
    await world.pass(1, ring)
    assert.equal(await signedBy(ring), next)
    assert.deepEqual(
      ring.list(url).map(({ waitsFor }) => waitsFor.length),
      [0, 0],
    )
  })

  it('that everybody has is not used before its time, and without a verifier the clock decides', async t => {
    for (const reporters of [0, 2]) {
      const world = await openWorld(t)
      const ring = await world.node()
      const first = await signedBy(ring)
      const next = await announce(ring)
      for (let count = 0; count < reporters; count++) await world.report(ring, `c_${count}`)
      await world.pass(announceSeconds - 1, ring)
      assert.equal(await signedBy(ring), first)
      await world.pass(1, ring)
      assert.equal(await signedBy(ring), next)
    }
  })

  it('is held but not proven is waited for, and a verifier that is gone is not', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const first = await signedBy(ring)
    const next = await announce(ring)
    const record: VerifierRecord = {
      ...{
        issuer: url,
        clientId: 'c_quiet',
        instance: 'a',
        keys: publishedKids(ring),
        since: start,
        seenAt: start,
      },
      ...{ verified: [], unverified: [], expiresAt: secondsAfter(start, announceSeconds + 100) },
    }
    await world.store.commit([{ kind: 'put-verifier', record }])
    await world.pass(3, ring)
    await world.pass(announceSeconds + 96, ring)
    assert.equal(await signedBy(ring), first)
    assert.match(String(ring.list(url)[1]?.waitsFor[0]), /has not verified with it yet/)
    await world.pass(1, ring)
    assert.equal(await signedBy(ring), next)
  })

  it('that does not verify is taken out before it ever signs, and the schedule rests for a day', async t => {
    const world = await openWorld(t)
    const times = { ...defaultKeyTimes, rotateAfterSeconds: 10_000 }
    const ring = await world.node(softwareKeys, times)
    const first = await signedBy(ring)
    await world.pass(10_000 - announceSeconds, ring)
    const next = ring.list(url).find(({ state }) => state === 'announced')?.kid ?? ''
    await world.report(ring, 'c_1', { unverified: next })
    await world.pass(3, ring)
    assert.deepEqual(publishedKids(ring), [first])
    assert.deepEqual([...statesOf(ring)].toSorted(), ['active', 'retired'])
    assert.equal((await world.events()).at(-1)?.[0], 'key.rolled-back')
    await world.pass(announceSeconds, ring)
    assert.equal(await signedBy(ring), first)
    await world.pass(rolledBackSeconds - announceSeconds - 1, ring)
    assert.deepEqual(publishedKids(ring), [first])
    await world.pass(2, ring)
    assert.ok(ring.list(url).some(({ state }) => state === 'announced'))
  })

  it('that custody does not sign with is put off until it does', async t => {
    const world = await openWorld(t)
    const breakable = breakableCustody()
    const ring = await world.node(breakable)
    const first = await signedBy(ring)
    const next = await announce(ring)
    breakable.faults.set(next, 'silent')
    for (let count = 0; count < 80; count++) await world.pass(15, ring)
    assert.equal(await signedBy(ring), first)
    assert.deepEqual(ring.list(url).find(({ kid }) => kid === next)?.waitsFor, [
      'custody does not sign with it',
    ])
    breakable.faults.clear()
    await world.pass(15, ring)
    assert.equal(await signedBy(ring), next)
  })
})

describe('a key that signs', () => {
  async function promoted(world: World, ring: Ring, clients: readonly string[]): Promise<[string, string]> {
    const first = await signedBy(ring)
    const next = await announce(ring)
    for (const client of clients) await world.report(ring, client)
    await world.pass(announceSeconds, ring)
    assert.equal(await signedBy(ring), next)
    return [first, next]
  }

  it('and breaks is rolled back by one commit, when half of the clients say so and not before', async t => {
    const world = await openWorld(t)
    const [ring, other] = [await world.node(), await world.node()]
    const [first, next] = await promoted(world, ring, ['c_1', 'c_2', 'c_3', 'c_4'])
    // A client counts once, however many processes it has.
    for (const instance of ['a', 'b', 'c', 'd'])
      await world.report(ring, 'c_1', { unverified: next, instance })
    await world.pass(3, ring, other)
    assert.equal(await signedBy(ring), next)
    await world.report(ring, 'c_2', { unverified: next })
    await world.pass(3, ring, other)
    for (const node of [ring, other]) {
      assert.equal(await signedBy(node), first)
      assert.deepEqual(
        [...publishedKids(node)].toSorted(),
        [first, next].toSorted(),
        'what it signed lives on',
      )
    }
    const rolledBack = (await world.events()).filter(([event]) => event === 'key.rolled-back')
    assert.equal(rolledBack.length, 1, 'once over all nodes')
    const withdrawn = ring.list(url).find(({ kid }) => kid === next)
    assert.equal(withdrawn?.removedAt, secondsAfter(world.now(), keptSeconds))
    assert.equal(withdrawn?.withdrawnAt, world.now())
    assert.equal(ring.list(url).find(({ kid }) => kid === first)?.removedAt, undefined)
    // A rotation by command starts anew, and the old one can still be taken back.
    assert.equal((await ring.rotate([{ issuer: url, alg: 'ES256' }], 'again')).length, 1)
  })

  it('and whose own signature does not verify is rolled back without anybody telling', async t => {
    const world = await openWorld(t)
    const breakable = breakableCustody()
    const ring = await world.node(breakable)
    const [first, next] = await promoted(world, ring, [])
    breakable.faults.set(next, 'wrong')
    await world.pass(15, ring)
    assert.equal(await signedBy(ring), first)
    assert.ok(ring.list(url).some(({ kid, withdrawnAt }) => kid === next && withdrawnAt !== undefined))
    await world.pass(rolledBackSeconds + 1, ring)
    assert.equal(
      (await world.store.listKeys(url)).some(({ id }) => id === next),
      false,
      'deleted at its end',
    )
  })

  it('alone is not rolled back, because nothing could sign in its place', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const only = await signedBy(ring)
    await world.report(ring, 'c_1', { unverified: only })
    await world.pass(3, ring)
    assert.equal(await signedBy(ring), only)
  })

  it('again after a roll-back can be taken back, and what was rolled back never signs again', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const [first, next] = await promoted(world, ring, ['c_1'])
    await world.report(ring, 'c_1', { unverified: next })
    await world.pass(3, ring)
    const revoked = await ring.revoke(url, first, 'r')
    assert.ok(revoked && revoked.replacementKid !== next)
    assert.equal(await signedBy(ring), revoked.replacementKid)
  })
})

it('a key is taken back although custody makes none for its place, and one comes when it answers, once', async t => {
  const world = await openWorld(t)
  const breakable = breakableCustody()
  const [ring, other] = [await world.node(breakable), await world.node(breakable)]
  const bad = await signedBy(ring)
  breakable.makes.isDown = true
  assert.deepEqual(await ring.revoke(url, bad, 'r'), { kid: bad, replacementKid: undefined })
  await other.refresh()
  for (const node of [ring, other]) {
    assert.deepEqual(publishedKids(node), [])
    await assert.rejects(node.sign(url, 'ES256', 'JWT', {}), { code: 'keys.unavailable' })
  }
  breakable.makes.isDown = false
  await Promise.all([ring.keepUp(), other.keepUp()])
  await Promise.all([ring.refresh(), other.refresh()])
  assert.equal(publishedKids(ring).length, 1)
  assert.equal(await signedBy(ring), await signedBy(other))
})

it('an announced key that is taken back while custody is down leaves the old one without an end', async t => {
  const world = await openWorld(t)
  const breakable = breakableCustody()
  const ring = await world.node(breakable)
  const first = await signedBy(ring)
  const next = await announce(ring)
  breakable.makes.isDown = true
  assert.deepEqual(await ring.revoke(url, next, 'r'), { kid: next, replacementKid: first })
  assert.equal(ring.list(url).find(({ kid }) => kid === first)?.removedAt, undefined)
})

it('a rotation in which the announced key was replaced keeps the old one long enough', async t => {
  const world = await openWorld(t)
  const ring = await world.node()
  const next = await announce(ring)
  await world.pass(500, ring)
  const revoked = await ring.revoke(url, next, 'r')
  await world.pass(3, ring)
  await world.pass(announceSeconds - 3, ring)
  assert.equal(await signedBy(ring), revoked?.replacementKid)
  const old = ring.list(url).find(({ state }) => state === 'retiring')
  assert.equal(old?.removedAt, secondsAfter(world.now(), keptSeconds))
})
