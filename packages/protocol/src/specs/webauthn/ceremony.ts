import { accept, type Outcome, refuse } from '../../refusal.ts'
import { decodeBase64url } from '../../wire/base64url.ts'
import { isJsonObject, type JsonObject, parseJsonObject } from '../../wire/json.ts'

/** Longest accepted answer of a browser, as JSON text, and longest credential id in bytes (WebAuthn 7.1-25). */
export const webauthnLimits = { credentialTextMax: 8192, credentialIdBytesMax: 1023 } as const

/** What the browser signed for: who asked, from where (WebAuthn section 5.8.1). */
export interface ClientData {
  readonly type: string
  readonly challenge: string
  readonly origin: string
  readonly isCrossOrigin: boolean
}

/** The front of authenticator data (WebAuthn section 6.1). */
export interface AuthenticatorFlags {
  /** SHA-256 of the RP ID, base64url. */
  readonly rpIdHash: string
  readonly isUserPresent: boolean
  readonly isUserVerified: boolean
  readonly counter: number
}

/** The members of `PublicKeyCredential` in JSON that both ceremonies share; values are base64url. */
export interface SentCredential {
  readonly id: string
  readonly clientDataJson: string
  readonly clientData: ClientData
  /** The other members of `response`, by their names. */
  readonly response: Readonly<Record<string, string>>
  readonly transports: readonly string[]
}

const malformed = (what: string): Outcome<never> =>
  refuse(
    'passkey.format',
    ['WEBAUTHN-7.2-5'],
    'invalid_request',
    `${what} of the passkey answer does not fit`,
  )

/**
 * A credential as our script sends it; any doubt is a refusal.
 * @param text the form field, untrusted
 * @param wanted names of the members of `response` that must be there
 */
export function parseCredential(text: string, wanted: readonly string[]): Outcome<SentCredential> {
  if (text.length > webauthnLimits.credentialTextMax) return malformed('the length')
  const outer = parseJsonObject(text)
  if (outer === undefined || !isJsonObject(outer.response)) return malformed('the JSON')
  const { id, rawId, type, response } = outer as JsonObject & { response: JsonObject }
  const idBytes = bytesOf(id)
  if (typeof id !== 'string' || idBytes === undefined || id !== rawId || type !== 'public-key')
    return malformed('the credential id or type')
  if (idBytes.length === 0 || idBytes.length > webauthnLimits.credentialIdBytesMax)
    return malformed('the length of the credential id')
  const members: Record<string, string> = {}
  for (const [name, value] of Object.entries(response)) {
    if (name === 'transports') continue
    if (typeof value !== 'string' || bytesOf(value) === undefined) return malformed(`\`${name}\``)
    members[name] = value
  }
  for (const name of wanted) if (members[name] === undefined) return malformed(`\`${name}\``)
  const clientDataJson = members.clientDataJSON ?? ''
  const clientData = parseClientData(clientDataJson)
  if (clientData === undefined) return malformed('`clientDataJSON`')
  return accept({
    id,
    clientDataJson,
    clientData,
    response: members,
    transports: transportsOf(response.transports),
  })
}

function parseClientData(encoded: string): ClientData | undefined {
  const data = parseJsonObject(decodeBase64url(encoded)?.toString('utf8') ?? '')
  if (data === undefined) return undefined
  const { type, challenge, origin, crossOrigin = false } = data
  if (typeof type !== 'string' || typeof challenge !== 'string' || typeof origin !== 'string')
    return undefined
  if (typeof crossOrigin !== 'boolean') return undefined
  return { type, challenge, origin, isCrossOrigin: crossOrigin || data.topOrigin !== undefined }
}

/** @returns undefined when the bytes are too few to be authenticator data */
export function parseAuthenticatorFlags(bytes: Buffer): AuthenticatorFlags | undefined {
  if (bytes.length < 37) return undefined
  const flags = bytes[32] ?? 0
  return {
    rpIdHash: bytes.subarray(0, 32).toString('base64url'),
    isUserPresent: (flags & 0x01) !== 0,
    isUserVerified: (flags & 0x04) !== 0,
    counter: bytes.readUInt32BE(33),
  }
}

const knownTransports = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']

/** Only a hint for the browser's next dialogue: what is unknown is dropped. */
function transportsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? knownTransports.filter(name => value.includes(name)) : []
}

function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' ? decodeBase64url(value) : undefined
}
