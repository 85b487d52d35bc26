import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type JwsAlg,
  type Outcome,
  type Refusal,
  refuse,
} from '@holdfast/protocol'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import type { PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyRaw } from '@holdfast/protocol/jose/verify.ts'
import { requestTag, signedRequestRules } from '@holdfast/protocol/specs/fapi2-http-signatures/rules.ts'
import {
  type ParsedSignature,
  parseSignature,
  signatureKeyRules,
} from '@holdfast/protocol/specs/rfc9421-http-signatures/rules.ts'
import {
  type Message,
  requestMessage,
  signatureBase,
} from '@holdfast/protocol/specs/rfc9421-http-signatures/signature-base.ts'
import {
  contentDigestHeader,
  contentDigestRules,
} from '@holdfast/protocol/specs/rfc9530-content-digest/rules.ts'
import { parseDictionary } from '@holdfast/protocol/wire/structured-field.ts'
import type { HttpSignatureSettings } from './http-signatures.ts'
import type { Settings } from './options.ts'
import type { ApiRequest } from './request.ts'

export interface SignedRequest {
  readonly request: ApiRequest
  readonly clientId: string
  /** Whether a DPoP proof of this request was spent: a signature over it comes once then. */
  readonly isProofSpent: boolean
  readonly now: EpochSeconds
}

/** The request as signatures see it; its URL is the one of the options, never of a header (I18). */
export function messageOf({ method, target, headers }: ApiRequest, externalUrl: string): Message {
  return requestMessage(method, externalUrl + target, headers)
}

/**
 * Whether the client of the token signed this very request, a moment ago and for the first time.
 * @returns thumbprint of its key
 */
export async function judgeSignedRequest(
  { request, clientId, isProofSpent, now }: SignedRequest,
  settings: Settings,
  { requests, bodyBytesMax }: HttpSignatureSettings,
): Promise<Outcome<string>> {
  const { readBody } = request
  if (requests === undefined || readBody === undefined) throw new TypeError('the adapter reads no body')
  const message = messageOf(request, settings.externalUrl)
  const parsed = parseSignature({ message }, requestTag)
  if (!parsed.ok) return parsed
  const { covered, created, keyid } = parsed.value
  // Whoever comes so far has shown a good token of its own.
  const body = await readBody(bodyBytesMax)
  if (body === undefined)
    return refuse(
      'http-signature.body-size',
      ['FAPI2-HTTPSIG-5.3.1.2-8'],
      'invalid_request',
      `the body is longer than ${bodyBytesMax} bytes`,
    )
  const hasContent = body.length > 0 || request.headers(contentDigestHeader).length > 0
  const uncovered = firstRefusal(signedRequestRules, {
    ...{ covered, created, now, hasContent },
    hasProof: request.headers('dpop').length > 0,
    ageSeconds: requests.ageSeconds,
    futureSeconds: settings.futureSeconds,
  })
  if (uncovered !== undefined) return uncovered

  const key = await requests.keys.keyOf(clientId, keyid)
  if (!key.ok) return key
  const base = signatureBase(parsed.value.list, { message }) ?? ''
  const forged = judgeSignature(parsed.value, base, key.value, settings, now)
  if (forged !== undefined) return forged
  const swapped = hasContent ? judgeBody(request, body) : undefined
  if (swapped !== undefined) return swapped
  const until = (created ?? now) + requests.ageSeconds
  const used = isProofSpent
    ? undefined
    : await judgeFirstUse(clientId, base, until, created ?? now, settings, now)
  return used ?? accept(key.value.thumbprint)
}

function judgeSignature(
  { alg, expires, signature }: ParsedSignature,
  base: string,
  key: PublicKey,
  { algs }: Settings,
  now: EpochSeconds,
): Refusal | undefined {
  const keyAlg: JwsAlg | undefined = algs.find(one => key.fits(one))
  if (keyAlg === undefined)
    return refuse(
      'http-signature.key-alg',
      ['RFC9421-3.2'],
      'invalid_request',
      'the key is of no allowed algorithm',
    )
  const unfit = firstRefusal(signatureKeyRules, { alg, keyAlg, expires, now })
  if (unfit !== undefined) return unfit
  return verifyRaw(Buffer.from(base, 'latin1'), signature, key, keyAlg)
    ? undefined
    : refuse(
        'http-signature.signature',
        ['FAPI2-HTTPSIG-5.3.1.2-3'],
        'invalid_request',
        'the signature does not verify',
      )
}

/** The signature covers the digest; whether that is the one of the body. */
function judgeBody({ headers }: ApiRequest, body: Uint8Array): Refusal | undefined {
  const digests = parseDictionary(headers(contentDigestHeader).join(', '))
  return firstRefusal(contentDigestRules, { digests, body })
}

/** A signature that no proof makes unique is taken once (I4), after all cryptography, by what was signed (I5). */
async function judgeFirstUse(
  clientId: string,
  base: string,
  until: number,
  created: number,
  { replayMemory, audience, futureSeconds, onAlarm }: Settings,
  now: EpochSeconds,
): Promise<Refusal | undefined> {
  const unavailable = (reason: string): Refusal =>
    refuse('http-signature.memory', ['FAPI2-HTTPSIG-5.3.1.2-6'], 'temporarily_unavailable', reason)
  if (created <= replayMemory.completeSince + futureSeconds)
    return unavailable('the signature may be older than the replay memory')
  try {
    const key = sha256(`http-signature ${audience.length}:${audience}${clientId.length}:${clientId}${base}`)
    const heard = await replayMemory.remember(key, (until + 1) as EpochSeconds, now)
    if (heard === 'first') return undefined
    if (heard === 'seen')
      return refuse(
        'http-signature.replay',
        ['FAPI2-HTTPSIG-5.3.1.2-6'],
        'invalid_request',
        'the signature was used before',
      )
    onAlarm('replay-memory.full', undefined)
  } catch (cause) {
    onAlarm('replay-memory.failed', cause)
  }
  return unavailable('the replay memory is full, failed, or its clock went back')
}
