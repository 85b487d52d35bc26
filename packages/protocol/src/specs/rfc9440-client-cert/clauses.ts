import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc9440-client-cert',
  title: 'Client-Cert HTTP Header Field',
  url: 'https://www.rfc-editor.org/rfc/rfc9440',
  clauses: [
    {
      id: 'RFC9440-2.1',
      level: 'MUST',
      says: 'a certificate is a structured-field byte sequence of its DER',
      standing: ruled,
      rows: ['CERT-01'],
    },
    {
      id: 'RFC9440-2.2',
      level: 'MUST',
      says: '`Client-Cert` is one item, and there is one field',
      standing: ruled,
    },
    {
      id: 'RFC9440-2.3',
      level: 'MAY',
      says: '`Client-Cert-Chain` carries the chain without the leaf',
      standing: notApplicable(
        'a bound token names the leaf; the chain is removed like every field nobody asked for',
      ),
      rows: ['CERT-02'],
    },
    {
      id: 'RFC9440-2.4',
      level: 'MUST',
      says: 'only a proxy that proved itself is believed',
      standing: ruled,
      rows: ['CERT-04'],
    },
    {
      id: 'RFC9440-2.4-1',
      level: 'MUST',
      says: 'inbound copies are removed or overwritten always',
      standing: shown(
        'no header of a client that looks like an identity reaches the API, however it is written',
      ),
      rows: ['CERT-03'],
    },
    {
      id: 'RFC9440-2.5',
      level: 'MUST',
      says: 'the field stands in no response and no trailer',
      standing: shown('what an upstream says in names that are ours or of one hop does not reach the client'),
      rows: ['CERT-05'],
    },
    {
      id: 'RFC9440-A',
      level: 'MAY',
      says: 'other spellings of the same thing, of NGINX and Envoy',
      standing: notApplicable('only the form of RFC 9440 is read; every proxy named can be told to send it'),
      rows: ['CERT-06'],
    },
  ],
}
