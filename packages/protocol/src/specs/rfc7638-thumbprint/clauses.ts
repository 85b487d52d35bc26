import { type ClauseManifest, shown } from '../../clause.ts'

/** RFC 7638: nothing can be refused here; the vectors observe it. */
export const manifest: ClauseManifest = {
  spec: 'rfc7638-thumbprint',
  title: 'JSON Web Key (JWK) Thumbprint',
  url: 'https://www.rfc-editor.org/rfc/rfc7638',
  clauses: [
    {
      id: 'RFC7638-3',
      level: 'MUST',
      says: 'the required members are hashed, in lexicographic order and without white space',
      standing: shown('of the RFC 9449 key are `jkt` of its example'),
      rows: ['CNF-01'],
    },
    {
      id: 'RFC7638-3.2',
      level: 'MUST',
      says: 'the members are those of the key type, and no others change the thumbprint',
      standing: shown(
        'agree with an independent library for every key type, whatever other members a key has',
      ),
      rows: ['CNF-01'],
    },
  ],
}
