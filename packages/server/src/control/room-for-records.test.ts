import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgeRoom, recordCharactersMax, recordsMax } from './room-for-records.ts'

const small = { spec: { a: '' } }
const many = (count: number) => Array.from({ length: count }, () => small)

describe('room for records of one kind', () => {
  test('is for so many', () => {
    assert.equal(judgeRoom(many(recordsMax - 1), small), undefined)
    assert.match(judgeRoom(many(recordsMax), small) ?? '', /there are 5000 of them: remove/)
  })

  test('is for so many characters, with the one that comes', () => {
    const frame = JSON.stringify(small.spec).length
    const large = { spec: { a: 'x'.repeat(recordCharactersMax - 3 * frame) } }
    assert.equal(judgeRoom([small, large], small), undefined)
    assert.equal(judgeRoom([small, small], large), undefined)
    assert.match(judgeRoom([small, large], { spec: { a: 'y' } }) ?? '', /hold more than 67108864 characters/)
    assert.match(judgeRoom([small, large, small], small) ?? '', /hold more than/)
  })
})
