import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isTest, sourceFiles } from '../../../../../test/source-files.ts'
import { openControlWorld } from '../testing/control-world.ts'
import { governedDocuments } from '../testing/governed.ts'
import { onboardingFlags } from './flags.ts'

/** Rules of the product whose refusals tell of each kind, and some that tell of nothing. */
const told: Readonly<Record<string, readonly string[]>> = {
  replay: [
    ...['client-assertion.replay', 'dpop.replay', 'request-object.replay', 'jwt-bearer.replay'],
    ...['client-auth.pop-replay', 'client-auth.svid-replay', 'code.replayed', 'refresh.reused'],
    ...['device.replayed', 'ciba.replayed', 'code.spent', 'request-uri.unspent'],
  ],
  redirect: ['redirect-uri.registered', 'redirect-uri.form'],
  foreign: ['code.client', 'refresh.client', 'revocation.owner'],
  key: [
    ...['cnf.jkt', 'cnf.x5t', 'cnf.thumbprint', 'dpop.binding', 'dpop.ath', 'code.dpop-key'],
    ...['code.instance-key', 'refresh.key', 'refresh.instance-key', 'bearer.dpop-downgrade'],
  ],
  authentication: ['client-auth.signature', 'client-auth.secret', 'assertion.aud', 'svid.aud'],
  beyond: ['scope.allowed', 'resource.allowed', 'client-credentials.scope'],
  'held-back': ['onboarding.client', 'onboarding.authorization', 'client-auth.suspended'],
}
const untold = ['pkce.required', 'dpop.nonce', 'code.expired', 'refresh.expired', 'policy.denied']

describe('what is held against a client', () => {
  for (const [flag, ruleIds] of [...Object.entries(told), ['', untold] as const])
    for (const ruleId of ruleIds)
      test(`${ruleId}: ${flag === '' ? 'nothing' : flag}`, async t => {
        const { ports } = await openControlWorld(t, governedDocuments)
        const issuer = ports.issuers[0]?.url ?? ''
        for (let index = 0; index < 20; index++)
          await ports.store.commit([
            {
              kind: 'append-audit',
              record: {
                ...{ at: ports.clock.now(), issuer, event: 'token.refused', outcome: 'refused' },
                ...{ requestId: `r${index}`, clientId: 'batch', ruleId, clauses: [], facts: {} },
              },
            },
          ])
        const found = await onboardingFlags({ days: 1 }, ports)
        assert.ok(found.ok)
        const flags = found.value.clients.flatMap(one =>
          one.flags.map(({ flag: name, count }) => [name, count]),
        )
        assert.deepEqual(flags, flag === '' ? [] : [[flag, 20]])
      })

  test('every rule above is one of the product', () => {
    const product = sourceFiles('packages', ['.ts']).filter(file => !isTest(file))
    for (const ruleId of [...Object.values(told).flat(), ...untold])
      assert.ok(
        product.some(({ text }) => text.includes(`'${ruleId}'`)),
        ruleId,
      )
  })
})
