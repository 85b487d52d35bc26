import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { AccessEvent } from '@holdfast/resource-server'
import { systemClock } from '@holdfast/resource-server/ports.ts'
import { testIssuer, testKey, testProof } from '@holdfast/resource-server/testing.ts'
import { openPayments } from './api.ts'
import { apiKeysOf, type Signer, signedFetch, type Transport, type VerifiedAnswer } from './client.ts'

const issuer = testIssuer({ clock: systemClock })
const { audience } = issuer
const dpopKey = testKey('ES256')
const clientKey = testKey('EdDSA')
const answerKey = testKey('EdDSA')
const events: AccessEvent[] = []
const payments: Transport = openPayments({
  issuer: issuer.issuer,
  audience,
  fetch: issuer.fetch,
  audit: event => void events.push(event),
  clients: { 'client-1': { jwks: { keys: [{ ...clientKey.jwk, kid: 'sig-1' }] } } },
  answerKey: { privateKey: answerKey.privateKey, kid: 'answers-1' },
})

let signer: Signer
let nonce: string | undefined
before(async () => {
  const apiKeys = await apiKeysOf(audience, payments)
  signer = { privateKey: clientKey.privateKey, kid: 'sig-1', apiKeys, transport: payments }
  // An API that has just begun asks for a nonce once; the refusal is signed too.
  const first = await pay({ transport: keepNonce })
  assert.equal(first.status, 401)
})

const keepNonce: Transport = async request => {
  const response = await payments(request)
  nonce = response.headers.get('dpop-nonce') ?? undefined
  return response
}

function pay(changes: Partial<Signer> = {}): Promise<VerifiedAnswer> {
  const url = `${audience}/payments`
  const token = issuer.mint({ cnf: { jkt: dpopKey.thumbprint } })
  const claims = nonce === undefined ? {} : { nonce }
  const dpop = testProof({ key: dpopKey, method: 'POST', url, token, now: systemClock.now(), claims })
  const headers = { authorization: `DPoP ${token}`, dpop, 'content-type': 'application/json' }
  const request = { method: 'POST', url: `${url}?draft=1`, headers, body: '{"amount":"10.00"}' }
  return signedFetch({ ...signer, ...changes }, request)
}

/** An API whose answers somebody changes on the way. */
const changing =
  (change: (answer: Response) => Response | Promise<Response>): Transport =>
  async request =>
    await change(await payments(request))

async function replaced(
  answer: Response,
  init: ResponseInit & { readonly body?: string },
): Promise<Response> {
  const body = init.body ?? (await answer.text())
  const headers = new Headers(answer.headers)
  for (const [name, value] of new Headers(init.headers)) headers.set(name, value)
  return new Response(body, { status: init.status ?? answer.status, headers })
}

describe('signed messages', () => {
  test('a response is signed over what was asked, and another library verifies it', async () => {
    const { status, body } = await pay()
    assert.equal(status, 201)
    assert.deepEqual(JSON.parse(body), { paid: '10.00', for: 'user-1', signedBy: clientKey.thumbprint })
    assert.equal(events.at(-1)?.signedBy, clientKey.thumbprint)
  })

  test('a request that another key signed is refused, and the refusal is signed', async () => {
    const { status, body } = await pay({ privateKey: testKey('EdDSA').privateKey })
    assert.equal(status, 401)
    assert.match(body, /not signed as this API asks/)
    assert.equal(events.at(-1)?.ruleId, 'http-signature.signature')
  })

  test('the recipe refuses an answer whose body was swapped', async () => {
    const transport = changing(answer => replaced(answer, { body: '{"paid":"99.00"}' }))
    await assert.rejects(pay({ transport }), /the body is another/)
    const digest = 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:'
    const both = changing(answer => replaced(answer, { body: '{}', headers: { 'content-digest': digest } }))
    await assert.rejects(pay({ transport: both }), /not of this API/)
  })

  test('the recipe refuses another status, no signature, a stranger and the answer to another request', async () => {
    const transport = changing(answer => replaced(answer, { status: 200 }))
    await assert.rejects(pay({ transport }), /not of this API/)
    const unsigned = changing(async answer => new Response(await answer.text()))
    await assert.rejects(pay({ transport: unsigned }), /the body is another/)
    await assert.rejects(pay({ apiKeys: new Map() }), /not of this API/)
    let first: Response | undefined
    await pay({
      transport: async request => {
        const answer = await payments(request)
        first = answer.clone()
        return answer
      },
    })
    await assert.rejects(pay({ transport: async () => first ?? assert.fail() }), /not of this API/)
  })

  test('the recipe refuses a signature that covers less', async () => {
    for (const component of [
      '"@status"',
      '"content-digest"',
      '"content-type"',
      '"@method";req',
      '"signature";req',
    ]) {
      const transport = changing(answer =>
        replaced(answer, {
          headers: {
            'signature-input': (answer.headers.get('signature-input') ?? '').replace(`${component} `, ''),
          },
        }),
      )
      await assert.rejects(pay({ transport }), new RegExp(`does not cover ${component}`))
    }
  })

  test('keys of another API are not taken', async () => {
    const transport: Transport = async () =>
      Response.json({ resource: 'https://other.example', jwks_uri: '' })
    await assert.rejects(apiKeysOf(audience, transport), /another API/)
  })
})
