import type { KeyObject } from 'node:crypto'
import type { JwsAlg } from '@holdfast/protocol'
import { requestAgeSecondsMax } from '@holdfast/protocol/specs/fapi2-http-signatures/rules.ts'
import { isResourceIdentifier } from '@holdfast/protocol/specs/rfc9728-resource-metadata/rules.ts'
import { type ClientKeySource, ClientKeys } from './client-keys.ts'
import type { ResourceServerOptions } from './options.ts'
import type { Clock, Fetch } from './ports.ts'

/** HTTP message signatures (RFC 9421) as FAPI 2.0 Http Signatures has them. Off unless said. */
export interface HttpSignatureOptions {
  /** Every request of this API must be signed by its client. */
  readonly requests?: SignedRequestOptions
  /** Every answer of this API is signed, also a refusal. */
  readonly answers?: SignedAnswerOptions
  /** Longest body of a request that is verified and of an answer that is signed: both are held in memory. */
  readonly bodyBytesMax?: number
}

export interface SignedRequestOptions {
  /** The keys of the clients by client id, as they registered them; whoever is not named here cannot call. */
  readonly clients: Readonly<Record<string, ClientKeySource>>
  /** Oldest signature that is taken, 10 to 60 s. */
  readonly ageSeconds?: number
}

export interface SignedAnswerOptions {
  readonly privateKey: KeyObject
  readonly alg: JwsAlg
  readonly kid: string
  /** Fields of an answer that are signed where it has them, lower case; `content-type` and `location` unless said. */
  readonly fields?: readonly string[]
  /** Where the public key is published, for the metadata of this API: an https URL. */
  readonly jwksUri?: string
}

export interface HttpSignatureSettings {
  readonly requests: { readonly keys: ClientKeys; readonly ageSeconds: number } | undefined
  readonly answers: SignedAnswerOptions | undefined
  readonly bodyBytesMax: number
}

/** Longest body when nothing is said. */
export const signedBodyBytes = 1_048_576
/** The most that may be said. */
const signedBodyBytesMax = 67_108_864

/** Signed always, the signature itself, and what may not be joined into one line (RFC 9421 section 2.1). */
const ownFields: ReadonlySet<string> = new Set([
  'content-digest',
  'signature',
  'signature-input',
  'set-cookie',
])

/** @throws TypeError that names the option */
export function httpSignaturesOf(
  { httpSignatures, tokens }: ResourceServerOptions,
  { fetch, clock, onAlarm }: Ports,
): HttpSignatureSettings | undefined {
  if (httpSignatures === undefined) return undefined
  const { requests, answers, bodyBytesMax = signedBodyBytes } = httpSignatures
  if (requests === undefined && answers === undefined) bad('', 'neither `requests` nor `answers`')
  // What the gateway hands on has no `authorization` and another target: no signature of the client can hold there.
  if (tokens !== 'jwt' && tokens.gateway !== undefined) bad('', 'not behind a gateway')
  within('bodyBytesMax', bodyBytesMax, 1, signedBodyBytesMax)
  if (answers?.jwksUri !== undefined && !isResourceIdentifier(answers.jwksUri))
    bad('answers.jwksUri', `\`${answers.jwksUri}\` is not an https URL`)
  if (answers !== undefined && !/^[\x20-\x7e]{1,256}$/.test(answers.kid))
    bad('answers.kid', 'is not 1 to 256 printable characters')
  const unfit = answers?.fields?.find(name => !/^[a-z][a-z0-9-]{0,63}$/.test(name) || ownFields.has(name))
  if (unfit !== undefined) bad('answers.fields', `\`${unfit}\` is not a field that can be signed so`)
  const ageSeconds = within('requests.ageSeconds', requests?.ageSeconds ?? requestAgeSecondsMax, 10, 60)
  return {
    requests: requests && { keys: new ClientKeys(requests.clients, { fetch, clock, onAlarm }), ageSeconds },
    answers,
    bodyBytesMax,
  }
}

interface Ports {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly onAlarm: (alarm: string, cause: unknown) => void
}

function within(option: string, value: number, least: number, most: number): number {
  return Number.isSafeInteger(value) && value >= least && value <= most
    ? value
    : bad(option, `\`${value}\` is outside ${least} to ${most}`)
}

function bad(option: string, why: string): never {
  throw new TypeError(`httpSignatures${option === '' ? '' : `.${option}`}: ${why}`)
}
