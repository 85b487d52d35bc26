import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type EpochSeconds, epochSeconds, secondsAfter } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { openEntropy } from '../entropy.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { Store } from '../store/store.ts'
import { softwareCustody } from './custody/software.ts'
import { defaultKeyTimes, type KeyState, type KeyTimes } from './life.ts'
import { openRing, type Ring } from './ring.ts'

const issuer = { url: 'https://as.example', algs: ['ES256'] } as const
const entropy = openEntropy()
const custody = softwareCustody(Buffer.alloc(32, 1), entropy)
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const start = epochSeconds(1_800_000_000)
const { announceSeconds, keptSeconds } = defaultKeyTimes

interface World {
  readonly store: Store
  readonly advance: (seconds: number) => void
  readonly now: () => EpochSeconds
  /** A node of its own over the same store. */
  readonly node: (times?: KeyTimes) => Promise<Ring>
}

async function openWorld(t: TestContext): Promise<World> {
  let now: EpochSeconds = start
  const clock = { now: () => now, monotonicMs: () => 0 }
  const store = await openSqliteStore({ path: ':memory:', clock })
  t.after(() => store.close())
  return {
    store,
    now: () => now,
    advance: seconds => {
      now = secondsAfter(now, seconds)
    },
    node: (times = defaultKeyTimes) =>
      openRing({ store, custody, clock, entropy, log, issuers: [issuer], times }),
  }
}

const statesOf = (ring: Ring): readonly KeyState[] => ring.list(issuer.url).map(({ state }) => state)

function publishedKids(ring: Ring): readonly string[] {
  const { keys } = JSON.parse(ring.published(issuer.url).body.toString()) as {
    readonly keys: readonly { readonly kid: string }[]
  }
  return keys.map(({ kid }) => kid)
}

async function signedBy(ring: Ring): Promise<string> {
  const jws = parseCompactJws(await ring.sign(issuer.url, 'ES256', 'JWT', {}), 8192)
  assert.ok(jws.ok)
  return String(jws.value.header.kid)
}

async function events(store: Store): Promise<readonly string[]> {
  const [chain = ''] = await store.listAuditChains()
  return (await store.readAuditChain(chain, 0, 1000)).map(({ event }) => event)
}

describe('a rotation', () => {
  it('announces the next key, changes to it, keeps the old one published, and deletes it at its end', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const first = await signedBy(ring)
    const [rotated] = await ring.rotate([{ issuer: issuer.url, alg: 'ES256' }], 'r-1')
    assert.deepEqual(
      [rotated?.previousKid, rotated?.activeAt, rotated?.previousRemovedAt],
      [first, start + announceSeconds, start + announceSeconds + keptSeconds],
    )
    assert.deepEqual(statesOf(ring), ['active', 'announced'])
    assert.equal(publishedKids(ring).length, 2)

    world.advance(announceSeconds - 1)
    await ring.refresh()
    assert.equal(await signedBy(ring), first)
    world.advance(1)
    await ring.refresh()
    assert.equal(await signedBy(ring), rotated?.kid)
    assert.deepEqual(statesOf(ring), ['retiring', 'active'])

    world.advance(keptSeconds - 1)
    await ring.refresh()
    assert.equal(publishedKids(ring).length, 2)
    world.advance(1)
    await ring.refresh()
    assert.deepEqual(publishedKids(ring), [rotated?.kid])
    await ring.keepUp()
    const kept = (await world.store.listKeys(issuer.url)).filter(({ use }) => use === 'sig')
    assert.deepEqual(
      kept.map(({ id }) => id),
      [rotated?.kid],
    )
    assert.deepEqual((await events(world.store)).slice(-2), ['key.rotated', 'key.deleted'])
  })

  it('one at a time, whichever node starts it', async t => {
    const world = await openWorld(t)
    const nodes = [await world.node(), await world.node(), await world.node(), await world.node()]
    const tries = Array.from({ length: 16 }, (_, index) =>
      (nodes[index % nodes.length] as Ring).rotate([{ issuer: issuer.url, alg: 'ES256' }], `r-${index}`),
    )
    const won = (await Promise.all(tries)).flat()
    assert.equal(won.length, 1)
    await Promise.all(nodes.map(node => node.refresh()))
    for (const node of nodes) assert.deepEqual(statesOf(node), ['active', 'announced'])
    assert.deepEqual(await nodes[0]?.rotate([{ issuer: issuer.url, alg: 'ES256' }], 'again'), [])
  })

  it('comes by itself when the key that signs reaches its age, once over all nodes', async t => {
    const world = await openWorld(t)
    const times = { ...defaultKeyTimes, rotateAfterSeconds: 10_000 }
    const nodes = await Promise.all([world.node(times), world.node(times)])
    const keepUp = async (): Promise<void> => {
      await Promise.all(nodes.map(node => node.refresh()))
      await Promise.all(nodes.map(node => node.keepUp()))
      await Promise.all(nodes.map(node => node.refresh()))
    }
    world.advance(10_000 - announceSeconds - 1)
    await keepUp()
    assert.deepEqual(statesOf(nodes[0] as Ring), ['active'])
    world.advance(1)
    await keepUp()
    for (const node of nodes) assert.deepEqual(statesOf(node), ['active', 'announced'])
  })

  it('comes never by itself where only the command rotates', async t => {
    const world = await openWorld(t)
    const ring = await world.node({ ...defaultKeyTimes, rotateAfterSeconds: undefined })
    world.advance(100_000_000)
    await ring.refresh()
    await ring.keepUp()
    assert.deepEqual(statesOf(ring), ['active'])
  })

  it('of an algorithm without a key, or of an unknown issuer, is none', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    assert.deepEqual(await ring.rotate([{ issuer: issuer.url, alg: 'PS256' }], 'r'), [])
    assert.deepEqual(await ring.rotate([{ issuer: 'https://other.example', alg: 'ES256' }], 'r'), [])
    assert.deepEqual(statesOf(ring), ['active'])
  })

  it('survives a restart in each of its states', async t => {
    const world = await openWorld(t)
    await (await world.node()).rotate([{ issuer: issuer.url, alg: 'ES256' }], 'r')
    assert.deepEqual(statesOf(await world.node()), ['active', 'announced'])
    world.advance(announceSeconds)
    assert.deepEqual(statesOf(await world.node()), ['retiring', 'active'])
    world.advance(keptSeconds)
    assert.deepEqual(statesOf(await world.node()), ['retired', 'active'])
  })
})

