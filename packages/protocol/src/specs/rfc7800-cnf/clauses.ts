import { type ClauseManifest, ruled } from '../../clause.ts'

/** RFC 7800: the `cnf` claim of our tokens. */
export const manifest: ClauseManifest = {
  spec: 'rfc7800-cnf',
  title: 'Proof-of-Possession Key Semantics for JSON Web Tokens',
  url: 'https://www.rfc-editor.org/rfc/rfc7800',
  clauses: [
    {
      id: 'RFC7800-3',
      level: 'MUST',
      says: '`cnf` is a JSON object that names the proof key',
      standing: ruled,
      rows: ['CNF-03', 'CNF-05'],
    },
    {
      id: 'RFC7800-3.1',
      level: 'MUST',
      says: 'a confirmation that is not understood confirms nothing; we refuse it',
      standing: ruled,
      rows: ['CNF-04'],
    },
  ],
}
