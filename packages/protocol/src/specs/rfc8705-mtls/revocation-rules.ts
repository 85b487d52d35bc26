import { fail, pass, type Rule } from '../../rule.ts'

/** What an issuer wants known of a certificate before it believes it. */
export type RevocationPolicy = 'off' | 'soft' | 'hard'

/** What the lists of its authority say of a certificate; `unknown`: none that still counts. */
export type CertificateStanding = 'good' | 'revoked' | 'unknown'

export interface CertificateRevocation {
  readonly policy: RevocationPolicy
  readonly standing: CertificateStanding
}

/** Client certificates that an authority took back (RFC 8705 section 7.5, RFC 5280 section 6.3). */
export const certificateRevocationRules: readonly Rule<CertificateRevocation>[] = [
  {
    id: 'client-auth.certificate-revoked',
    clauses: ['RFC8705-7.5-revocation'],
    level: 'MUST',
    title: 'no list of its authority names the certificate, unless nobody looks',
    check: ({ policy, standing }) =>
      policy !== 'off' && standing === 'revoked'
        ? fail('invalid_client', 'the authority revoked the certificate')
        : pass,
  },
  {
    id: 'client-auth.certificate-unchecked',
    clauses: ['RFC8705-7.5-revocation'],
    level: 'MUST',
    title:
      'where the policy is `hard`, a list of its authority that still counts knows the certificate as good',
    check: ({ policy, standing }) =>
      policy === 'hard' && standing === 'unknown'
        ? fail(
            'invalid_client',
            'no list of the authority that still counts says whether it revoked the certificate',
          )
        : pass,
  },
]
