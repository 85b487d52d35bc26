import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { payment } from '@holdfast/protocol/specs/rfc9396-rar/sample-types.ts'
import { push } from '../testing/browser.ts'
import { asking, atConsent, openPayingWorld } from '../testing/details.ts'
import { jsonOf } from '../testing/flow.ts'

/** A client puts into its details what would make the consent page say something else (A1, E1). */

const scope = 'openid payments'

describe('a consent page that a client tries to rewrite', () => {
  test('markup in a detail is shown as text, and text that hides or turns around is refused', async () => {
    await using world = await openPayingWorld()
    for (const creditorName of [
      '<script>alert(1)</script>',
      '</dd></dl><h1>Free money</h1>',
      '"><img src=x onerror=alert(1)>',
      "' onmouseover='alert(1)",
      '`alert(1)`',
      '{{constructor}}',
      '&lt;b&gt;',
    ]) {
      const [browser, url] = await atConsent(world, { scope, ...asking({ ...payment, creditorName }) })
      const page = String((await browser.get(url)).body)
      const shown = /<dt>To<\/dt><dd><bdi>(.*?)<\/bdi><\/dd>/.exec(page)?.[1] ?? ''
      assert.doesNotMatch(shown, /[<>"'`]/, creditorName)
      assert.match(shown, /&(?:lt|gt|amp|quot|#39|#96);|constructor|&#96;/)
    }
    for (const hidden of [
      '\u202e',
      '\u2067',
      '\u200b',
      '\u200d',
      '\ufeff',
      '\u0085',
      '\n',
      '\u3164',
      '\u{e0020}',
    ]) {
      const spoil = { scope, ...asking({ ...payment, creditorName: `Mer${hidden}chant` }) }
      const reply = await push(world, { clientId: 'c_pay', spoil })
      assert.equal(jsonOf(reply).error, 'invalid_authorization_details', JSON.stringify(hidden))
    }
  })

  test('the longest value that passes is shown whole', async () => {
    await using world = await openPayingWorld()
    const creditorName = 'W'.repeat(70)
    const [browser, url] = await atConsent(world, { scope, ...asking({ ...payment, creditorName }) })
    assert.ok(String((await browser.get(url)).body).includes(`<bdi>${creditorName}</bdi>`))
    const longer = { scope, ...asking({ ...payment, creditorName: `${creditorName}W` }) }
    assert.equal((await push(world, { clientId: 'c_pay', spoil: longer })).status, 400)
  })

  test('names that objects inherit are no types, no fields and no values', async () => {
    await using world = await openPayingWorld()
    const texts = [
      '[{"type":"__proto__"}]',
      '[{"type":"constructor"}]',
      `[${JSON.stringify(payment).replace('{', '{"__proto__":{"creditorName":"x"},')}]`,
      `[${JSON.stringify({ ...payment, constructor: { prototype: {} } })}]`,
      `[${JSON.stringify({ ...payment, toString: 'x' })}]`,
      `[${JSON.stringify({ ...payment, creditorAccount: { ...payment.creditorAccount, valueOf: 1 } })}]`,
    ]
    for (const authorization_details of texts) {
      const reply = await push(world, { clientId: 'c_pay', spoil: { scope, authorization_details } })
      assert.equal(jsonOf(reply).error, 'invalid_authorization_details', authorization_details)
    }
    assert.equal(({} as Record<string, unknown>).creditorName, undefined)
  })

  test('the error a client gets repeats nothing it sent', async () => {
    await using world = await openPayingWorld()
    const reply = await push(world, {
      clientId: 'c_pay',
      spoil: { scope, ...asking({ ...payment, zx81: 1 }) },
    })
    assert.doesNotMatch(String(reply.body), /zx81/)
  })
})
