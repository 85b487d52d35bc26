import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Clock } from '../../ports.ts'
import { thumbprintOfJwk } from '../onboarding/registration.ts'
import { type AdminGround, movedClock, openAdminGround } from '../testing/admin-ground.ts'
import { bodyOf, door, peopleDocuments, personFor, ruleOf } from '../testing/admin-people.ts'
import { documentFor } from '../testing/admin-world.ts'
import { newJwk, shopForm } from '../testing/onboarded.ts'
import { changeLifetimeSeconds } from './propose.ts'

/**
 * Attack: one person locks all administrators out. A client by which persons come in is suspended by its document or
 * by its onboarding; of several, all at once, or one in this way and the other in that, or when time will do the rest.
 */

const other = 'other-cli'
const persons = ['cora', 'dora'].flatMap(name => personFor(name))
/** Each with an address of its own. */
const doorAt = (name: string, status = 'active'): object =>
  JSON.parse(
    JSON.stringify(door(name)).replace('cli.example', `${name.replace('admin-', '')}.example`),
    (member, value) => (member === 'spec' ? { ...value, status } : value),
  )
const daySeconds = 86_400
/** How long what is onboarded is served, and a key beside the one that takes its place. */
const [endDays, keyDays] = [200, 8]
const suspended = (name: string): object => doorAt(name, 'suspended')

const opened: AdminGround[] = []
async function openGround(more: readonly object[] = [], clock?: Clock): Promise<AdminGround> {
  const documents = [...peopleDocuments, ...persons, ...more]
  const ground = await openAdminGround({ documents, ...(clock && { clock }) })
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
  const rotation = { ...shopForm.rotation, overlapDays: keyDays }
  const form = { ...shopForm, client, rotation, riskTier: 3 }
  const { name } = bodyOf(await send('anna', { id: 'draftOnboarding', body: { form, days: 300 } }))
  const record = String(name)
  bodyOf(await stepOf(send, 'anna', 'submit', record))
  const checked = bodyOf(await send('anna', { id: 'checkOnboarding', body: { record } }))
  assert.equal(checked.passed, true, JSON.stringify(checked.findings))
  for (const who of ['bela', 'cora']) bodyOf(await stepOf(send, who, 'approve', record))
  const certification = { against: 'our own rules', evidence: 'file 7', days: endDays }
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

  const keptSeconds = endDays * daySeconds - changeLifetimeSeconds
  for (const [left, rule] of [
    [1, '200'],
    [0, '202'],
    [1 - changeLifetimeSeconds, '202'],
    [-changeLifetimeSeconds, '202'],
  ] as const)
    for (const way of ['its document', 'its onboarding'])
      test(`beside one that stands ${left} s longer than a change waits is ${rule} by ${way}`, async () => {
        const clock = movedClock()
        const { send } = await openGround([doorAt(other)], clock)
        await onboarded(send, 'admin-cli')
        clock.pass(keptSeconds - left)
        const record = way === 'its document' ? undefined : await onboarded(send, other)
        const suspension =
          record === undefined
            ? putSuspended(send, other)
            : stepOf(send, 'anna', 'suspend', record, { reason: 'stolen' })
        assert.equal(ruleOf(await suspension), rule)
      })

  for (const [left, rule] of [
    [1, '202'],
    [0, '200'],
  ] as const)
    test(`is one until its own onboarding ends: ${rule} when ${left} s are left`, async () => {
      const clock = movedClock()
      const { send } = await openGround([], clock)
      await onboarded(send, 'admin-cli')
      clock.pass(endDays * daySeconds - left)
      assert.equal(ruleOf(await putSuspended(send, 'admin-cli')), rule)
    })

  for (const [left, rule] of [
    [1, '200'],
    [0, '202'],
  ] as const)
    test(`beside one whose only key ends ${left} s after a change waited is ${rule}`, async () => {
      const clock = movedClock()
      const { send } = await openGround([doorAt(other)], clock)
      const record = await onboarded(send, 'admin-cli')
      const jwk = newJwk('next')
      bodyOf(await stepOf(send, 'anna', 'rotate-key', record, { rotation: { jwk } }))
      bodyOf(await stepOf(send, 'bela', 'approve-key', record, { thumbprint: thumbprintOfJwk(jwk) }))
      clock.pass(keyDays * daySeconds - changeLifetimeSeconds - left)
      assert.equal(ruleOf(await putSuspended(send, other)), rule)
    })

  test('waits for a second person also when time made it the last one since', async () => {
    const clock = movedClock()
    const { send } = await openGround([doorAt(other)], clock)
    await onboarded(send, 'admin-cli')
    clock.pass(keptSeconds - 1)
    const profile = documentFor('SecurityProfile', 'short', { base: 'fapi2-security', tighten: {} })
    const files = [
      { path: 'a', text: [profile, suspended(other)].map(one => JSON.stringify(one)).join('\n---\n') },
    ]
    const waits = await send('anna', { id: 'applyDocuments', body: { files } })
    assert.deepEqual(bodyOf(waits).reasons, ['SecurityProfile/short: a profile that others stand on'])
    clock.pass(1)
    const confirm = { id: 'confirmChange', name: String(bodyOf(waits).name), body: {} }
    assert.equal(ruleOf(await send('bela', confirm)), 'admin.change-stale')
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
