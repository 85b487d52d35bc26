import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import type { DocumentRecord, Write } from '../../store/writes.ts'
import { canonicalJson } from '../document.ts'
import { type Line, openAdminGround } from '../testing/admin-ground.ts'
import { bodyOf, clientFor, peopleDocuments, ruleOf } from '../testing/admin-people.ts'
import { adminStores } from '../testing/admin-stores.ts'
import { documentFor, issuer } from '../testing/admin-world.ts'
import { governedDocuments } from '../testing/governed.ts'
import { shopForm } from '../testing/onboarded.ts'

/** Attack: a request is under way while the right to it is taken away. Nothing of it may be written. */

const grant = {
  ...{ client: 'batch', resourceServer: 'bank', scopes: ['accounts'], authorizationDetailsTypes: [] },
  ...{ purpose: 'the books', days: 10, reviewDays: 5 },
}
const policy = {
  ...{ profile: 'fapi2-security', scopes: ['accounts'], grantTypes: ['client_credentials'] },
  ...{ resources: ['bank'], redirectHosts: [], softwareStatement: 'optional' },
}
const profile = documentFor('SecurityProfile', 'short', { base: 'fapi2-security', tighten: {} })
const scope = documentFor('Scope', 'new', { title: 'New', description: 'New' })
const shelf = clientFor('shelf', { grant_types: ['client_credentials'] })

/** One line for each way in which operations write, the waiting of a change among them. */
const lines: readonly Line[] = [
  { id: 'putScope', name: 'new', body: scope },
  { id: 'putSecurityProfile', name: 'short', body: profile },
  { id: 'deleteClient', name: 'shelf' },
  { id: 'putUser', name: 'una', body: documentFor('User', 'una', { password: 'first-of-una' }) },
  { id: 'applyDocuments', body: { files: [{ path: 'a', text: JSON.stringify(scope) }] } },
  { id: 'revokeAccess', body: { of: 'user', name: 'bela' } },
  { id: 'revokeAccess', body: { of: 'client', name: 'shelf' } },
  { id: 'createRegistrationToken', body: { uses: 1, lifetimeSeconds: 600, policy, note: '' } },
  { id: 'requestScopeGrant', body: grant },
  { id: 'draftOnboarding', body: { form: { ...shopForm, client: 'shelf' }, days: 10 } },
  { id: 'submitPolicies', body: { set: 'main', policies: {}, tests: {} } },
  { id: 'rotateKeys', body: {} },
  { id: 'revokeTenant', body: { tenant: 'default' } },
  { id: 'withdrawChange' },
  { id: 'confirmChange', body: {} },
]

const narrowed: DocumentRecord = {
  ...{ documentKind: 'Administrator', issuer, name: 'anna' },
  body: canonicalJson(documentFor('Administrator', 'anna', { user: 'anna', scopes: ['admin.audit:read'] })),
}

for (const { name, skip, open } of adminStores)
  describe(`rights that end while a request is under way, ${name}`, { skip }, () => {
    for (const line of lines)
      for (const how of ['ended', 'narrowed'] as const)
        test(`${line.id} ${JSON.stringify(line.body ?? '').slice(0, 40)}: ${how}`, async () => {
          let isArmed = false
          let after: readonly DocumentRecord[] = []
          const ground = await openAdminGround({
            store: await open(),
            documents: [...peopleDocuments, ...governedDocuments.map(text => parse(text) as object), shelf],
            commit: store => async writes => {
              if (!isArmed) return await store.commit(writes)
              isArmed = false
              const change: Write =
                how === 'ended'
                  ? { kind: 'delete-document', documentKind: 'Administrator', issuer, name: 'anna' }
                  : { kind: 'put-document', document: narrowed }
              await store.commit([{ kind: 'raise-revision', from: await store.revision() }, change])
              after = await store.listDocuments()
              return await store.commit(writes)
            },
          })
          try {
            const { send, store } = ground
            const isOfChange = line.id.endsWith('Change')
            const proposal = isOfChange
              ? bodyOf(await send('bela', { id: 'putSecurityProfile', name: 'short', body: profile }))
              : undefined
            isArmed = true
            const done = await send('anna', { ...line, name: line.name ?? String(proposal?.name) })
            // What reads the documents again sees it there; what does not is held back by its commit.
            const rule = ruleOf(done)
            const held = ['admin.rights-moved', 'admin.change-overtaken', 'admin.change-busy']
            assert.ok(held.includes(rule), `${rule} ${JSON.stringify(done)}`)
            assert.equal(isArmed, false)
            assert.deepEqual(await store.listDocuments(), after)
            assert.notEqual(await store.findUserByUsername(issuer, 'bela'), undefined)
            assert.equal(await store.findUserByUsername(issuer, 'una'), undefined)
            assert.deepEqual(await store.listInitialAccessTokens(issuer), [])
            assert.deepEqual(await store.listRevocations(0, 100), [])
          } finally {
            await ground.close()
          }
        })
  })
