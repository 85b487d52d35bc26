import assert from 'node:assert/strict'
import { test } from 'node:test'
import { day, done, openControlWorld } from '../testing/control-world.ts'
import { onboardingDocuments, shopForm } from '../testing/onboarded.ts'
import { changeOnboarding, draftOnboarding } from './onboardings.ts'
import { checkOnboarding } from './run-check.ts'
import { lookOnce } from './watch.ts'

test('the log says once a day what is due, and the metric always', async t => {
  const world = await openControlWorld(t, onboardingDocuments('required', 'tier-2-sensitive-read'))
  const { ports, pass } = world
  const form = { ...shopForm, riskTier: 2 }
  const { name } = await done(draftOnboarding({ as: 'bob', form, days: 60 }, ports))
  await done(changeOnboarding({ step: 'submit', as: 'bob', record: name }, ports))
  const outbound = { getJson: () => assert.fail('fetches') }
  await done(checkOnboarding({ as: 'bob', record: name }, ports, outbound))
  await done(changeOnboarding({ step: 'approve', as: 'alice', record: name }, ports))
  await done(changeOnboarding({ step: 'activate', as: 'bob', record: name }, ports))

  const told: unknown[] = []
  const gauges = new Map<string, number>()
  const watch = {
    ports,
    log: { warn: (event: string, fields?: object) => void told.push([event, fields]) },
    metrics: {
      set: (_name: string, { what = '' }: Readonly<Record<string, string>>, value: number) =>
        void gauges.set(what, value),
    },
  }
  let toldAt = await lookOnce(watch, undefined)
  assert.deepEqual([told.length, gauges.get('onboarding'), toldAt], [0, 0, undefined])
  pass(31 * day)
  toldAt = await lookOnce(watch, toldAt)
  const at = ports.clock.now() + 29 * day
  assert.deepEqual(told, [['onboarding.due', { count: 1, items: [`onboarding of shop at ${at}`] }]])
  assert.equal(gauges.get('onboarding'), 1)
  pass(day - 1)
  toldAt = await lookOnce(watch, toldAt)
  assert.equal(told.length, 1)
  pass(1)
  toldAt = await lookOnce(watch, toldAt)
  assert.equal(told.length, 2)
})
