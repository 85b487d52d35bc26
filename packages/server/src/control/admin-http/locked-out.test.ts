import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type AdminGround, openAdminGround } from '../testing/admin-ground.ts'
import { bodyOf, door, peopleDocuments, personFor, ruleOf } from '../testing/admin-people.ts'
import { shopForm } from '../testing/onboarded.ts'

/**
 * Attack: one person locks all administrators out. A client by which persons come in is suspended by its document or
 * by its onboarding; of several, all at once, or one in this way and the other in that.
 */

const other = 'other-cli'
const persons = ['cora', 'dora'].flatMap(name => personFor(name))
/** Each with an address of its own. */
const doorAt = (name: string, status = 'active'): object =>
  JSON.parse(
    JSON.stringify(door(name)).replace('cli.example', `${name.replace('admin-', '')}.example`),
    (member, value) => (member === 'spec' ? { ...value, status } : value),
  )
const suspended = (name: string): object => doorAt(name, 'suspended')

const opened: AdminGround[] = []
async function openGround(more: readonly object[] = []): Promise<AdminGround> {
  const ground = await openAdminGround({ documents: [...peopleDocuments, ...persons, ...more] })
  opened.push(ground)
  return ground
}

type Send = AdminGround['send']
const putSuspended = (send: Send, name: string) =>
  send('anna', { id: 'putClient', name, body: suspended(name) })
const stepOf = (send: Send, who: string, step: string, record: string, more: object = {}) =>
  send(who, { id: 'changeOnboarding', body: { step, record, ...more } })

/** The client is onboarded, by five persons where it takes so many. @returns the name of its record */
async function onboarded(send: Send, client: string): Promise<string> {
  const form = { ...shopForm, client, riskTier: 3 }
  const { name } = bodyOf(await send('anna', { id: 'draftOnboarding', body: { form, days: 300 } }))
  const record = String(name)
  bodyOf(await stepOf(send, 'anna', 'submit', record))
  const checked = bodyOf(await send('anna', { id: 'checkOnboarding', body: { record } }))
  assert.equal(checked.passed, true, JSON.stringify(checked.findings))
  for (const who of ['bela', 'cora']) bodyOf(await stepOf(send, who, 'approve', record))
  const certification = { against: 'our own rules', evidence: 'file 7', days: 200 }
  bodyOf(await stepOf(send, 'dora', 'certify', record, { certification }))
  assert.equal(bodyOf(await stepOf(send, 'anna', 'activate', record)).state, 'active')
  return record
}

describe('the last client by which administrators come in', () => {
  after(async () => {
    for (const ground of opened) await ground.close()
  })

  for (const step of ['suspend', 'retire'])
    for (const by of ['the name of its record', 'its own name'])
      test(`takes two persons to ${step} by its onboarding, found by ${by}`, async () => {
        const { send } = await openGround()
        const record = await onboarded(send, 'admin-cli')
        const line = { step, record: by === 'its own name' ? 'admin-cli' : record, reason: 'in a hurry' }
        const waits = await send('anna', { id: 'changeOnboarding', body: line })
        assert.equal(ruleOf(waits), '202', JSON.stringify(waits))
        assert.match(String(bodyOf(waits).reasons), /the last client by which administrators come in/)
        const state = async () => {
          const { onboardings } = bodyOf(await send('bela', { id: 'listOnboardings' }))
          return (onboardings as { readonly state: string }[]).map(one => one.state)
        }
        assert.deepEqual(await state(), ['active'])
        const confirm = { id: 'confirmChange', name: String(bodyOf(waits).name), body: {} }
        assert.equal(ruleOf(await send('anna', confirm)), 'admin.own-change')
        assert.equal(ruleOf(await send('bela', confirm)), '200')
        assert.deepEqual(await state(), [step === 'suspend' ? 'suspended' : 'retired'])
      })

  test('is stopped by one person while there is another, in either way', async () => {
    const { send } = await openGround([doorAt(other)])
    const record = await onboarded(send, 'admin-cli')
    assert.equal(ruleOf(await stepOf(send, 'anna', 'suspend', record, { reason: 'stolen' })), '200')
    const { send: sendAgain } = await openGround([doorAt(other)])
    assert.equal(ruleOf(await putSuspended(sendAgain, 'admin-cli')), '200')
  })

  test('is also the one beside a client that its onboarding holds back', async () => {
    const { send } = await openGround([doorAt(other)])
    const record = await onboarded(send, 'admin-cli')
    bodyOf(await stepOf(send, 'anna', 'suspend', record, { reason: 'stolen' }))
    assert.equal(ruleOf(await putSuspended(send, other)), '202')
    bodyOf(await stepOf(send, 'bela', 'resume', record))
    assert.equal(ruleOf(await putSuspended(send, other)), '200')
  })

  test('is also every one of several that are suspended together', async () => {
    const { send } = await openGround([doorAt(other), doorAt('third-cli')])
    const apply = (...names: readonly string[]) => {
      const files = names.map(name => ({ path: 'a', text: JSON.stringify(suspended(name)) }))
      return send('anna', { id: 'applyDocuments', body: { files } })
    }
    const all = await apply('admin-cli', other, 'third-cli')
    assert.equal(ruleOf(all), '202')
    assert.equal((bodyOf(all).reasons as readonly string[]).length, 3)
    assert.equal(ruleOf(await apply('admin-cli', other)), '200')
    assert.equal(ruleOf(await apply('third-cli')), '202')
  })
})
