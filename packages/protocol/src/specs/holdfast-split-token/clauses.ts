import { type ClauseManifest, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'holdfast-split-token',
  title: 'Split access tokens (our own, docs/decisions/0050)',
  url: '../decisions/0050-a-split-token-is-whole-only-behind-the-gateway.md',
  clauses: [
    {
      id: 'HST-1',
      level: 'MUST',
      says: 'the client gets the signature of a JWT, the issuer keeps head and payload, and the whole is stored nowhere',
      standing: shown('the client gets the signature, the store keeps the rest, and neither has the whole'),
    },
    {
      id: 'HST-2',
      level: 'MUST',
      says: 'introspection gives head and payload for a signature, and for nothing else',
      standing: ruled,
    },
    {
      id: 'HST-3',
      level: 'MUST',
      says: 'the joined token is an RFC 9068 access token that a key of the issuer signed',
      standing: ruled,
    },
    {
      id: 'HST-4',
      level: 'MUST',
      says: 'the joined token says what introspection says',
      standing: ruled,
    },
    {
      id: 'HST-5',
      level: 'MUST',
      says: 'where the half is a token, the whole and the other half are none',
      standing: shown('the whole, the other half, and halves of two tokens are no token'),
    },
    {
      id: 'HST-6',
      level: 'MUST',
      says: 'a proof of possession covers the half that the client holds (RFC 9449 section 4.2, `ath`)',
      standing: shown('a proof whose `ath` covers the whole is refused, of the half it is taken'),
    },
    {
      id: 'HST-7',
      level: 'MUST',
      says: 'the API behind a gateway gets the joined token, judges it by RFC 9068, and its binding by the evidence',
      standing: shown('the API behind the gateway gets the joined JWT, bound to what the gateway proved'),
    },
  ],
}
