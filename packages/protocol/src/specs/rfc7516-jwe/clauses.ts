import { type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

const nested = 'a nested JWT opens with an independent library, and holds the signed one unchanged'
const chosen = 'the key is the one that says use enc, of the right type and algorithm, and no other'

/** We only encrypt; what comes encrypted is refused by its form. RFC 7516 itself, and what uses it. */
export const manifest: ClauseManifest = {
  spec: 'rfc7516-jwe',
  title: 'JSON Web Encryption, and responses encrypted for clients',
  url: 'https://www.rfc-editor.org/rfc/rfc7516',
  clauses: [
    {
      id: 'RFC7516-4.1.1',
      level: 'MUST',
      says: 'The header names the key management algorithm that was used.',
      standing: shown(nested),
    },
    {
      id: 'RFC7516-4.1.2',
      level: 'MUST',
      says: 'The header names the content encryption that was used.',
      standing: shown(nested),
    },
    {
      id: 'RFC7516-4.1.3',
      level: 'MAY',
      says: 'The plaintext is compressed.',
      standing: notApplicable('nothing is compressed, in neither direction'),
    },
    {
      id: 'RFC7516-5.1',
      level: 'MUST',
      says: 'Each message has a content key and an initialization vector of its own.',
      standing: shown('no two messages are the same, even of the same content for the same key'),
    },
    {
      id: 'RFC7516-5.2',
      level: 'MUST',
      says: 'A message is decrypted only when every check passes.',
      standing: notApplicable('nothing is decrypted: what comes in five parts is refused by its form'),
    },
    {
      id: 'RFC7516-4.1.1-2',
      level: 'MUST',
      says: 'Only asymmetric key management is offered to clients, without RSA1_5.',
      standing: ruled,
    },
    {
      id: 'OIDCC-10.2-cty',
      level: 'MUST',
      says: 'A nested JWT says `cty: JWT`.',
      standing: shown(nested),
      rows: ['IDT-06', 'JARM-10'],
    },
    {
      id: 'OIDCC-10.2-nested',
      level: 'SHOULD',
      says: 'A JWT is signed first and encrypted then.',
      standing: shown(nested),
      rows: ['IDT-06', 'JARM-10'],
    },
    {
      id: 'OIDC-DCR-2-enc',
      level: 'MUST',
      says: 'Content encryption is registered together with key management, and is A128CBC-HS256 when absent.',
      standing: ruled,
      rows: ['DCR-08', 'JARM-08', 'SINT-06'],
    },
    {
      id: 'OIDC-DCR-2-enc-key',
      level: 'MUST',
      says: 'A client that wants encrypted answers registers a key for it.',
      standing: ruled,
    },
    {
      id: 'OIDCC-5.3.2-nested',
      level: 'SHOULD',
      says: 'An encrypted userinfo answer is signed too.',
      standing: ruled,
      rows: ['UI-02'],
    },
    {
      id: 'OIDCC-10.2',
      level: 'MUST',
      says: 'We encrypt to a key of the client for encryption, and say which by its kid.',
      standing: shown(chosen),
      rows: ['IDT-06'],
    },
    {
      id: 'OIDCC-10.2-client',
      level: 'MUST',
      says: 'The client decrypts with the key that the kid names.',
      standing: otherParty('client'),
    },
    {
      id: 'OIDCC-16.14',
      level: 'SHOULD',
      says: 'An ID token is signed, then encrypted.',
      standing: shown('every kind of answer is encrypted for the client that registered so, on every path'),
      rows: ['IDT-06'],
    },
  ],
}
