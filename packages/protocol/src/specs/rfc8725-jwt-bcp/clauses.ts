import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

/** RFC 8725: a best-practice document; its rules live in the rooms of the JWTs they guard. */
export const manifest: ClauseManifest = {
  spec: 'rfc8725-jwt-bcp',
  title: 'JSON Web Token Best Current Practices',
  url: 'https://www.rfc-editor.org/rfc/rfc8725',
  clauses: [
    {
      id: 'RFC8725-3.1',
      level: 'MUST',
      says: 'the verifier chooses the algorithms and uses a key with one algorithm only',
      standing: ruled,
      rows: ['FK-01', 'ASRT-08', 'DPOP-14'],
    },
    {
      id: 'RFC8725-3.2',
      level: 'MUST',
      says: 'algorithms are fit for the purpose',
      standing: ruled,
      rows: ['FK-01'],
    },
    {
      id: 'RFC8725-3.3',
      level: 'MUST',
      says: 'every signature is checked and a failure refuses the whole JWT',
      standing: shown('never change algorithm with the header: PS256 is not RS256 of the same key'),
    },
    {
      id: 'RFC8725-3.4',
      level: 'MUST',
      says: 'cryptographic inputs are validated, points on their curve among them',
      standing: shown('refuses as `jwk.point` what is not on its curve'),
      rows: ['JWKS-08'],
    },
    {
      id: 'RFC8725-3.4-curve',
      level: 'MUST',
      says: 'A key of another curve than its algorithm verifies nothing.',
      standing: shown('a key of another curve than its algorithm verifies nothing'),
      rows: ['JWKS-08'],
    },
    {
      id: 'RFC8725-3.5',
      level: 'MUST',
      says: 'keys have enough entropy',
      standing: notApplicable(
        'only asymmetric keys exist here, and their size is ruled by jwk.modulus and jwk.curve',
      ),
    },
    {
      id: 'RFC8725-3.6',
      level: 'SHOULD',
      says: 'data is not compressed before encryption',
      standing: shown('every kind of answer is encrypted for the client that registered so, on every path'),
    },
    { id: 'RFC8725-3.7', level: 'MUST', says: 'JSON is read as UTF-8', standing: ruled },
    {
      id: 'RFC8725-3.8',
      level: 'MUST',
      says: 'issuer and subject are validated',
      standing: ruled,
      rows: ['ASRT-02'],
    },
    {
      id: 'RFC8725-3.9',
      level: 'MUST',
      says: 'the audience is validated',
      standing: ruled,
      rows: ['ASRT-03'],
    },
    {
      id: 'RFC8725-3.10',
      level: 'SHOULD',
      says: 'received claims and header members are not trusted: no key and no URL is followed from them',
      standing: ruled,
      rows: ['JWKS-09'],
    },
    {
      id: 'RFC8725-3.10-assertion',
      level: 'MUST',
      says: 'A key that an assertion brings along authenticates nobody.',
      standing: shown('a key that the assertion brings along is not looked at'),
      rows: ['JWKS-09'],
    },
    {
      id: 'RFC8725-3.11',
      level: 'SHOULD',
      says: 'kinds of JWT are told apart by `typ`',
      standing: ruled,
      rows: ['ASRT-07', 'DPOP-13'],
    },
    {
      id: 'RFC8725-3.12',
      level: 'MUST',
      says: 'validation rules of different kinds of JWT exclude each other',
      standing: ruled,
      rows: ['ASRT-07'],
    },
  ],
}
