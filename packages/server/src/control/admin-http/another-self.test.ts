import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { parse } from 'yaml'
import { type AdminGround, mainBinding, openAdminGround } from '../testing/admin-ground.ts'
import { bodyOf, peopleDocuments, personFor, ruleOf } from '../testing/admin-people.ts'
import { documentFor } from '../testing/admin-world.ts'
import { governedDocuments } from '../testing/governed.ts'
import { onboardingDocuments, shopForm } from '../testing/onboarded.ts'

/** Attack: one person is two, by a client, a document with the right name, or a user of the same name elsewhere. */

const opened: AdminGround[] = []
const openGround: typeof openAdminGround = async options => {
  const ground = await openAdminGround(options)
  opened.push(ground)
  return ground
}
const parsed = (texts: readonly string[]): readonly object[] => texts.map(text => parse(text) as object)

describe('nobody is the other person', () => {
  after(async () => {
    for (const ground of opened) await ground.close()
  })

  test('who answers for a client approves no grant that it asked for, whatever else has the name of the grant', async () => {
    const { send } = await openGround({
      documents: [...peopleDocuments, ...parsed(governedDocuments), ...personFor('mallory')],
    })
    const body = {
      ...{ client: 'batch', resourceServer: 'bank', scopes: ['accounts'], authorizationDetailsTypes: [] },
      ...{ purpose: 'the books', days: 10, reviewDays: 5 },
    }
    const { name } = bodyOf(await send('robot', { id: 'requestScopeGrant', body }))
    const approve = { id: 'changeScopeGrant', body: { step: 'approve', name } }
    assert.equal(ruleOf(await send('anna', approve)), 'admin.own-change')
    const decoy = documentFor('Scope', String(name), { title: 'Decoy', description: 'Decoy' })
    const made = await send('anna', { id: 'putScope', name: String(name), body: decoy })
    assert.equal(ruleOf(made), '201')
    assert.equal(ruleOf(await send('anna', approve)), 'admin.own-change')
    assert.equal(ruleOf(await send('bela', approve)), '200')
  })

  test('nor an onboarding that it drafted or submitted', async () => {
    const { send } = await openGround({
      documents: [...peopleDocuments, ...parsed(onboardingDocuments('off'))],
    })
    for (const [drafts, submits] of [
      ['bela', 'robot'],
      ['robot', 'bela'],
    ] as const) {
      const draft = { id: 'draftOnboarding', body: { form: { ...shopForm, purpose: drafts }, days: 100 } }
      const { name: record } = bodyOf(await send(drafts, draft))
      const step = (who: string, of: string) =>
        send(who, { id: 'changeOnboarding', body: { step: of, record } })
      assert.equal(ruleOf(await step(submits, 'submit')), '200')
      for (const taken of ['approve', 'certify', 'review'])
        assert.equal(ruleOf(await step('anna', taken)), 'admin.own-change', `${drafts} ${submits} ${taken}`)
    }
  })

  test('an administrator answers as the user of the token, and not as one of that name at another issuer', async () => {
    const other = {
      ...mainBinding,
      name: 'other',
      url: 'https://other.example',
      mtlsUrl: 'https://m.other.example',
    }
    const at = (issuer: string) => (document: object) => {
      const { metadata, ...rest } = document as { metadata: object }
      return { ...rest, metadata: { ...metadata, issuer } }
    }
    const { send } = await openGround({
      issuers: [mainBinding, other],
      documents: [
        ...peopleDocuments.map(at('main')),
        at('other')(documentFor('User', 'anna', { password: 'of-somebody-else', groups: ['payers'] })),
      ],
    })
    const answer = (more: object) =>
      send('anna', { id: 'changeApproval', body: { step: 'approve', name: 'none', ...more } })
    for (const issuer of ['other', other.url])
      assert.equal(ruleOf(await answer({ issuer })), 'admin.user-elsewhere')
    for (const more of [{}, { issuer: 'main' }, { issuer: mainBinding.url }])
      assert.match(JSON.stringify(await answer(more)), /there is no request of this name/)
  })
})
