import assert from 'node:assert/strict'
import type { ContractCase } from '../contract.ts'
import type { SightingRecord } from '../records.ts'
import type { Write } from '../writes.ts'
import { committed } from './expectations.ts'
import { issuer, later, sighting, start } from './samples.ts'

const remember = (record: SightingRecord): Write => ({ kind: 'remember-sighting', record })

export const sightingCases: readonly ContractCase[] = [
  {
    title: 'what was seen is counted, keeps when it was first seen, and stays confirmed',
    run: async ({ store }) => {
      const seen: SightingRecord = { ...sighting('u_a', 'h1'), place: { latitude: 52, longitude: -13 } }
      await committed(store, [remember(seen)])
      const confirmed = { ...seen, isConfirmed: true, seenAt: later(10), expiresAt: later(910) }
      const moved = {
        ...{ ...seen, seenAt: later(20), expiresAt: later(920) },
        place: { latitude: 48, longitude: 2 },
      }
      await committed(store, [remember(confirmed), remember(moved)])
      assert.deepEqual(await store.listSightings(issuer, 'u_a', start, 9), [
        {
          ...{ what: 'device', item: 'h1', place: { latitude: 48, longitude: 2 }, count: 3 },
          ...{ firstAt: start, lastAt: later(20), isConfirmed: true },
        },
      ])
    },
  },
  {
    title: 'what ended is not told, and begins anew when it is seen again',
    run: async ({ store }) => {
      await committed(store, [remember({ ...sighting('u_a', 'h1'), isConfirmed: true })])
      assert.equal((await store.listSightings(issuer, 'u_a', later(899), 9)).length, 1)
      assert.deepEqual(await store.listSightings(issuer, 'u_a', later(900), 9), [])
      const again = { ...sighting('u_a', 'h1'), seenAt: later(900), expiresAt: later(1800) }
      await committed(store, [remember(again)])
      const [found] = await store.listSightings(issuer, 'u_a', later(900), 9)
      assert.deepEqual([found?.count, found?.firstAt, found?.isConfirmed], [1, later(900), false])
      await store.expire(later(1799), 100)
      assert.equal((await store.listSightings(issuer, 'u_a', start, 9)).length, 1)
      await store.expire(later(1800), 100)
      assert.deepEqual(await store.listSightings(issuer, 'u_a', start, 9), [])
    },
  },
  {
    title:
      'sightings are of one owner and one issuer, told in order and no more than asked for, and forgotten',
    run: async ({ store }) => {
      const mine = [sighting('u_a', '2', 'network'), sighting('u_a', '1', 'network'), sighting('u_a', '9')]
      const others = [sighting('u_ab', '1'), { ...sighting('u_a', '1'), issuer: `${issuer}0` }]
      await committed(store, [...mine, ...others].map(remember))
      const told = async (owner: string, limit: number, of = issuer): Promise<readonly string[]> =>
        (await store.listSightings(of, owner, start, limit)).map(({ what, item }) => `${what} ${item}`)
      assert.deepEqual(await told('u_a', 9), ['device 9', 'network 1', 'network 2'])
      assert.deepEqual(await told('u_a', 2), ['device 9', 'network 1'])
      await committed(store, [{ kind: 'forget-sighting', sighting: sighting('u_a', '1', 'network') }])
      assert.deepEqual(await told('u_a', 9), ['device 9', 'network 2'])
      await committed(store, [{ kind: 'forget-sightings', issuer, owner: 'u_a' }])
      assert.deepEqual(await told('u_a', 9), [])
      assert.deepEqual(await told('u_ab', 9), ['device 1'])
      assert.deepEqual(await told('u_a', 9, `${issuer}0`), ['device 1'])
    },
  },
  {
    title: 'of sixteen sightings at the same moment every one counts',
    run: async ({ store }) => {
      await Promise.all(Array.from({ length: 16 }, () => store.commit([remember(sighting('u_a', 'h1'))])))
      assert.equal((await store.listSightings(issuer, 'u_a', start, 9))[0]?.count, 16)
    },
  },
]
