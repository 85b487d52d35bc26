import type { AuthenticationMethod } from '../method.ts'
import { proveSecret } from '../secret.ts'

/** RFC 6749 section 2.3.1: the secret in the body. */
export const clientSecretPost: AuthenticationMethod = { method: 'client_secret_post', prove: proveSecret }
