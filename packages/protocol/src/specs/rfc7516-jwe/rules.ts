import {
  contentEncryptionAlgs,
  encryptionKey,
  isContentEncryptionAlg,
  isKeyManagementAlg,
  keyManagementAlgs,
} from '../../jose/encrypt.ts'
import { importKeySet } from '../../jose/keys.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'

/** What may be encrypted for a client, as the names of its metadata begin. */
export const encryptedResponses = ['id_token', 'userinfo', 'authorization', 'introspection'] as const
export type EncryptedResponse = (typeof encryptedResponses)[number]

const bad = (field: string, reason: string) => fail('invalid_client_metadata', reason, { field })

/** What a client may register about encryption; without it nothing is encrypted. */
export const encryptionMetadataRules: readonly Rule<ClientMetadataInput>[] = [
  {
    id: 'client.encryption-alg',
    clauses: ['RFC7516-4.1.1-2', 'FAPI1-ADV-8.6.1'],
    level: 'MUST',
    title: 'key management is one of those that need no shared secret and no RSA1_5',
    check: ({ metadata }) => {
      const field = encryptedResponses
        .map(response => `${response}_encrypted_response_alg` as const)
        .find(name => metadata[name] !== undefined && !isKeyManagementAlg(metadata[name]))
      return field === undefined
        ? pass
        : bad(field, `\`${metadata[field]}\` is not one of ${keyManagementAlgs.join(', ')}`)
    },
  },
  {
    id: 'client.encryption-enc',
    clauses: ['OIDC-DCR-2-enc'],
    level: 'MUST',
    title: 'content encryption stands beside its key management and is one we have',
    check: ({ metadata }) => {
      for (const response of encryptedResponses) {
        const field = `${response}_encrypted_response_enc` as const
        const enc = metadata[field]
        if (enc === undefined) continue
        if (metadata[`${response}_encrypted_response_alg`] === undefined)
          return bad(field, `needs \`${response}_encrypted_response_alg\` beside it`)
        if (!isContentEncryptionAlg(enc))
          return bad(field, `\`${enc}\` is not one of ${contentEncryptionAlgs.join(', ')}`)
      }
      return pass
    },
  },
  {
    id: 'client.encryption-signed',
    clauses: ['OIDCC-5.3.2-nested'],
    level: 'SHOULD',
    title: 'userinfo that is encrypted is signed, so that its origin is known',
    check: ({ metadata }) =>
      metadata.userinfo_encrypted_response_alg !== undefined &&
      metadata.userinfo_signed_response_alg === undefined
        ? bad('userinfo_encrypted_response_alg', 'needs `userinfo_signed_response_alg` beside it')
        : pass,
  },
  {
    id: 'client.encryption-key',
    clauses: ['OIDC-DCR-2-enc-key'],
    level: 'MUST',
    title: 'there is a key to encrypt to, which says `use: enc` itself',
    check: ({ metadata }) => {
      const { jwks, jwks_uri: jwksUri } = metadata
      if (jwksUri !== undefined) return pass
      const keys = importKeySet(jwks)
      for (const response of encryptedResponses) {
        const field = `${response}_encrypted_response_alg` as const
        const alg = metadata[field]
        if (isKeyManagementAlg(alg) && encryptionKey(keys, alg) === undefined)
          return bad(field, `no key of \`jwks\` has \`use\` \`enc\` and fits \`${alg}\``)
      }
      return pass
    },
  },
]
