import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import {
  type OnboardingState,
  type OnboardingStep,
  statesBefore,
} from '@holdfast/protocol/specs/holdfast-onboarding/step-rules.ts'
import fc from 'fast-check'
import { openEntropy } from '../../entropy.ts'
import { openPasswords } from '../../passwords.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { ControlPorts } from '../apply.ts'
import { applied, day } from '../testing/control-world.ts'
import { binding } from '../testing/documents.ts'
import { onboardingDocuments, shopForm } from '../testing/onboarded.ts'
import { changeOnboarding, draftOnboarding, listOnboardings } from './onboardings.ts'
import { checkOnboarding } from './run-check.ts'

/** Random steps by random persons at random times, against a model that knows only who may do what after what. */

const persons = ['alice', 'bob', 'carol', 'dave'] as const
const drafter = 'bob'
const lifetimeDays = 20
const certifiedDays = 8

interface Model {
  state: OnboardingState
  readonly needed: 1 | 2
  readonly approvedBy: Set<string>
  submittedBy: string | undefined
  suspendedBy: string | undefined
  certifiedUntil: number | undefined
  wasActive: boolean
}

type Person = (typeof persons)[number]
type Tried = Exclude<OnboardingStep, 'rotate-key' | 'approve-key' | 'remove'>
type Try = readonly [step: Tried, as: Person, daysLater: number]

/** The state that time makes of it. */
function stateAt(model: Model, now: number, endsAt: number): OnboardingState {
  if (model.state !== 'retired' && now >= endsAt) return 'expired'
  const isLapsed = model.needed === 2 && (model.certifiedUntil ?? 0) <= now
  return model.state === 'active' && isLapsed ? 'uncertified' : model.state
}

/** Whether the step is allowed; moves the model when it is. */
function take(model: Model, [step, as]: Try, now: number, endsAt: number): boolean {
  if (!statesBefore[step].includes(stateAt(model, now, endsAt))) return false
  const isAsking = as === drafter || as === model.submittedBy
  const isCertified = model.needed === 1 || (model.certifiedUntil ?? 0) > now
  switch (step) {
    case 'submit':
      Object.assign(model, { state: 'submitted', submittedBy: as })
      return true
    case 'check':
      if (model.state === 'submitted') model.state = 'checked'
      return true
    case 'approve':
      if (isAsking || model.approvedBy.has(as)) return false
      model.approvedBy.add(as)
      if (model.approvedBy.size >= model.needed) model.state = 'approved'
      return true
    case 'certify':
      if (isAsking) return false
      model.certifiedUntil = Math.min(now + certifiedDays * day, endsAt)
      if (model.state === 'approved') model.state = 'certified'
      return true
    case 'activate':
      if (!isCertified) return false
      Object.assign(model, { state: 'active', wasActive: true })
      return true
    case 'review':
      return !isAsking
    case 'suspend':
      Object.assign(model, { state: 'suspended', suspendedBy: as })
      return true
    case 'resume':
      if (!isCertified || (model.needed === 2 && model.suspendedBy === as)) return false
      model.state = 'active'
      return true
    case 'retire':
      model.state = 'retired'
      return true
    default:
      return step satisfies never
  }
}

async function emptyPorts(clock: ControlPorts['clock']): Promise<ControlPorts> {
  const entropy = openEntropy()
  let count = 0
  return {
    ...{ store: await openSqliteStore({ path: ':memory:', clock }), clock, entropy },
    ...{ passwords: openPasswords({ entropy }), issuers: [binding], newReference: () => `r-${++count}` },
  }
}

/** The good way, so that half of the runs begin at its end. */
const led: readonly Try[] = [
  ['submit', 'bob', 0],
  ['check', 'bob', 0],
  ['approve', 'alice', 0],
  ['approve', 'carol', 0],
  ['certify', 'carol', 0],
  ['activate', 'bob', 0],
]

const outbound = { getJson: () => assert.fail('fetches') }

async function tried(ports: ControlPorts, record: string, [step, as]: Try): Promise<boolean> {
  if (step === 'check') return (await checkOnboarding({ as, record }, ports, outbound)).ok
  const certification = { against: 'FAPI 2.0', evidence: 'report', days: certifiedDays }
  return (await changeOnboarding({ step, as, record, certification }, ports)).ok
}

test('no state is reached without the one before it, and nobody is two persons', async () => {
  const forward = ['submit', 'check', 'approve', 'approve', 'certify', 'activate'] as const
  const anything = [...forward, 'review', 'suspend', 'resume', 'retire'] as const
  // Mostly forward, so that runs get far enough to break something.
  const steps = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Tried>(...forward) },
    { weight: 2, arbitrary: fc.constantFrom<Tried>(...anything) },
  )
  const tries = fc.array(fc.tuple(steps, fc.constantFrom(...persons), fc.constantFrom(0, 0, 0, 0, 0, 1, 5)), {
    minLength: 8,
    maxLength: 20,
  })
  const reached = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.boolean(), tries, async (isHigh, isLed, free) => {
      const taken = isLed ? [...led, ...free] : free
      let now = 1_700_000_000
      const ports = await emptyPorts({ now: () => now as EpochSeconds, monotonicMs: () => 0 })
      try {
        const tier = isHigh ? 'tier-3-sensitive-write' : 'tier-2-sensitive-read'
        assert.ok((await applied(onboardingDocuments('required', tier), ports)).ok)
        const form = { ...shopForm, riskTier: isHigh ? 3 : 2 }
        const drafted = await draftOnboarding({ as: drafter, form, days: lifetimeDays }, ports)
        assert.ok(drafted.ok, JSON.stringify(drafted))
        const { name } = drafted.value
        const model: Model = {
          ...{ state: 'draft', needed: isHigh ? 2 : 1, approvedBy: new Set(), submittedBy: undefined },
          ...{ suspendedBy: undefined, certifiedUntil: undefined, wasActive: false },
        }
        const endsAt = now + lifetimeDays * day
        for (const one of taken) {
          now += one[2] * day
          const before = stateAt(model, now, endsAt)
          const expected = take(model, one, now, endsAt)
          assert.equal(await tried(ports, name, one), expected, `${one[0]} by ${one[1]} in ${before}`)
          const listed = await listOnboardings({}, ports)
          assert.ok(listed.ok)
          const shown = stateAt(model, now, endsAt)
          assert.equal(listed.value.onboardings[0]?.state, shown)
          reached.add(shown)
        }
      } finally {
        await ports.store.close()
      }
    }),
    { numRuns: 80 },
  )
  // A run that never got anywhere would prove nothing.
  for (const state of ['approved', 'certified', 'active', 'uncertified', 'suspended', 'retired', 'expired'])
    assert.ok(reached.has(state), `no run reached ${state}`)
})
