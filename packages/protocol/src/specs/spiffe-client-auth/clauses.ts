import { type Clause, type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

const clause = (
  id: string,
  says: string,
  standing: Clause['standing'],
  rows: readonly string[] = [],
  level: Clause['level'] = 'MUST',
): Clause => ({ id: `SPIFFE-CLIENT-AUTH-${id}`, level, says, standing, rows })

const onlyJwt = notApplicable(
  'of the three kinds of SVID only JWT-SVIDs are taken, which the document allows',
)
const byDocument = notApplicable(
  'clients are registered by documents; no client metadata is fetched from URLs',
)

/** Draft 02 of the working group; sections may move before it is an RFC. */
export const manifest: ClauseManifest = {
  spec: 'spiffe-client-auth',
  title: 'OAuth SPIFFE Client Authentication, draft 02',
  url: 'https://datatracker.ietf.org/doc/draft-ietf-oauth-spiffe-client-auth/',
  clauses: [
    clause('3.1-type', '`client_assertion_type` is `…:jwt-spiffe` and one JWT-SVID comes with it.', ruled, [
      'SPF-01',
    ]),
    clause('3.1-1', 'The JWT is well-formed and has SPIFFE ID, `aud` and `exp`.', ruled, ['SPF-02']),
    clause('3.1-2', 'It has not expired.', ruled, ['SPF-02']),
    clause('3.1-3', '`aud` is the issuer identifier alone.', ruled, ['SPF-02']),
    clause('3.1-4', 'A key of the trust domain signed it.', ruled, ['SPF-02']),
    clause('3.1-5', 'The SPIFFE ID is, or belongs to, a registered client.', ruled, ['SPF-02']),
    clause('3.2', 'X.509-SVIDs authenticate over mutual TLS.', onlyJwt, ['SPF-03']),
    clause(
      '3.2-server',
      'The client checks the server’s certificate against its system, not the bundle.',
      otherParty('client'),
      ['SPF-05'],
    ),
    clause('3.3.1', 'WIT-SVIDs authenticate as attestations.', onlyJwt),
    clause(
      '4',
      'Metadata names `spiffe_jwt` among the methods of token, revocation and introspection endpoint.',
      shown('SPIFFE is advertised when the issuer knows a trust domain, and not before'),
    ),
    clause('4-client', 'A client supports one kind of SVID or more.', otherParty('client')),
    clause('5.1-id', 'A client names its `spiffe_id`.', ruled),
    clause('5.1-wildcard', 'A trailing `/*` stands for everything below whole segments.', ruled),
    clause('5.1-document', 'A client metadata document may name its bundle endpoint.', byDocument, [], 'MAY'),
    clause('6', 'Bundles are kept by trust domain.', ruled, ['SPF-04']),
    clause(
      '6.1-webpki',
      'The bundle endpoint is authenticated by Web PKI.',
      shown('fetches the bundle over TLS by the one guarded way out'),
      ['SPF-04'],
    ),
    clause(
      '6.1-poll',
      'Bundles are fetched again as their hint says.',
      shown('a bundle is fetched again as often as it asks, between a minute and ten'),
      ['SPF-04'],
      'SHOULD',
    ),
    clause(
      '6.1-configured',
      'The endpoint is configured by hand, for its trust domain.',
      shown('a trust domain brings its keys or says where they are'),
      ['SPF-04'],
    ),
    clause('6.2.3', 'The system trust store validates no X.509-SVID.', onlyJwt),
    clause(
      '8.1-discovery',
      'Keys are not looked for by the `iss` of a token.',
      shown('looks for no key by the `iss` of an SVID'),
      [],
      'MUST',
    ),
    clause('8.1-confusion', 'A JWT made for something else is no JWT-SVID.', ruled),
  ],
}
