import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'jwks-publication',
  title:
    'Publishing our keys: RFC 7517, RFC 8414 section 2 and OpenID Connect Discovery 1.0 section 3 (jwks_uri)',
  url: 'https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata',
  clauses: [
    {
      id: 'OIDCD-3-jwks-public',
      level: 'MUST',
      says: 'The key set at `jwks_uri` holds no private and no symmetric key.',
      standing: ruled,
      rows: ['JWK-01'],
    },
    {
      id: 'RFC8414-2-jwks-public',
      level: 'MUST',
      says: 'The key set holds what others verify our signatures with, and nothing that signs.',
      standing: ruled,
      rows: ['JWK-01'],
    },
    {
      id: 'OIDCD-3-jwks-use',
      level: 'MUST',
      says: 'When signing and encryption keys stand together, each says its use.',
      standing: ruled,
      rows: ['JWK-01'],
    },
    {
      id: 'RFC8414-2-jwks-use',
      level: 'MUST',
      says: 'When signing and encryption keys stand together, each says its use.',
      standing: ruled,
      rows: ['JWK-01'],
    },
    {
      id: 'RFC7517-4.5-published',
      level: 'SHOULD',
      says: 'Keys of one set have different key ids.',
      standing: ruled,
      rows: ['JWK-01'],
    },
    {
      id: 'RFC7517-5-published',
      level: 'MUST',
      says: 'A key set is a JSON object with the member `keys`, an array.',
      standing: shown('the key set is public, cacheable and carries a strong entity tag'),
      rows: ['JWK-04'],
    },
    {
      id: 'OIDCD-3-jwks-uri',
      level: 'MUST',
      says: 'The key set is served over https.',
      standing: shown('every endpoint the metadata names answers, and none is 404 or 5xx'),
      rows: ['JWK-01', 'MD-11'],
    },
    {
      id: 'OIDCC-10.1.1-publish',
      level: 'SHOULD',
      says: 'Keys that are no longer used to sign stay published for a reasonable time.',
      standing: shown(
        'announces the next key, changes to it, keeps the old one published, and deletes it at its end',
      ),
      rows: ['JWK-02', 'JWK-03'],
    },
    {
      id: 'OIDCC-10.1.1-honest',
      level: 'MUST',
      says: 'No honest token is refused by a change of keys.',
      standing: shown(
        'a thousand rotations in a row: no honest token is refused, however old the verifier’s key set is',
      ),
      rows: ['JWK-03'],
    },
    {
      id: 'OIDCC-10.1.1-emergency',
      level: 'MUST',
      says: 'A key that is known to others is gone at once, on every node.',
      standing: shown(
        'is gone from the key set at once on every node, its private half is destroyed, another one signs',
      ),
      rows: ['JWK-06'],
    },
    {
      id: 'OIDCC-10.1.1-schedule',
      level: 'MUST',
      says: 'Keys are changed by themselves when they reach their age.',
      standing: shown('comes by itself when the key that signs reaches its age, once over all nodes'),
      rows: ['JWK-09'],
    },
    {
      id: 'OIDCC-10.1.1-refetch',
      level: 'MUST',
      says: 'A verifier that meets an unknown key id fetches the key set again.',
      standing: shown('an unknown kid is worth one fetch in 30 seconds, however many come'),
      rows: ['JWK-05'],
    },
    {
      id: 'RFC7517-9.1',
      level: 'MUST',
      says: 'Private keys are sealed where they rest.',
      standing: shown('nothing in the store opens without the key-encryption key'),
      rows: ['JWK-08'],
    },
    {
      id: 'RFC8725-3.12-keys',
      level: 'SHOULD',
      says: 'Keys may be kept apart by purpose.',
      standing: notApplicable('one key per algorithm signs; types keep its tokens apart'),
      rows: ['JWK-07'],
    },
  ],
}
