import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { readPeerCertificate } from '../request.ts'
import { accepted, call, challengesOf, dpopHeaders, refused, testBed } from '../test-bed.ts'
import { testCertificate } from '../test-certificate.ts'
import { testClock, testKey } from '../testing.ts'

/** The thief has a copy of the token, of a proof, or of both; never the key. */
describe('a stolen token', () => {
  test('with a proof of the thief is 401 invalid_token', async () => {
    const bed = testBed()
    const headers = dpopHeaders(bed, bed.boundToken(), { key: testKey() })
    assert.equal(refused(await call(bed, { headers }), 401, 'dpop.binding').error, 'invalid_token')
    assert.equal(bed.events[0]?.outcome, 'alert')
    assert.equal(bed.events[0]?.category, 'sender-constraint')
  })

  test('as plain Bearer is 401 invalid_token', async () => {
    const bed = testBed({ senderConstraint: 'allowed' })
    const answer = await call(bed, { headers: { authorization: `bearer ${bed.boundToken()}` } })
    assert.equal(refused(answer, 401, 'bearer.dpop-downgrade').error, 'invalid_token')
  })

  test('as Bearer with the stolen proof beside it is 401', async () => {
    const bed = testBed()
    const token = bed.boundToken()
    const headers = { ...dpopHeaders(bed, token), authorization: `Bearer ${token}` }
    refused(await call(bed, { headers }), 401, 'bearer.dpop-downgrade')
  })

  test('with the stolen proof, after its owner used it, is 401 and alarms', async () => {
    const bed = testBed()
    const headers = dpopHeaders(bed, bed.boundToken())
    accepted(await call(bed, { headers }))
    assert.equal(refused(await call(bed, { headers }), 401, 'replay.proof').error, 'invalid_dpop_proof')
    assert.equal(bed.events[1]?.outcome, 'alert')
  })

  test('with the stolen proof at another path or method is 401', async () => {
    const bed = testBed()
    const headers = dpopHeaders(bed, bed.boundToken())
    refused(await call(bed, { headers, target: '/payments/8' }), 401, 'dpop.htu')
    refused(await call(bed, { headers, method: 'DELETE' }), 401, 'dpop.htm')
  })

  test("with its owner's proof for another token is 401", async () => {
    const bed = testBed()
    const { dpop = '' } = dpopHeaders(bed, bed.boundToken())
    refused(
      await call(bed, { headers: { authorization: `DPoP ${bed.boundToken()}`, dpop } }),
      401,
      'dpop.ath',
    )
  })
})

describe('a stolen certificate-bound token', () => {
  const [owner, thief] = [testCertificate('owner'), testCertificate('thief')]
  const x5t = createHash('sha256').update(owner.der).digest('base64url')
  const evidence = (der: Uint8Array) => {
    const read = readPeerCertificate(der)
    assert.ok(read)
    return { peerCertificate: read }
  }
  const now = Math.floor(Date.now() / 1000)
  const bed = testBed({ clock: testClock(now) })
  const headers = { authorization: `Bearer ${bed.issuer.mint({ cnf: { 'x5t#S256': x5t } })}` }

  test('is accepted over the connection of its owner only', async () => {
    accepted(await call(bed, { headers, ...evidence(owner.der) }))
    for (const wrong of [evidence(thief.der), {}]) {
      const answer = refused(await call(bed, { headers, ...wrong }), 401, 'cnf.x5t')
      assert.equal(challengesOf(answer).get('bearer')?.params.get('error'), 'invalid_token')
    }
  })

  test('is refused when the certificate is outside its dates', async () => {
    const table: [number, string][] = [
      [2 * 86_400, 'mtls.expired'],
      [-2 * 86_400, 'mtls.not-yet-valid'],
    ]
    for (const [seconds, ruleId] of table) {
      const moved = testBed({ clock: testClock(now + seconds) })
      const authorization = `Bearer ${moved.issuer.mint({ cnf: { 'x5t#S256': x5t } })}`
      refused(await call(moved, { headers: { authorization }, ...evidence(owner.der) }), 401, ruleId)
    }
  })

  test('is refused by an API that does not take certificates', async () => {
    const dpopOnly = testBed({
      clock: testClock(now),
      senderConstraintMethods: ['dpop'],
      senderConstraint: 'allowed',
      fetch: bed.issuer.fetch,
    })
    refused(await call(dpopOnly, { headers, ...evidence(owner.der) }), 401, 'cnf.x5t')
  })

  test('a token bound to key and certificate needs both', async () => {
    const cnf = { jkt: bed.key.thumbprint, 'x5t#S256': x5t }
    const both = () => {
      const token = bed.issuer.mint({ cnf })
      return { token, headers: dpopHeaders(bed, token) }
    }
    accepted(await call(bed, { headers: both().headers, ...evidence(owner.der) }))
    refused(await call(bed, { headers: both().headers }), 401, 'cnf.x5t')
    refused(await call(bed, { headers: both().headers, ...evidence(thief.der) }), 401, 'cnf.x5t')
    const bearer = { authorization: `Bearer ${both().token}` }
    refused(await call(bed, { headers: bearer, ...evidence(owner.der) }), 401, 'bearer.dpop-downgrade')
  })
})
