import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Store } from '../../store/store.ts'
import { type AdminGround, type Line, openAdminGround } from '../testing/admin-ground.ts'
import { bodyOf, peopleDocuments, personFor, ruleOf } from '../testing/admin-people.ts'
import { adminStores } from '../testing/admin-stores.ts'
import { documentFor } from '../testing/admin-world.ts'

/** Attack: many hands at one change in the same moment, at two nodes. It is done once, or withdrawn, and never both. */

const atOnce = 16
const policy = {
  ...{ profile: 'fapi2-security', scopes: [], grantTypes: ['client_credentials'] },
  ...{ resources: ['holdfast-admin'], redirectHosts: [], softwareStatement: 'optional' },
}
const lines: Readonly<Record<string, Line>> = {
  'control.applied': {
    ...{ id: 'putSecurityProfile', name: 'short' },
    body: documentFor('SecurityProfile', 'short', { base: 'fapi2-security', tighten: {} }),
  },
  'registration-token.created': {
    id: 'createRegistrationToken',
    body: { uses: 1, lifetimeSeconds: 600, policy, note: '' },
  },
  'tenant.revoked': { id: 'revokeTenant', body: { tenant: 'default' } },
}
const documents = [...peopleDocuments, ...personFor('cora')]

async function countOf(store: Store, event: string): Promise<number> {
  let count = 0
  for (const chain of await store.listAuditChains())
    for (const record of await store.readAuditChain(chain, 0, 10_000)) if (record.event === event) count++
  return count
}

/** What may come of a change that somebody else was faster with. */
const lost = new Set(['admin.change-unknown', 'admin.change-overtaken', 'admin.change-stale'])

for (const { name, skip, open } of adminStores)
  describe(`one change and many hands, ${name}`, { skip }, () => {
    const openNodes = async (): Promise<readonly [AdminGround, AdminGround]> => {
      const first = await openAdminGround({ documents, store: await open() })
      return [first, await openAdminGround({ documents, store: first.store })]
    }

    for (const [event, line] of Object.entries(lines))
      for (const isWithdrawn of [false, true])
        test(`${line.id}${isWithdrawn ? ', withdrawn meanwhile' : ''}`, async () => {
          const [one, other] = await openNodes()
          try {
            const { store } = one
            const change = String(bodyOf(await one.send('anna', line)).name)
            const before = await countOf(store, event)
            const answers = await Promise.all(
              Array.from({ length: atOnce }, async (_, index) => {
                const node = index % 2 === 0 ? one : other
                const who = index % 4 < 2 ? 'bela' : 'cora'
                const id = isWithdrawn && index % 3 === 0 ? 'withdrawChange' : 'confirmChange'
                return { id, rule: ruleOf(await node.send(who, { id, name: change, body: {} })) }
              }),
            )
            const done = answers.filter(({ rule }) => /^20\d$/.test(rule))
            assert.equal(done.length, 1, JSON.stringify(answers))
            for (const { rule } of answers) assert.ok(/^20\d$/.test(rule) || lost.has(rule), rule)
            const isConfirmed = done[0]?.id === 'confirmChange'
            assert.equal((await countOf(store, event)) - before, isConfirmed ? 1 : 0)
            assert.equal(await countOf(store, 'admin.change.confirmed'), isConfirmed ? 1 : 0)
            assert.equal(await countOf(store, 'admin.change.withdrawn'), isConfirmed ? 0 : 1)
            const left = await store.listDocuments()
            assert.ok(!left.some(({ documentKind }) => documentKind === 'PendingChange'))
          } finally {
            await one.close()
          }
        })
  })
