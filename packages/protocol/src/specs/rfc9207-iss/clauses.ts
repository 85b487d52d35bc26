import { type ClauseManifest, otherParty, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc9207-iss',
  title: 'RFC 9207: Issuer Identification in authorization responses',
  url: 'https://www.rfc-editor.org/rfc/rfc9207',
  clauses: [
    {
      id: 'RFC9207-2',
      level: 'MUST',
      says: 'Success and error responses carry the issuer identifier as `iss`.',
      standing: shown('every redirect to the client carries iss, byte for byte the issuer'),
      rows: ['ISS-01', 'FAZ-07'],
    },
    {
      id: 'RFC9207-2.4',
      level: 'MUST',
      says: 'The client compares `iss` with the issuer it asked, as a string, and aborts on any difference.',
      standing: otherParty('client'),
      rows: ['ISS-03', 'ISS-04'],
    },
    {
      id: 'RFC9207-3',
      level: 'MUST',
      says: 'Metadata says that `iss` is sent.',
      standing: shown('what must not be left to a default is written out'),
      rows: ['ISS-02'],
    },
  ],
}
