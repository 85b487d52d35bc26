import { type ClauseManifest, otherParty, ruled, shown } from '../../clause.ts'

/** RFC 8705: client authentication by certificate, and tokens bound to one. */
export const manifest: ClauseManifest = {
  spec: 'rfc8705-mtls',
  title: 'OAuth 2.0 Mutual-TLS Client Authentication and Certificate-Bound Access Tokens',
  url: 'https://www.rfc-editor.org/rfc/rfc8705',
  clauses: [
    {
      id: 'RFC8705-2',
      level: 'MUST',
      says: 'a client that authenticates by certificate names itself with client_id and presents its own certificate',
      standing: ruled,
      rows: ['MTLSA-01', 'MTLSA-02', 'MTLSA-07'],
    },
    {
      id: 'RFC8705-2.1',
      level: 'MUST',
      says: 'with tls_client_auth the chain is validated and the registered subject compared',
      standing: ruled,
      rows: ['MTLSA-04'],
    },
    {
      id: 'RFC8705-2.1.2',
      level: 'MUST',
      says: 'exactly one subject value is registered, and compared by its own rules',
      standing: ruled,
      rows: ['MTLSA-03', 'MTLSA-05'],
    },
    {
      id: 'RFC8705-2.2',
      level: 'MUST',
      says: 'with self_signed_tls_client_auth the certificate is one of the registered ones',
      standing: ruled,
      rows: ['MTLSA-06'],
    },
    {
      id: 'RFC8705-2.2.2',
      level: 'MUST',
      says: 'such a client registers its certificates in its key set',
      standing: ruled,
      rows: ['MTLSA-06'],
    },
    {
      id: 'RFC8705-3',
      level: 'MUST',
      says: 'a bound token is taken only over a connection with its certificate',
      standing: ruled,
      rows: ['MTLSB-02'],
    },
    {
      id: 'RFC8705-3.1',
      level: 'MUST',
      says: '`x5t#S256` is the SHA-256 of the DER certificate',
      standing: ruled,
      rows: ['CNF-02'],
    },
    {
      id: 'RFC8705-3.2',
      level: 'MUST',
      says: 'introspection answers with the `cnf` of the token',
      standing: shown('survives the way through the `cnf` claim'),
      rows: ['MTLSB-03'],
    },
    {
      id: 'RFC8705-3.4',
      level: 'MUST',
      says: 'a client that registered tls_client_certificate_bound_access_tokens gets no token without a certificate',
      standing: ruled,
      rows: ['MTLSB-05'],
    },
    {
      id: 'RFC8705-4',
      level: 'SHOULD',
      says: "a public client's refresh token is bound to its certificate",
      standing: ruled,
      rows: ['MTLSB-06'],
    },
    {
      id: 'RFC8705-5',
      level: 'MUST',
      says: 'a client uses mtls_endpoint_aliases where there are any',
      standing: otherParty('client'),
      rows: ['MTLSA-08'],
    },
    {
      id: 'RFC8705-6.2',
      level: 'MAY',
      says: 'a resource server need not validate the chain of the certificate a token is bound to',
      standing: shown('are read from the certificate itself, without its chain'),
      rows: ['MTLSB-09'],
    },
  ],
}