describe('a key that is taken back', () => {
  it('is gone from the key set at once on every node, its private half is destroyed, another one signs', async t => {
    const world = await openWorld(t)
    const [ring, other] = [await world.node(), await world.node()]
    const bad = await signedBy(ring)
    const revoked = await ring.revoke(issuer.url, bad, 'r-1')
    assert.ok(revoked && revoked.replacementKid !== bad)
    await other.refresh()
    for (const node of [ring, other]) {
      assert.deepEqual(publishedKids(node), [revoked.replacementKid])
      assert.equal(await signedBy(node), revoked.replacementKid)
      assert.deepEqual([...statesOf(node)].toSorted(), ['active', 'revoked'])
    }
    const row = (await world.store.listKeys(issuer.url)).find(({ id }) => id === bad)
    assert.equal(row?.sealed.length, 0)
    assert.equal((await events(world.store)).at(-1), 'key.revoked')
    assert.equal(await ring.revoke(issuer.url, bad, 'r-2'), undefined)
    assert.equal(await ring.revoke(issuer.url, 'unknown', 'r-3'), undefined)
    // A start after it does not need the key that is gone.
    assert.deepEqual([...statesOf(await world.node())].toSorted(), ['active', 'revoked'])
  })

  it('sixteen at once take it back once, with one replacement', async t => {
    const world = await openWorld(t)
    const nodes = [await world.node(), await world.node()]
    const bad = await signedBy(nodes[0] as Ring)
    const tries = Array.from({ length: 16 }, (_, index) =>
      (nodes[index % 2] as Ring).revoke(issuer.url, bad, `r-${index}`),
    )
    assert.equal((await Promise.all(tries)).filter(one => one !== undefined).length, 1)
    await nodes[0]?.refresh()
    assert.deepEqual([...statesOf(nodes[0] as Ring)].toSorted(), ['active', 'revoked'])
  })

  it('in the middle of a rotation leaves no key without an end', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const bad = await signedBy(ring)
    const [rotated] = await ring.rotate([{ issuer: issuer.url, alg: 'ES256' }], 'r')
    const revoked = await ring.revoke(issuer.url, bad, 'r')
    assert.deepEqual([...statesOf(ring)].toSorted(), ['active', 'announced', 'revoked'])
    world.advance(announceSeconds)
    await ring.refresh()
    assert.equal(await signedBy(ring), rotated?.kid)
    await ring.keepUp()
    await ring.refresh()
    const stopgap = ring.list(issuer.url).find(({ kid }) => kid === revoked?.replacementKid)
    assert.equal(stopgap?.state, 'retiring')
    assert.equal(stopgap?.removedAt, start + announceSeconds + keptSeconds)
  })

  it('while it is announced is followed by another announced one, and the old one signs on', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const first = await signedBy(ring)
    const [rotated] = await ring.rotate([{ issuer: issuer.url, alg: 'ES256' }], 'r')
    world.advance(100)
    const revoked = await ring.revoke(issuer.url, rotated?.kid ?? '', 'r')
    assert.equal(await signedBy(ring), first)
    assert.deepEqual([...publishedKids(ring)].toSorted(), [first, revoked?.replacementKid].toSorted())
    world.advance(announceSeconds)
    await ring.refresh()
    assert.equal(await signedBy(ring), revoked?.replacementKid)
  })

  it('though it is retiring needs no replacement', async t => {
    const world = await openWorld(t)
    const ring = await world.node()
    const first = await signedBy(ring)
    const [rotated] = await ring.rotate([{ issuer: issuer.url, alg: 'ES256' }], 'r')
    world.advance(announceSeconds)
    await ring.refresh()
    const revoked = await ring.revoke(issuer.url, first, 'r')
    assert.equal(revoked?.replacementKid, rotated?.kid)
    assert.deepEqual(publishedKids(ring), [rotated?.kid])
  })
})

