import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { compiledIssuer, documentOf } from '../../control/testing/documents.ts'
import { defaultWeights, defaultRiskRules as rules } from '../../snapshot/risk-rules.ts'
import { policiesWith } from '../testing/policies.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../../../../docs/${path}`, import.meta.url), 'utf8')
const page = read('learn/risk.md')
const blockOf = (language: string): string =>
  new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, 's').exec(page)?.[1] ?? ''

describe('the page about risk', () => {
  test('its policies compile, and read risk', () => {
    assert.equal(policiesWith(blockOf('cedar')).readsRisk, true)
  })

  test('its document is one of an issuer', () => {
    const { spec } = parse(blockOf('yaml')) as { spec: { risk: object } }
    const { risk } = compiledIssuer(documentOf('Issuer', 'main', JSON.stringify(spec)))
    assert.deepEqual([risk.weights['new-device'], risk.settleHours, risk.failuresPerDayMax], [40, 72, 5])
  })

  test('names every signal with its weight', () => {
    const told = [...page.matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)].map(([, name, weight]) => [
      name,
      Number(weight),
    ])
    assert.deepEqual(Object.fromEntries(told), defaultWeights)
  })

  test('says the thresholds there are', () => {
    for (const threshold of [
      `${rules.travelKilometresMin} km or more`,
      `faster than ${rules.travelKilometresPerHourMax} km/h`,
      `more than ${rules.signInsPerHourMax} sign-ins`,
      `more than ${rules.failuresPerDayMax} wrong`,
      `more than ${rules.networkFailuresPerHourMax} failures`,
      `fewer than ${rules.usualHoursSignInsMin} visits`,
      `more than ${rules.userTokensPerHourMax} tokens`,
      `more than ${rules.clientTokensPerHourMax.toLocaleString('en')} tokens`,
      `less than ${rules.youngClientDays} days`,
      `within ${rules.expiringCredentialDays} days`,
    ])
      assert.ok(page.includes(threshold), threshold)
    assert.equal(rules.settleHours, 24)
    assert.ok(read('operate/risk.md').includes(`\`rememberDays\` (${rules.rememberDays})`))
  })
})
