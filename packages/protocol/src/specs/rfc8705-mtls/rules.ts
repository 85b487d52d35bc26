import type { EpochSeconds } from '../../brand.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import type { BindingInput } from '../rfc7800-cnf/rules.ts'

/** RFC 8705 section 3: the certificate of the connection. */
export const certificateRule: Rule<BindingInput> = {
  id: 'cnf.x5t',
  clauses: ['RFC8705-3', 'RFC8705-3.1', 'FAPI2-SP-FINAL-5.3.4-5', 'FAPI1-ADV-6.2.1-2'],
  level: 'MUST',
  title: 'a token bound to a certificate comes over a connection with that certificate',
  check: ({ cnf, evidence }) => {
    if (typeof cnf !== 'object' || cnf === null || !Object.hasOwn(cnf, 'x5t#S256')) return pass
    const bound = (cnf as Readonly<Record<string, unknown>>)['x5t#S256']
    if (bound === evidence.x5tS256) return pass
    return fail(
      'invalid_token',
      evidence.x5tS256 === undefined
        ? 'token is bound to a certificate and the connection has none'
        : 'token is bound to another certificate',
    )
  },
}

/** When a certificate holds. */
export interface CertificateTime {
  readonly notBefore: EpochSeconds
  readonly notAfter: EpochSeconds
  readonly now: EpochSeconds
}

/** Its own dates are all a bound token needs of a certificate: the hash already names it (RFC 8705 section 6.2). */
export const certificateTimeRules: readonly Rule<CertificateTime>[] = [
  {
    id: 'mtls.not-yet-valid',
    clauses: ['RFC5280-4.1.2.5'],
    level: 'OURS',
    title: 'the certificate of the connection is already valid',
    check: ({ notBefore, now }) =>
      now < notBefore ? fail('invalid_token', 'client certificate is not valid yet') : pass,
  },
  {
    id: 'mtls.expired',
    clauses: ['RFC5280-4.1.2.5'],
    level: 'OURS',
    title: 'the certificate of the connection has not expired',
    check: ({ notAfter, now }) =>
      now > notAfter ? fail('invalid_token', 'client certificate has expired') : pass,
  },
]
