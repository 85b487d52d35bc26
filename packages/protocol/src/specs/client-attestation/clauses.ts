import { type Clause, type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

const clause = (
  id: string,
  says: string,
  standing: Clause['standing'],
  rows: readonly string[] = [],
  level: Clause['level'] = 'MUST',
): Clause => ({ id: `CLIENT-ATTESTATION-${id}`, level, says, standing, rows })

/** Draft 10 of the working group; sections may move before it is an RFC. */
export const manifest: ClauseManifest = {
  spec: 'client-attestation',
  title: 'OAuth 2.0 Attestation-Based Client Authentication, draft 10',
  url: 'https://datatracker.ietf.org/doc/draft-ietf-oauth-attestation-based-client-auth/',
  clauses: [
    clause('7.1-1', 'The attestation stands in one `OAuth-Client-Attestation` field.', ruled, ['ATT-01']),
    clause('4-typ', 'The attestation says what kind of JWT it is.', ruled, ['ATT-01']),
    clause('4-exp', 'The attestation says when it expires.', ruled, ['ATT-01']),
    clause('4-iat', 'An attestation of the future is refused.', ruled, ['ATT-01']),
    clause('4-cnf', 'The attestation names the public key of the instance.', ruled, ['ATT-01', 'ATT-03']),
    clause('4-sub', 'The attestation names its client, and `client_id` agrees.', ruled, ['ATT-01', 'ATT-03']),
    clause('7.1-signature', 'A trusted attester signed the attestation.', ruled, ['ATT-02', 'ATT-13']),
    clause('7.2-1', 'The proof of possession stands in one field of its own.', ruled, ['ATT-04']),
    clause('5.1-typ', 'The proof says what kind of JWT it is.', ruled, ['ATT-04']),
    clause('5.1-aud', 'The proof is for this server.', ruled, ['ATT-04']),
    clause('5.1-jti', 'The proof has an identifier and is used once.', ruled, ['ATT-04', 'ATT-05']),
    clause('5.1-iat', 'The proof says when it was made.', ruled, ['ATT-04']),
    clause('7.2-signature', 'The instance key of the attestation signed the proof.', ruled, ['ATT-04']),
    clause('11.1', 'A proof counts only for a short time.', ruled, ['ATT-05']),
    clause(
      '6',
      'A challenge is handed out on demand and never cached.',
      shown('the challenge endpoint hands out what a proof must carry, and it is not cached'),
      ['ATT-06'],
      'MAY',
    ),
    clause('7.4-challenge', 'A missing or old challenge is answered with a new one.', ruled, ['ATT-07']),
    clause('7.4-fresh', 'An old attestation is told apart from a wrong one.', ruled, ['ATT-07']),
    clause('5.2', 'With DPoP one proof serves both: by the instance key, the challenge as nonce.', ruled, [
      'ATT-08',
    ]),
    clause(
      '5.2-jkt',
      'A client that only sends `dpop_jkt` proves in the normal mode.',
      otherParty('client'),
      ['ATT-09'],
    ),
    clause(
      '8',
      'Metadata names methods, algorithms and the challenge endpoint.',
      shown('attestation is advertised when the issuer trusts an attester, and not before'),
      ['ATT-10'],
      'SHOULD',
    ),
    clause('9.3', 'A refresh token works for its instance only.', ruled, ['ATT-11']),
    clause(
      '9.4',
      'What an instance asked for, a code or an `auth_req_id`, works for that instance.',
      ruled,
      ['ATT-12', 'DEV-07'],
      'SHOULD',
    ),
    clause('10.1', 'A client has another key for every server.', otherParty('client'), ['ATT-14'], 'SHOULD'),
    clause(
      '9.5',
      'Headers are allowed to be as long as attestations are.',
      shown('a header section of 16 KiB passes and one byte more is 431'),
      ['ATT-15'],
    ),
    clause(
      '7.6',
      'An attestation beside another method is a further signal.',
      notApplicable('no policy asks for the signal; an attestation beside another method is refused'),
      ['ATT-16'],
      'MAY',
    ),
  ],
}
