import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { after, before, describe, test } from 'node:test'
import type { Requirements } from '@holdfast/resource-server'
import { protect } from '@holdfast/resource-server/adapters/node.ts'
import { type Answer, type Bed, openBed, type SendOptions, send } from './testing/bed.ts'

/** An API behind the gateway refuses what the gateway let through; the client has to learn how to come back. */
describe('a challenge of the API behind the gateway', () => {
  let bed: Bed
  before(async () => {
    bed = await openBed({ api: { senderConstraint: 'allowed' } })
  })
  after(() => bed.close())

  const asked = async (
    requirements: Requirements<IncomingMessage>,
    options: SendOptions = { token: bed.token() },
  ): Promise<Answer & { readonly challenge: string }> => {
    bed.api.listener = protect(bed.api.sdk, requirements, (_incoming, response) => void response.end('in'))
    const answer = await send(bed, options)
    return { ...answer, challenge: answer.headers['www-authenticate'] ?? '' }
  }

  test('a stronger sign-in that its policies want is told, in the scheme that the client used', async () => {
    const { status, challenge, json } = await asked({
      decide: () => ({
        allow: false,
        reason: 'not so much',
        stepUp: { acrValues: ['urn:mfa'], maxAgeSeconds: 60 },
      }),
    })
    assert.equal(status, 401)
    assert.match(
      challenge,
      /DPoP error="insufficient_user_authentication".* acr_values="urn:mfa", max_age="60"/,
    )
    assert.equal(json.error, 'insufficient_user_authentication')
    assert.equal(bed.apiEvents.at(-1)?.ruleId, 'decision.step-up')
  })

  test('and one that its route wants', async () => {
    const { status, challenge } = await asked({ acrValues: ['urn:mfa'] })
    assert.equal(status, 401)
    assert.match(challenge, /DPoP error="insufficient_user_authentication".* acr_values="urn:mfa"/)
  })

  test('a scope that is missing there is named', async () => {
    const { status, challenge } = await asked({ scopes: ['accounts:close'] })
    assert.equal(status, 403)
    assert.match(challenge, /DPoP error="insufficient_scope".* scope="accounts:close"/)
  })

  test('what the gateway did not vouch for is told nothing', async () => {
    const guard = bed.api.sdk.guard({ scopes: ['accounts:close'] })
    const answer = await guard({
      ...{ method: 'GET', target: '/accounts', isSecure: true, isTokenInBody: false, native: undefined },
      headers: name => (name === 'holdfast-evidence' ? ['made.up.evidence'] : []),
      peerCertificate: undefined,
      readBody: async () => Buffer.alloc(0),
    })
    assert.ok(!answer.ok)
    assert.equal(answer.status, 401)
    assert.ok(!JSON.stringify([answer.headers, answer.body]).includes('error'), JSON.stringify(answer))
  })
})
