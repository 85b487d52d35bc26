import type { PasskeyRecord } from '../../store/records.ts'
import { passkeyAlgorithms, passkeyTimeoutMs, relyingPartyOf } from './relying-party.ts'

/**
 * What our script hands to the browser, as `PublicKeyCredentialRequestOptions` in JSON.
 * @param allowed passkeys of a user who is known; empty: any passkey for this host
 */
export function signInOptions(
  issuerUrl: string,
  challenge: string,
  allowed: readonly PasskeyRecord[],
): string {
  return JSON.stringify({
    challenge,
    rpId: relyingPartyOf(issuerUrl).id,
    timeout: passkeyTimeoutMs,
    userVerification: 'required',
    allowCredentials: allowed.map(descriptorOf),
  })
}

/** As `PublicKeyCredentialCreationOptions` in JSON: discoverable, with user verification, no attestation. */
export function registrationOptions(
  issuerUrl: string,
  challenge: string,
  user: { readonly handle: string; readonly username: string; readonly displayName: string },
  existing: readonly PasskeyRecord[],
): string {
  const { id, origin } = relyingPartyOf(issuerUrl)
  return JSON.stringify({
    challenge,
    rp: { id, name: new URL(origin).host },
    user: { id: user.handle, name: user.username, displayName: user.displayName },
    pubKeyCredParams: passkeyAlgorithms.map(alg => ({ type: 'public-key', alg })),
    timeout: passkeyTimeoutMs,
    attestation: 'none',
    authenticatorSelection: {
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: 'required',
    },
    excludeCredentials: existing.map(descriptorOf),
  })
}

function descriptorOf({ credentialId, transports }: PasskeyRecord): object {
  return { type: 'public-key', id: credentialId, transports }
}
