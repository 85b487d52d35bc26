import assert from 'node:assert/strict'
import { it } from 'node:test'
import { judgeAnswer } from './answer.ts'

it('an answer of 200 or 204 is a delivery, one that may pass is tried again, any other is final', () => {
  for (const status of [200, 204]) assert.equal(judgeAnswer(status), 'delivered')
  for (const status of [undefined, 408, 425, 429, 500, 502, 503, 504, 599])
    assert.equal(judgeAnswer(status), 'try-again')
  for (const status of [201, 202, 301, 302, 307, 400, 401, 403, 404, 405, 410, 413, 499, 501])
    assert.equal(judgeAnswer(status), 'give-up')
})
