import { accept, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { parseAuthenticatorFlags, parseCredential } from '@holdfast/protocol/specs/webauthn/ceremony.ts'
import { ceremonyRules } from '@holdfast/protocol/specs/webauthn/rules.ts'
import { passkeyAlgorithms, relyingPartyOf } from './relying-party.ts'

/** A new credential that answered our challenge. */
export interface NewPasskey {
  readonly credentialId: string
  /** COSE key, base64url. */
  readonly publicKey: string
  readonly counter: number
  readonly transports: readonly string[]
}

/**
 * Judges a new passkey (WebAuthn section 7.1). No attestation is asked for and none is looked at.
 * @param text the form field our script filled
 */
export async function judgeRegistration(
  text: string,
  expected: { readonly issuer: string; readonly challenge: string },
): Promise<Outcome<NewPasskey>> {
  const parsed = parseCredential(text, ['clientDataJSON', 'attestationObject'])
  if (!parsed.ok) return parsed
  const { id, clientData, clientDataJson, response, transports } = parsed.value
  const attestationObject = response.attestationObject ?? ''
  const flags = await flagsOf(attestationObject)
  if (flags === undefined) return unreadable
  const party = relyingPartyOf(expected.issuer)
  const refusal = firstRefusal(ceremonyRules, {
    clientData,
    flags,
    expected: {
      type: 'webauthn.create',
      challenge: expected.challenge,
      origin: party.origin,
      rpIdHash: party.idHash,
    },
  })
  if (refusal !== undefined) return refusal
  const credential = await verified(
    { id, clientDataJSON: clientDataJson, attestationObject },
    { challenge: expected.challenge, ...party },
  )
  if (credential === undefined || credential.id !== id) return unreadable
  const publicKey = Buffer.from(credential.publicKey).toString('base64url')
  return accept({ credentialId: id, publicKey, counter: flags.counter, transports })
}

const unreadable = refuse(
  'passkey.attestation-object',
  ['WEBAUTHN-7.1-20'],
  'invalid_request',
  'the attestation object is malformed, or its key is of an algorithm nobody asked for',
)

async function flagsOf(attestationObject: string): Promise<ReturnType<typeof parseAuthenticatorFlags>> {
  // Loaded with the first passkey: many starts never see one.
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers')
  try {
    const decoded = decodeAttestationObject(new Uint8Array(Buffer.from(attestationObject, 'base64url')))
    return parseAuthenticatorFlags(Buffer.from(decoded.get('authData')))
  } catch {
    return undefined
  }
}

async function verified(
  sent: { readonly id: string; readonly clientDataJSON: string; readonly attestationObject: string },
  expected: { readonly challenge: string; readonly origin: string; readonly id: string },
): Promise<{ readonly id: string; readonly publicKey: Uint8Array } | undefined> {
  const { id, clientDataJSON, attestationObject } = sent
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  try {
    const { registrationInfo } = await verifyRegistrationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, attestationObject },
      },
      expectedChallenge: expected.challenge,
      expectedOrigin: expected.origin,
      expectedRPID: expected.id,
      expectedType: 'webauthn.create',
      requireUserPresence: true,
      requireUserVerification: true,
      supportedAlgorithmIDs: [...passkeyAlgorithms],
    })
    return registrationInfo?.credential
  } catch {
    return undefined
  }
}
