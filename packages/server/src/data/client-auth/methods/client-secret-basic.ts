import type { AuthenticationMethod } from '../method.ts'
import { proveSecret } from '../secret.ts'

/** RFC 6749 section 2.3.1: the secret in the `Authorization` header. */
export const clientSecretBasic: AuthenticationMethod = { method: 'client_secret_basic', prove: proveSecret }
