import {
  contentEncryptionAlgs,
  isContentEncryptionAlg,
  isKeyManagementAlg,
} from '@holdfast/protocol/jose/encrypt.ts'
import { encryptedResponses } from '@holdfast/protocol/specs/rfc7516-jwe/rules.ts'
import type { ClientSpec } from '../control/resources/client.ts'
import type { Client } from './snapshot.ts'

/** What is encrypted for a client. Its rules let nothing stand that we cannot do. */
export function compileEncryption(metadata: ClientSpec['metadata']): Client['encryptedResponses'] {
  const [usual] = contentEncryptionAlgs
  return Object.fromEntries(
    encryptedResponses.flatMap(response => {
      const alg = metadata[`${response}_encrypted_response_alg`]
      const enc = metadata[`${response}_encrypted_response_enc`] ?? usual
      return isKeyManagementAlg(alg) && isContentEncryptionAlg(enc) ? [[response, { alg, enc }]] : []
    }),
  )
}
