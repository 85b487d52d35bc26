import { type ClauseManifest, notApplicable, ruled } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc9530-content-digest',
  title: 'Digest Fields',
  url: 'https://www.rfc-editor.org/rfc/rfc9530',
  clauses: [
    { id: 'RFC9530-2', level: 'MUST', says: '`Content-Digest` is a dictionary of bytes.', standing: ruled },
    { id: 'RFC9530-2-1', level: 'MUST', says: 'A digest is that of the content.', standing: ruled },
    {
      id: 'RFC9530-3',
      level: 'MAY',
      says: '`Repr-Digest` is that of the representation.',
      standing: notApplicable('what is signed is the content as it travels'),
    },
    {
      id: 'RFC9530-4',
      level: 'MAY',
      says: '`Want-Content-Digest` asks for one.',
      standing: notApplicable('a signed answer with a body always has one, and it is `sha-256`'),
    },
  ],
}
