import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { certificateThumbprint } from '../../jose/thumbprint.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type ClientCertInput, clientCertOf, clientCertRules, readClientCert } from './rules.ts'

/** The vector of our checklist: a self-signed Ed25519 certificate for CN=client-1. */
const vector =
  ':MIIBKTCB3KADAgECAgEBMAUGAytlcDATMREwDwYDVQQDDAhjbGllbnQtMTAgFw0yNjExMjEwMTI5NTdaGA8yMTI2MTAyODAxMjk1N1owEzER' +
  'MA8GA1UEAwwIY2xpZW50LTEwKjAFBgMrZXADIQDle7vsl//6GzfxOIu3U07CcjLs7cs7mzbnkB2ESJN5kKNTMFEwHQYDVR0OBBYEFMVTUty4h7Z4' +
  'wPsaQDp8iDXq5ZmjMB8GA1UdIwQYMBaAFMVTUty4h7Z4wPsaQDp8iDXq5ZmjMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA6Db5Ew7V4f/G86dq' +
  'SWtOWTQchmiPnB1tkUv9SimTlTRAOvjB3Pe6y5/Y8yay/ZmCa5N3q0NCKssLGuLdXYevBQ==:'
const good: ClientCertInput = { values: [vector], isFromProxy: true }

const refusals: readonly Refused<ClientCertInput>[] = [
  { name: 'another peer', input: { ...good, isFromProxy: false }, ruleId: 'client-cert.proxy' },
  { name: 'two fields', input: { ...good, values: [vector, vector] }, ruleId: 'client-cert.one' },
  { name: 'no field', input: { ...good, values: [] }, ruleId: 'client-cert.one' },
  { name: 'no colons', input: { ...good, values: [vector.slice(1, -1)] }, ruleId: 'client-cert.form' },
  { name: 'nothing', input: { ...good, values: ['::'] }, ruleId: 'client-cert.form' },
  { name: 'base64url', input: { ...good, values: [':_-8=:'] }, ruleId: 'client-cert.form' },
  { name: 'loose bits', input: { ...good, values: [':AB==:'] }, ruleId: 'client-cert.form' },
  { name: 'a list', input: { ...good, values: [':AA==:, :AA==:'] }, ruleId: 'client-cert.form' },
  { name: 'PEM', input: { ...good, values: ['-----BEGIN CERTIFICATE-----'] }, ruleId: 'client-cert.form' },
  { name: 'too long', input: { ...good, values: [`:${'A'.repeat(8192)}:`] }, ruleId: 'client-cert.form' },
]

test('the vector is read, has the thumbprint it must have, and is written as it was', () => {
  const read = readClientCert(good)
  assert.ok(read.ok)
  assert.equal(certificateThumbprint(read.value), 'dDTGlZ-xyc1bdZDXnjyIXZSFZmHXU_pbaKsbaRCPlXE')
  assert.equal(clientCertOf(read.value), vector)
})

for (const { name, input, ruleId } of refusals)
  test(`refuses Client-Cert: ${name}`, () =>
    assert.equal(firstRefusal(clientCertRules, input)?.ruleId, ruleId))

test('whatever is read is written back as it came, and nothing throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String().map(text => `:${text}:`),
      ),
      value => {
        const read = readClientCert({ values: [value], isFromProxy: true })
        if (read.ok) assert.equal(clientCertOf(read.value), value)
      },
    ),
  )
})
