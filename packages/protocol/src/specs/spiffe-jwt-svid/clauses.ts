import { type Clause, type ClauseManifest, notApplicable, otherParty, ruled, shown } from '../../clause.ts'

const clause = (
  id: string,
  says: string,
  standing: Clause['standing'],
  level: Clause['level'] = 'MUST',
): Clause => ({ id, level, says, standing, ...(id === 'SPIFFE-BUNDLE-4.2.2' && { rows: ['SPF-04'] }) })

/** JWT-SVID with what it stands on: SPIFFE-ID, and trust domain and bundle. Ours is to validate. */
export const manifest: ClauseManifest = {
  spec: 'spiffe-jwt-svid',
  title: 'SPIFFE: JWT-SVID, SPIFFE-ID, trust domain and bundle',
  url: 'https://github.com/spiffe/spiffe/tree/main/standards',
  clauses: [
    clause('SPIFFE-ID-2', 'An ID has the scheme `spiffe`, a trust domain, no query and no fragment.', ruled),
    clause('SPIFFE-ID-2.1', 'A trust domain is lower case, without user, port or percent-encoding.', ruled),
    clause('SPIFFE-ID-2.2', 'A path has no empty, relative or percent-encoded segment.', ruled),
    clause('SPIFFE-ID-2.3', 'IDs of up to 2048 bytes are understood.', ruled),
    clause('JWT-SVID-1', 'Compact serialization only.', shown('takes no JWT-SVID that is not compact')),
    clause('JWT-SVID-2', 'The header has no other members than the standard lists.', ruled),
    clause('JWT-SVID-2.1', '`alg` is one of RS, ES and PS; another is rejected.', ruled),
    clause('JWT-SVID-2.2', '`kid` may be left out.', shown('an SVID without `kid` is accepted'), 'MAY'),
    clause('JWT-SVID-2.3', '`typ` is absent, `JWT` or `JOSE`.', ruled),
    clause('JWT-SVID-3.1', '`sub` is the SPIFFE ID of the workload.', ruled),
    clause('JWT-SVID-3.2', '`aud` is there and names who validates.', ruled),
    clause('JWT-SVID-3.3', '`exp` is there and has not passed.', ruled),
    clause('JWT-SVID-4-alg', '`alg` is checked before anything is processed.', ruled),
    clause('JWT-SVID-4-jwt', 'What RFC 7515 and RFC 7519 say holds.', ruled),
    clause(
      'JWT-SVID-5.2',
      'Over HTTP it is sent as a bearer token.',
      notApplicable('client authentication sends it as `client_assertion`'),
      'SHOULD',
    ),
    clause('JWT-SVID-6.1', 'Keys in a bundle have `use` `jwt-svid` and a `kid`.', otherParty('operator')),
    clause('JWT-SVID-6.2', 'Only keys with `use` `jwt-svid` validate.', ruled),
    clause(
      'JWT-SVID-7.1',
      'Replay is bounded by `aud` and `exp`; more is the choice of who validates.',
      shown('an SVID works once where the profile forbids reuse, with or without `jti`, at every endpoint'),
      'SHOULD',
    ),
    clause('SPIFFE-BUNDLE-3', 'The bundle is that of the trust domain the SVID is in.', ruled),
    clause('SPIFFE-BUNDLE-4.1.1', '`spiffe_sequence` only grows.', otherParty('operator')),
    clause(
      'SPIFFE-BUNDLE-4.1.2',
      '`spiffe_refresh_hint` says how often to look again.',
      shown('a bundle is fetched again as often as it asks, between a minute and ten'),
      'SHOULD',
    ),
    clause(
      'SPIFFE-BUNDLE-4.1.3',
      'Keys of unknown type or use are passed over.',
      shown('passes over what a bundle holds for others'),
    ),
    clause('SPIFFE-BUNDLE-4.2.2', '`use` says what a key is for, case and all.', ruled),
    clause(
      'SPIFFE-BUNDLE-5',
      'An endpoint is bound to its trust domain by configuration.',
      shown('a trust domain brings its keys or says where they are'),
    ),
  ],
}
