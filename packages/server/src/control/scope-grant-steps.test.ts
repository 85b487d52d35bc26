import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpochSeconds } from '@holdfast/protocol'
import fc from 'fast-check'
import { openEntropy } from '../entropy.ts'
import { openPasswords } from '../passwords.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { ScopeGrantChange } from './admin-api.ts'
import { apply, type ControlPorts } from './apply.ts'
import { changeScopeGrant, listScopeGrants, requestScopeGrant } from './scope-grants.ts'
import { binding, fileOf } from './testing/documents.ts'
import { governedDocuments } from './testing/governed.ts'

/** Random steps by random persons at random times, against a model that knows only who may do what after what. */

const persons = ['alice', 'bob', 'carol'] as const
const day = 86_400
const lifetimeDays = 5

interface Model {
  state: string
  readonly approvedBy: Set<string>
  readonly needed: number
}

type Try = readonly [step: ScopeGrantChange['step'], as: (typeof persons)[number], daysLater: number]

/** Whether the step is allowed; moves the model when it is. */
function take(model: Model, [step, as]: Try, isExpired: boolean): boolean {
  const state = isExpired && model.state !== 'revoked' ? 'expired' : model.state
  if (step === 'approve') {
    if (state !== 'requested' || as === 'bob' || model.approvedBy.has(as)) return false
    model.approvedBy.add(as)
    if (model.approvedBy.size === model.needed) model.state = 'approved'
    return true
  }
  if (step === 'activate' && state === 'approved') model.state = 'active'
  else if (step === 'revoke' && ['requested', 'approved', 'active'].includes(state)) model.state = 'revoked'
  else if (step === 'remove' && ['revoked', 'expired'].includes(state)) model.state = 'gone'
  else return step === 'review' && state === 'active' && as !== 'bob'
  return true
}

async function emptyPorts(clock: ControlPorts['clock']): Promise<ControlPorts> {
  const entropy = openEntropy()
  let count = 0
  return {
    ...{ store: await openSqliteStore({ path: ':memory:', clock }), clock, entropy },
    ...{ passwords: openPasswords({ entropy }), issuers: [binding], newReference: () => `r-${++count}` },
  }
}

test('no state is reached without the one before it, and nobody is two persons', async () => {
  const steps = fc.constantFrom<ScopeGrantChange['step']>('approve', 'activate', 'review', 'revoke', 'remove')
  // Mostly forward, so that runs get far enough to break something.
  const likely = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<ScopeGrantChange['step']>('approve', 'approve', 'activate') },
    { weight: 2, arbitrary: steps },
  )
  const tries = fc.array(fc.tuple(likely, fc.constantFrom(...persons), fc.constantFrom(0, 0, 0, 0, 1, 3)), {
    minLength: 4,
    maxLength: 14,
  })
  const reached = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.boolean(), tries, async (isHigh, taken) => {
      let now = 1_700_000_000
      const ports = await emptyPorts({ now: () => now as EpochSeconds, monotonicMs: () => 0 })
      try {
        const files = [fileOf(...governedDocuments)]
        assert.ok((await apply({ files, dryRun: false, prune: false }, ports)).ok)
        const asked = await requestScopeGrant(
          {
            ...{ as: 'bob', client: 'batch', resourceServer: 'bank', authorizationDetailsTypes: [] },
            ...{ scopes: isHigh ? ['accounts', 'payments'] : ['accounts'], purpose: 'nightly' },
            ...{ days: lifetimeDays, reviewDays: 1 },
          },
          ports,
        )
        assert.ok(asked.ok)
        const { name } = asked.value
        const model: Model = { state: 'requested', approvedBy: new Set(), needed: isHigh ? 2 : 1 }
        const endsAt = now + lifetimeDays * day
        for (const one of taken) {
          const [step, as, daysLater] = one
          now += daysLater * day
          const expected = take(model, one, now >= endsAt)
          const { ok } = await changeScopeGrant({ step, as, name }, ports)
          assert.equal(ok, expected, `${step} by ${as} with ${model.state}`)
          const listed = await listScopeGrants({}, ports)
          assert.ok(listed.ok)
          const isExpired = now >= endsAt && model.state !== 'revoked'
          const shown = isExpired ? 'expired' : model.state
          assert.equal(listed.value.grants[0]?.state, model.state === 'gone' ? undefined : shown)
          reached.add(shown)
          if (model.state === 'gone') break
        }
      } finally {
        await ports.store.close()
      }
    }),
    { numRuns: 120 },
  )
  // A run that never got anywhere would prove nothing.
  for (const state of ['approved', 'active', 'revoked', 'expired'])
    assert.ok(reached.has(state), `no run reached ${state}`)
})
