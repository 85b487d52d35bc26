import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grant, issuer } from './contract/samples.ts'
import { findersOver, type Row } from './finders.ts'

test('when all access of an issuer ended is asked once for each ending of any, and never for newer rows', async () => {
  const record = { ...grant(), issuer }
  const state = { born: 0, last: null as number | null, ending: undefined as Row | undefined }
  const asked: string[] = []
  const finders = findersOver(async name => {
    asked.push(name)
    if (name === 'find-issuer-revocation') return state.ending === undefined ? [] : [state.ending]
    const { born, last } = state
    return [{ body: JSON.stringify(record), spent_at: null, revoked_at: null, born, last_ended: last }]
  })
  const find = async (): Promise<readonly [revokedAt: number | undefined, questions: number]> => {
    const before = asked.length
    const found = await finders.findGrant(record.id)
    return [found?.revokedAt, asked.length - before - 1]
  }
  assert.deepEqual(await find(), [undefined, 0], 'nothing ever ended')
  state.last = 1
  assert.deepEqual(await find(), [undefined, 1], 'another issuer ended')
  assert.deepEqual(await find(), [undefined, 0], 'which stays so')
  state.last = 2
  state.ending = { sequence: 2, at: 77 }
  assert.deepEqual(await find(), [77, 1], 'this one ended')
  assert.deepEqual(await find(), [77, 0])
  state.born = 2
  assert.deepEqual(await find(), [undefined, 0], 'the row is newer')
  state.last = 3
  state.ending = { sequence: 3, at: 99 }
  assert.deepEqual(await find(), [99, 1], 'it ended again')
})
