import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { heard, openWire, type Wire } from '@holdfast/server/store/drivers/wire-for-tests.ts'
import { type Answer, newProofKey, type ProofKey, RawClient } from './harness/raw-client.ts'
import { forkNode, type PreparedProduct, postgresAnswers, prepareProduct, stopNode } from './product/start.ts'

/** Two seconds for the store, and a little for the way there and a busy machine. */
const deadlineMs = 2000 + 700

describe('the product when its database is out of reach', {
  skip: (await postgresAnswers()) ? undefined : 'no PostgreSQL answers at HOLDFAST_TEST_POSTGRES',
}, () => {
  let wire: Wire
  let prepared: PreparedProduct
  let node: ChildProcess
  let client: RawClient
  let key: ProofKey

  before(async () => {
    wire = await openWire()
    prepared = await prepareProduct('postgres')
    const before = process.env.HOLDFAST_TEST_POSTGRES
    process.env.HOLDFAST_TEST_POSTGRES = wire.connectionString
    node = await forkNode(prepared.config)
    if (before === undefined) delete process.env.HOLDFAST_TEST_POSTGRES
    else process.env.HOLDFAST_TEST_POSTGRES = before
    client = new RawClient(prepared.product, [prepared.config.issuer])
    key = await newProofKey()
  })
  after(async () => {
    if (wire !== undefined) Object.assign(wire, { isSilencedBy: heard, isAnswerSilenced: heard })
    wire?.cut()
    await client?.close()
    await stopNode(node)
    wire?.close()
    await prepared?.remove()
  })

  const who = () => prepared.product.clients['private_key_jwt with DPoP']
  const ask = () => client.token(who(), key, { grant_type: 'client_credentials', scope: 'accounts' })
  const timed = async (work: () => Promise<Answer>): Promise<Answer> => {
    const began = performance.now()
    const answer = await work()
    const took = performance.now() - began
    assert.ok(took < deadlineMs, `answered ${answer.status} after ${took} ms`)
    return answer
  }
  const heal = async (): Promise<void> => {
    wire.isSilencedBy = heard
    wire.isAnswerSilenced = heard
    wire.cut()
  }

  it('refuses to issue within the deadline, keeps serving metadata and keys, and recovers by itself', async () => {
    assert.equal((await ask()).status, 200)
    wire.isSilencedBy = () => true
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await timed(ask)
      assert.equal(answer.status, 503)
      assert.equal(answer.json.error, 'temporarily_unavailable')
    }
    for (const path of ['/.well-known/openid-configuration', '/jwks'])
      assert.equal((await timed(() => client.get(path))).status, 200)
    await heal()
    assert.equal((await ask()).status, 200)
  })

  it('never tells a commit of unknown outcome as success, and knows afterwards that the assertion was used', async () => {
    await ask()
    const fields = { grant_type: 'client_credentials', scope: 'accounts', ...(await client.assertion(who())) }
    const proof = await client.proof(key, '/token')
    let isCommitSent = false
    wire.isSilencedBy = data => {
      isCommitSent ||= data.includes('commit\0')
      return false
    }
    wire.isAnswerSilenced = () => isCommitSent
    const lost = await timed(() => client.post('/token', fields, proof))
    assert.equal(lost.status, 503)
    await heal()
    const again = await client.post('/token', fields, proof)
    assert.equal(again.status, 401)
    assert.equal((await ask()).status, 200)
  })

  it('a node that was stopped and goes on serves again, and what it was asked meanwhile is decided once', async () => {
    await ask()
    const fields = { grant_type: 'client_credentials', scope: 'accounts', ...(await client.assertion(who())) }
    const proof = await client.proof(key, '/token')
    node.kill('SIGSTOP')
    const asked = Promise.all(Array.from({ length: 8 }, () => client.post('/token', fields, proof)))
    await new Promise(resolve => setTimeout(resolve, 2500))
    node.kill('SIGCONT')
    const statuses = (await asked).map(({ status }) => status)
    assert.equal(statuses.filter(status => status === 200).length, 1, statuses.join(' '))
    assert.equal((await ask()).status, 200)
  })
})
