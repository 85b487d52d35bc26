import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { shippedPolicies, shippedTests } from '@holdfast/policy'
import type { HandleHash } from '@holdfast/protocol'
import { openEntropy } from '../../entropy.ts'
import { softwareCustody } from '../../keys/custody/software.ts'
import { openRing, type Ring } from '../../keys/ring.ts'
import { Fault } from '../../ports.ts'
import type { Store } from '../../store/store.ts'
import {
  type AdminGround,
  groundClock,
  groundNow,
  type Line,
  openAdminGround,
} from '../testing/admin-ground.ts'
import { bodyOf, peopleDocuments, ruleOf } from '../testing/admin-people.ts'
import { adminStores } from '../testing/admin-stores.ts'
import { documentFor, issuer } from '../testing/admin-world.ts'

/** The process dies at every commit of a confirmation, before it or after it: a change is done once, or it waits on. */

const entropy = openEntropy()
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const policy = {
  ...{ profile: 'fapi2-security', scopes: [], grantTypes: ['client_credentials'] },
  ...{ resources: ['holdfast-admin'], redirectHosts: [], softwareStatement: 'optional' },
}

interface Story {
  readonly event: string
  /** How often the audit has it once all is done. */
  readonly times?: number
  readonly prepare?: (ground: AdminGround) => Promise<unknown>
  readonly line: (ground: AdminGround) => Line
}

const stories: Readonly<Record<string, Story>> = {
  'a document': {
    event: 'control.applied',
    line: () => ({
      ...{ id: 'putSecurityProfile', name: 'short' },
      body: documentFor('SecurityProfile', 'short', { base: 'fapi2-security', tighten: {} }),
    }),
  },
  'two keys that are rotated': {
    ...{ event: 'key.rotated', times: 2 },
    line: () => ({ id: 'rotateKeys', body: {} }),
  },
  'a key that is taken back': {
    event: 'key.revoked',
    line: ({ desk }) => ({ id: 'revokeKey', body: { kid: desk.options.keys?.list(issuer)[0]?.kid ?? '' } }),
  },
  'a token of registration': {
    event: 'registration-token.created',
    line: () => ({
      id: 'createRegistrationToken',
      body: { uses: 1, lifetimeSeconds: 600, policy, note: '' },
    }),
  },
  'the end of a tenant': {
    event: 'tenant.revoked',
    line: () => ({ id: 'revokeTenant', body: { tenant: 'default' } }),
  },
  'policies that become active': {
    event: 'policies.activated',
    prepare: async ({ send }) => {
      const body = { set: 'main', policies: shippedPolicies, tests: shippedTests }
      const { name } = bodyOf(await send('anna', { id: 'submitPolicies', body }))
      bodyOf(await send('anna', { id: 'changePolicies', body: { step: 'approve', name } }))
    },
    line: () => ({ id: 'changePolicies', body: { step: 'activate', name: 'main.' } }),
  },
  'second factors that are reset': {
    event: 'authenticator.reset',
    prepare: ({ store }) =>
      store.commit([
        {
          kind: 'insert-authenticator',
          record: {
            ...{ kind: 'passkey', id: 'passkey-1' as HandleHash, issuer, subject: 'u_anna_00000' },
            ...{ credentialId: 'Y3JlZA', publicKey: 'a2V5', transports: [], name: 'P', createdAt: groundNow },
          },
          ...{ counter: 0, ofUserMax: 11 },
        },
      ]),
    line: () => ({ id: 'resetSecondFactors', body: { username: 'anna' } }),
  },
}

/** Two keys that sign. */
async function openKeys(store: Store): Promise<Ring> {
  const ring = await openRing({
    ...{ store, entropy, log, clock: groundClock, issuers: [{ url: issuer, algs: ['ES256', 'PS256'] }] },
    custody: softwareCustody(Buffer.alloc(32, 1), entropy),
  })
  await ring.whenComplete
  return ring
}

async function auditCount(store: Store, event: string): Promise<number> {
  let count = 0
  for (const chain of await store.listAuditChains())
    for (const record of await store.readAuditChain(chain, 0, 10_000)) if (record.event === event) count++
  return count
}

async function waits(store: Store): Promise<boolean> {
  return (await store.listDocuments()).some(({ documentKind }) => documentKind === 'PendingChange')
}

for (const { name, skip, open } of adminStores)
  describe(`a confirmed change is done once, ${name}`, { skip }, () => {
    for (const [what, { event, times = 1, prepare, line }] of Object.entries(stories))
      for (const dies of ['before', 'after'] as const)
        test(`${what}, when the process dies ${dies} a commit`, async () => {
          const [died, done] = [[], []] as [boolean[], boolean[]]
          for (let at = 1; died.length < at && at < 9; at++) {
            let left = Number.POSITIVE_INFINITY
            const ground = await openAdminGround({
              ...{ documents: peopleDocuments, store: await open() },
              commit: store => async writes => {
                if (--left !== 0) return await store.commit(writes)
                if (dies === 'after') await store.commit(writes)
                throw new Fault('store.unavailable')
              },
              keys: openKeys,
            })
            try {
              await prepare?.(ground)
              const before = await auditCount(ground.store, event)
              const proposed = bodyOf(await ground.send('anna', line(ground)))
              const confirm = { id: 'confirmChange', name: String(proposed.name), body: {} }
              left = at
              const first = await ground.send('bela', confirm)
              if (left > 0) {
                // It has fewer commits than this: nothing died.
                assert.equal(ruleOf(first), first !== 'refused' && first.ok ? String(first.status) : '')
                break
              }
              died.push(true)
              const isWaiting = await waits(ground.store)
              const count = (await auditCount(ground.store, event)) - before
              assert.equal(count, isWaiting ? 0 : times, `${at}: ${JSON.stringify(first)}`)
              assert.equal(await auditCount(ground.store, 'admin.change.confirmed'), isWaiting ? 0 : 1)
              done.push(!isWaiting)
              const again = await ground.send('bela', confirm)
              if (isWaiting) bodyOf(again)
              else assert.equal(ruleOf(again), 'admin.change-unknown')
              assert.equal((await auditCount(ground.store, event)) - before, times)
              assert.equal(await auditCount(ground.store, 'admin.change.confirmed'), 1)
              assert.equal(await waits(ground.store), false)
            } finally {
              await ground.close()
            }
          }
          assert.ok(died.length > 0, 'nothing died')
          assert.ok(done.includes(dies === 'after'), 'the commit that does it was not among those')
        })
  })
