import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EpochSeconds } from '../../brand.ts'
import { firstRefusal, type Refused } from '../../rule.ts'
import { judgeCertificate, readCertificate } from '../../sender/mtls.ts'
import type { BindingInput } from '../rfc7800-cnf/rules.ts'
import { type CertificateRevocation, certificateRevocationRules } from './revocation-rules.ts'
import { type CertificateTime, certificateRule, certificateTimeRules } from './rules.ts'

const x5tS256 = 'dDTGlZ-xyc1bdZDXnjyIXZSFZmHXU_pbaKsbaRCPlXE'
const bound: BindingInput = { cnf: { 'x5t#S256': x5tS256 }, evidence: { x5tS256 }, required: true }

const bindingRefusals: readonly Refused<BindingInput>[] = [
  { name: 'no certificate', input: { ...bound, evidence: {} }, ruleId: 'cnf.x5t' },
  {
    name: 'another certificate',
    input: { ...bound, evidence: { x5tS256: x5tS256.toLowerCase() } },
    ruleId: 'cnf.x5t',
  },
]

const at = (seconds: number): EpochSeconds => seconds as EpochSeconds
const valid: CertificateTime = { notBefore: at(1000), notAfter: at(2000), now: at(1500) }

const timeRefusals: readonly Refused<CertificateTime>[] = [
  { name: 'one second before it is valid', input: { ...valid, now: at(999) }, ruleId: 'mtls.not-yet-valid' },
  { name: 'one second after its last', input: { ...valid, now: at(2001) }, ruleId: 'mtls.expired' },
]

/** Vector V3 of our checklist: self-signed Ed25519, CN=client-1. */
const der = Buffer.from(
  'MIIBKTCB3KADAgECAgEBMAUGAytlcDATMREwDwYDVQQDDAhjbGllbnQtMTAgFw0yNjExMjEwMTI5NTdaGA8yMTI2MTAyODAxMjk1N1owEzERMA8GA1UEAwwIY2xpZW50LTEwKjAFBgMrZXADIQDle7vsl//6GzfxOIu3U07CcjLs7cs7mzbnkB2ESJN5kKNTMFEwHQYDVR0OBBYEFMVTUty4h7Z4wPsaQDp8iDXq5ZmjMB8GA1UdIwQYMBaAFMVTUty4h7Z4wPsaQDp8iDXq5ZmjMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA6Db5Ew7V4f/G86dqSWtOWTQchmiPnB1tkUv9SimTlTRAOvjB3Pe6y5/Y8yay/ZmCa5N3q0NCKssLGuLdXYevBQ==',
  'base64',
)

describe('certificate binding', () => {
  it('holds with the certificate of the connection', () => {
    assert.equal(firstRefusal([certificateRule], bound), undefined)
  })

  for (const { name, input, ruleId } of bindingRefusals) {
    it(`is refused as \`${ruleId}\` with ${name}`, () => {
      const refused = firstRefusal([certificateRule], input)
      assert.equal(refused?.ruleId, ruleId)
      assert.equal(refused?.error, 'invalid_token')
    })
  }
})

const revocationRefusals: readonly Refused<CertificateRevocation>[] = [
  {
    name: 'a revoked certificate, where what is not known is let in',
    input: { policy: 'soft', standing: 'revoked' },
    ruleId: 'client-auth.certificate-revoked',
  },
  {
    name: 'a revoked certificate, where it is not',
    input: { policy: 'hard', standing: 'revoked' },
    ruleId: 'client-auth.certificate-revoked',
  },
  {
    name: 'a certificate nobody knows of, where it is not',
    input: { policy: 'hard', standing: 'unknown' },
    ruleId: 'client-auth.certificate-unchecked',
  },
]

describe('certificate revocation', () => {
  for (const input of [
    { policy: 'off', standing: 'revoked' },
    { policy: 'off', standing: 'unknown' },
    { policy: 'soft', standing: 'good' },
    { policy: 'soft', standing: 'unknown' },
    { policy: 'hard', standing: 'good' },
  ] as const)
    it(`lets a certificate in that is ${input.standing} where the policy is ${input.policy}`, () => {
      assert.equal(firstRefusal(certificateRevocationRules, input), undefined)
    })

  for (const { name, input, ruleId } of revocationRefusals)
    it(`is refused as \`${ruleId}\` with ${name}`, () => {
      const refused = firstRefusal(certificateRevocationRules, input)
      assert.equal(refused?.ruleId, ruleId)
      assert.equal(refused?.error, 'invalid_client')
    })
})

describe('certificate dates', () => {
  for (const now of [1000, 1001, 1999, 2000]) {
    it(`hold at second ${now} of 1000 to 2000`, () => {
      assert.equal(firstRefusal(certificateTimeRules, { ...valid, now: at(now) }), undefined)
    })
  }

  for (const { name, input, ruleId } of timeRefusals) {
    it(`are refused as \`${ruleId}\` ${name}`, () => {
      assert.equal(firstRefusal(certificateTimeRules, input)?.ruleId, ruleId)
    })
  }

  it('are read from the certificate itself, without its chain', () => {
    const read = readCertificate(der)
    assert.ok(read.ok)
    const notBefore = Date.UTC(2026, 10, 21, 1, 29, 57) / 1000
    assert.equal(read.value.x5tS256, x5tS256)
    assert.equal(read.value.notBefore, notBefore)
    assert.deepEqual(judgeCertificate(read.value, at(notBefore)), { ok: true, value: x5tS256 })
    assert.ok(!judgeCertificate(read.value, at(notBefore - 1)).ok)
    assert.ok(!judgeCertificate(read.value, at(read.value.notAfter + 1)).ok)
  })

  it('are not read from what is no certificate, which is refused as `mtls.form`', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('x'), der.subarray(0, 100)]) {
      const read = readCertificate(bytes)
      assert.equal(read.ok ? '' : read.ruleId, 'mtls.form')
    }
  })
})