/** Keeps the key set for ten minutes, as the slowest verifier may, and asks for nothing it does not know. */
class SlowVerifier {
  #keys = new Map<string, PublicKey>()
  #fetchedAt = 0

  accepts(token: string, ring: Ring, now: number): boolean {
    const maxAgeSeconds = 600
    if (now - this.#fetchedAt >= maxAgeSeconds) this.#fetch(ring, now)
    const jws = parseCompactJws(token, 8192)
    assert.ok(jws.ok)
    const key = this.#keys.get(String(jws.value.header.kid))
    return key !== undefined && verifyJws(jws.value, key, ['ES256'])
  }

  #fetch(ring: Ring, now: number): void {
    this.#fetchedAt = now
    const { keys } = JSON.parse(ring.published(issuer.url).body.toString()) as {
      readonly keys: readonly { readonly kid: string }[]
    }
    this.#keys = new Map(
      keys.map(jwk => {
        const key = importPublicJwk(jwk)
        assert.ok(key.ok)
        return [jwk.kid, key.value]
      }),
    )
  }
}

it('a thousand rotations in a row: no honest token is refused, however old the verifier’s key set is', async t => {
  const world = await openWorld(t)
  const times = { ...defaultKeyTimes, rotateAfterSeconds: 2000 }
  const [issuing, publishing] = [await world.node(times), await world.node(times)]
  const verifiers = Array.from({ length: 7 }, () => new SlowVerifier())
  const live: { readonly token: string; readonly expiresAt: number }[] = []
  const kids = new Set<string>()
  let verified = 0
  const stepSeconds = 331
  while (kids.size <= 1000) {
    world.advance(stepSeconds)
    const now = world.now()
    await issuing.refresh()
    await issuing.keepUp()
    // The other node looks only now and then.
    if (now % 3 === 0) await publishing.refresh()
    const token = await issuing.sign(issuer.url, 'ES256', 'JWT', { now })
    const jws = parseCompactJws(token, 8192)
    assert.ok(jws.ok)
    kids.add(String(jws.value.header.kid))
    live.push({ token, expiresAt: now + 3600 })
    while ((live[0]?.expiresAt ?? now) < now) live.shift()
    const verifier = verifiers[verified % verifiers.length] as SlowVerifier
    for (const one of [live[0], live.at(-1)]) {
      assert.ok(one && verifier.accepts(one.token, issuing, now), `refused after ${kids.size} rotations`)
      verified++
    }
  }
  assert.ok(verified > 5000)
  const rows = (await world.store.listKeys(issuer.url)).filter(({ use }) => use === 'sig')
  assert.ok(rows.length <= 5, `${rows.length} keys are left`)
  await publishing.refresh()
  assert.ok(publishedKids(publishing).length <= 5)
})
