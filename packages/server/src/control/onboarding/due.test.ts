import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { apply } from '../apply.ts'
import { day, done, openControlWorld, refusedWith } from '../testing/control-world.ts'
import { binding, fileOf } from '../testing/documents.ts'
import { newJwk, onboardingDocuments, shopDocument, shopForm } from '../testing/onboarded.ts'
import type { DueItem, DueRequest } from './api.ts'
import { dueOnboardings, pageOfDue } from './due.ts'
import { changeOnboarding, draftOnboarding } from './onboardings.ts'
import { checkOnboarding } from './run-check.ts'

/** A client that was onboarded for 60 days, 80 days ago, whose name is another one since, and whose next key waits. */
async function open(t: TestContext) {
  const world = await openControlWorld(t, onboardingDocuments('required', 'tier-2-sensitive-read'))
  const { ports, pass } = world
  const form = { ...shopForm, riskTier: 2, reviewDays: 50, rotation: { keyDays: 70, overlapDays: 7 } }
  const { name: record } = await done(draftOnboarding({ as: 'bob', form, days: 60 }, ports))
  const outbound = { getJson: () => assert.fail('fetches') }
  const step = (as: string, of: 'submit' | 'approve' | 'activate' | 'rotate-key', more: object = {}) =>
    done(changeOnboarding({ step: of, as, record, ...more }, ports))
  await step('bob', 'submit')
  await done(checkOnboarding({ as: 'bob', record }, ports, outbound))
  await step('alice', 'approve')
  await step('bob', 'activate')
  pass(day)
  await step('bob', 'rotate-key', { rotation: { jwk: newJwk('next') } })
  const files = [fileOf(shopDocument({ client_name: 'Another' }))]
  await done(apply({ files, dryRun: false, prune: false }, ports))
  pass(79 * day)
  return world
}

const kindsOf = (items: readonly DueItem[]): readonly string[] => items.map(({ what }) => what)

describe('what is due', () => {
  test('comes in pages, the most urgent first, each of it once, whatever time it is', async t => {
    const { ports, pass } = await open(t)
    const whole = await done(dueOnboardings({ days: 0 }, ports))
    const all = await done(pageOfDue({ days: 0, limit: 500 }, ports))
    assert.deepEqual(Object.keys(all), ['due'])
    assert.deepEqual(kindsOf(all.due), ['registration', 'key', 'review', 'onboarding', 'key'])
    assert.deepEqual(new Set(all.due), new Set(whole))
    const seen: DueItem[] = []
    let asked: DueRequest = { days: 0, limit: 2 }
    for (let page = 0; page < 3; page++) {
      const { due, next } = await done(pageOfDue(asked, ports))
      assert.deepEqual([due.length, next === undefined], page === 2 ? [1, true] : [2, false])
      seen.push(...due)
      asked = { ...asked, after: next }
      pass(1)
    }
    assert.deepEqual(seen, all.due)
  })

  test('is told of nobody else, and begins at no place but its own', async t => {
    const { ports } = await open(t)
    const { next } = await done(pageOfDue({ days: 0, limit: 1 }, ports))
    assert.ok(next)
    const here = await done(pageOfDue({ days: 0, issuer: binding.name, after: next }, ports))
    assert.equal(here.due.length, 4)
    await refusedWith(pageOfDue({ days: 0, issuer: 'nowhere' }, ports), /name one of/)
    for (const after of [
      '',
      'x',
      next.replace('ClientOnboarding', 'Approval'),
      next.replace(binding.url, 'https://x.example'),
    ])
      await refusedWith(pageOfDue({ days: 0, after }, ports), /`after` does not fit/)
  })
})
