import { accept, firstRefusal, type HandleHash, type Outcome, type Refusal, refuse } from '@holdfast/protocol'
import {
  parseAuthenticatorFlags,
  parseCredential,
  type SentCredential,
} from '@holdfast/protocol/specs/webauthn/ceremony.ts'
import { assertionRules } from '@holdfast/protocol/specs/webauthn/rules.ts'
import { decodeBase64url } from '@holdfast/protocol/wire/base64url.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { PasskeyRecord, UserRecord } from '../../store/records.ts'
import { hashOfHandle } from '../handle.ts'
import { userHandleOf } from './challenge.ts'
import { relyingPartyOf } from './relying-party.ts'

/** A passkey that answered our challenge, and whose it is. Not yet spent: the caller's commit does that. */
export interface ProvenPasskey {
  readonly user: UserRecord
  readonly id: HandleHash
  readonly counter: number
}

/** A refusal, and whose passkey it was about when that is known. */
export type AssertionRefusal = Refusal & { readonly subject?: string }

/**
 * Judges the answer of a passkey (WebAuthn section 7.2).
 * @param text the form field our script filled
 * @param expected.subject the user who is known already; undefined lets the passkey say who comes
 */
export async function judgeAssertion(
  exchange: Exchange,
  ports: Ports,
  text: string,
  expected: { readonly challenge: string; readonly subject: string | undefined },
): Promise<Outcome<ProvenPasskey> | AssertionRefusal> {
  const parsed = parseCredential(text, ['clientDataJSON', 'authenticatorData', 'signature'])
  if (!parsed.ok) return parsed
  const sent = parsed.value
  const issuer = exchange.issuer.url
  const id = hashOfHandle('passkey', issuer, sent.id)
  const found = await ports.store.findAuthenticator(id)
  if (found?.kind !== 'passkey' || found.issuer !== issuer) return unknownPasskey
  const flags = parseAuthenticatorFlags(
    decodeBase64url(sent.response.authenticatorData ?? '') ?? Buffer.alloc(0),
  )
  if (flags === undefined) return tooShort
  const { subject } = found
  const party = relyingPartyOf(issuer)
  const refusal = firstRefusal(assertionRules, {
    clientData: sent.clientData,
    flags,
    expected: {
      type: 'webauthn.get',
      challenge: expected.challenge,
      origin: party.origin,
      rpIdHash: party.idHash,
    },
    userHandle: sent.response.userHandle,
    ownerHandle: userHandleOf(ports, issuer, subject),
    ownerIsExpected: expected.subject === undefined || expected.subject === subject,
    lastCounter: found.counter,
    isSigned: await isSigned(sent, found, expected.challenge, issuer),
  })
  if (refusal !== undefined) return { ...refusal, subject }
  const user = await ports.store.findUserBySubject(issuer, subject)
  if (user?.status !== 'active') return { ...disabled, subject }
  return accept({ user, id, counter: flags.counter })
}

const unknownPasskey = refuse(
  'passkey.known',
  ['WEBAUTHN-7.2-6'],
  'access_denied',
  'no such passkey is registered',
)
const tooShort = refuse(
  'passkey.authenticator-data',
  ['WEBAUTHN-7.2-5'],
  'invalid_request',
  'the authenticator data are too short',
)
const disabled = refuse(
  'passkey.disabled',
  ['OIDC-3.1.2.3'],
  'access_denied',
  'the user of the passkey is disabled or gone',
)

/** The library looks at everything once more; our rules only say first what was wrong. */
async function isSigned(
  sent: SentCredential,
  { publicKey, credentialId, transports }: PasskeyRecord,
  expectedChallenge: string,
  issuer: string,
): Promise<boolean> {
  const { id: expectedRPID, origin: expectedOrigin } = relyingPartyOf(issuer)
  const { authenticatorData = '', signature = '' } = sent.response
  // Loaded with the first passkey: many starts never see one.
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id: sent.id,
        rawId: sent.id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON: sent.clientDataJson, authenticatorData, signature },
      },
      expectedChallenge,
      expectedOrigin,
      expectedRPID,
      expectedType: 'webauthn.get',
      requireUserVerification: true,
      // The counter is the rules' and the guard's to judge: nought lets every one pass here.
      credential: {
        id: credentialId,
        publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')),
        counter: 0,
        transports: [...transports] as never,
      },
    })
    return verified
  } catch {
    return false
  }
}
