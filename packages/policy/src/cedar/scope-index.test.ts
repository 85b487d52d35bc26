import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diceOf, times } from '../testing/dice.ts'
import { actionUid, dataEntities, partyUid } from '../testing/random-data.ts'
import { policy } from '../testing/random-policies.ts'
import { entitiesAt } from './entities.ts'
import { collectPolicies, compilePolicy, evaluate } from './evaluate.ts'
import type { Environment } from './expression.ts'
import { scopeMatches } from './scope.ts'
import { entityUid } from './value.ts'

function environment(dice: ReturnType<typeof diceOf>): Environment {
  const uid = ({ type, id }: { type: string; id: string }) => entityUid(type, id)
  return {
    principal: uid(partyUid(dice)),
    action: uid(actionUid(dice)),
    resource: uid(partyUid(dice)),
    context: { kind: 'record', fields: new Map() },
    entities: entitiesAt(dataEntities(dice)),
  }
}

describe('the index of scopes', () => {
  it('finds every policy whose scope matches, each once, in order', () => {
    let [matching, found, all] = [0, 0, 0]
    for (let seed = 0; seed < 40; seed++) {
      const dice = diceOf(seed)
      const compiled = collectPolicies(
        times(300, index => compilePolicy(`p${String(index).padStart(3, '0')}`, policy(dice))),
      )
      for (const at of times(10, () => environment(dice))) {
        const candidates = compiled.index.candidates(at)
        const scanned = compiled.policies.flatMap(({ scope }, position) =>
          scopeMatches(scope, at) ? [position] : [],
        )
        assert.deepEqual(
          candidates.filter(position => scanned.includes(position)),
          scanned,
        )
        assert.equal(new Set(candidates).size, candidates.length)
        matching += scanned.length
        found += candidates.length
        all += 300
      }
    }
    assert.ok(matching > 1000 && found < all / 2, `${matching} of ${found} of ${all}`)
  })

  it('ten thousand policies for others are not looked at', () => {
    const scope = (id: string) => ({
      effect: 'permit',
      principal: { op: '==', entity: { type: 'User', id } },
      action: { op: 'All' },
      resource: { op: 'All' },
      conditions: [],
    })
    const compiled = collectPolicies(times(10_000, index => compilePolicy(`p${index}`, scope(`u${index}`))))
    const at = { ...environment(diceOf(1)), principal: entityUid('User', 'u77') }
    assert.equal(compiled.index.candidates(at).length, 1)
    assert.deepEqual(evaluate(compiled, at).determining, ['p77'])
  })
})
