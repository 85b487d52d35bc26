import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compiledIssuer, documentOf, problemsOf } from '../control/testing/documents.ts'
import { defaultRiskRules } from './risk-rules.ts'

const issuerWith = (risk: string): string => documentOf('Issuer', 'main', `{risk: ${risk}}`)

test('what signals of risk weigh is complete without a word, and each may be said', () => {
  assert.deepEqual(compiledIssuer().risk, defaultRiskRules)
  assert.deepEqual(compiledIssuer(documentOf('Issuer', 'main', '{}')).risk, defaultRiskRules)
  const { weights, settleHours, rememberDays } = compiledIssuer(
    issuerWith('{weights: {new-device: 0, young-client: 100}, settleHours: 0}'),
  ).risk
  assert.deepEqual(weights, { ...defaultRiskRules.weights, 'new-device': 0, 'young-client': 100 })
  assert.deepEqual([settleHours, rememberDays], [0, 90])
})

for (const [name, risk, says] of [
  ['a signal nobody knows', '{weights: {new-devise: 1}}', /new-devise/],
  ['a weight above a hundred', '{weights: {new-device: 101}}', /new-device/],
  ['a weight below nothing', '{weights: {new-device: -1}}', /new-device/],
  ['half a weight', '{weights: {new-device: 0.5}}', /new-device/],
  ['remembering nothing', '{rememberDays: 0}', /rememberDays/],
  ['remembering longer than two years', '{rememberDays: 731}', /rememberDays/],
  ['the name of a country', '{blockedCountries: [Germany]}', /blockedCountries/],
  ['a country in small letters', '{allowedCountries: [de]}', /allowedCountries/],
  ['a threshold nobody knows', '{travelSpeed: 1}', /travelSpeed/],
] as const)
  test(`${name} is refused`, () => assert.match(problemsOf(issuerWith(risk)).join(), says))

test('policies that do not read risk say so', () => {
  assert.equal(compiledIssuer().policies.readsRisk, false)
})
