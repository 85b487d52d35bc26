import { accept, type Outcome } from '../../refusal.ts'
import { fail, firstRefusal, pass, type Rule } from '../../rule.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../wire/json.ts'
import { nameLengthMax } from './rules.ts'

/** What a gateway or an API says of the token of one call, after it verified it. */
export interface Call {
  readonly clientId: string
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  /** What the client proved with this very request. */
  readonly binding: 'none' | 'dpop' | 'mtls'
  readonly details: readonly { readonly type: string }[]
  readonly acr: string | undefined
  readonly amr: readonly string[]
  /** Seconds since 1970. */
  readonly authTime: number | undefined
  /** Transaction that the token was issued in, for the audit. */
  readonly txn: string | undefined
}

/** Entries of one list. */
const entriesMax = 100
/** Characters of one list together, as many as an access token may have: all of it stands in the audit. */
const listLengthMax = 8192

const bindings = { none: 'none', key: 'dpop', certificate: 'mtls' } as const

const isName = (value: JsonValue | undefined): value is string =>
  typeof value === 'string' && value !== '' && value.length <= nameLengthMax

const isNames = (value: JsonValue | undefined): value is string[] =>
  Array.isArray(value) &&
  value.length <= entriesMax &&
  value.every(isName) &&
  value.reduce((length, name) => length + name.length, 0) <= listLengthMax

const isBinding = (value: JsonValue | undefined): value is keyof typeof bindings =>
  typeof value === 'string' && Object.hasOwn(bindings, value)

const isTyped = (value: JsonValue): value is JsonObject & { readonly type: string } =>
  isJsonObject(value) && isName(value.type)

/** The details of a token; none where the context says none. */
function detailsOf(value: JsonValue | undefined): readonly { readonly type: string }[] | undefined {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const details = value.filter(isTyped).map(({ type }) => ({ type }))
  return details.length === value.length && isNames(details.map(({ type }) => type)) ? details : undefined
}

/** Spaces separate words of the audit: none stands in an identifier. */
const isTxn = (value: JsonValue | undefined): value is string =>
  typeof value === 'string' && /^[\x21-\x7E]{1,256}$/.test(value)

const isTime = (value: JsonValue | undefined): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

export interface CallContext {
  /** Of an evaluation. */
  readonly context: JsonObject
}

export const callRules: readonly Rule<CallContext>[] = [
  {
    id: 'authzen.call-token',
    clauses: ['AUTHZEN-6.1'],
    level: 'OURS',
    title:
      'a question about a call says of the token whose it is, for whom, its scopes and how it was proven',
    check: ({ context: { client_id: clientId, audience, scopes, binding } }) =>
      isName(clientId) && isNames(audience) && audience.length > 0 && isNames(scopes) && isBinding(binding)
        ? pass
        : fail(
            'invalid_request',
            '`context` lacks `client_id`, `audience`, `scopes` or `binding` of a token',
          ),
  },
  {
    id: 'authzen.call-user',
    clauses: ['AUTHZEN-6.1'],
    level: 'OURS',
    title: 'what a question about a call says of the user’s authentication has its form, or is absent',
    check: ({ context: { acr, amr, auth_time: time } }) =>
      (acr === undefined || isName(acr)) &&
      (amr === undefined || isNames(amr)) &&
      (time === undefined || isTime(time))
        ? pass
        : fail('invalid_request', '`acr`, `amr` or `auth_time` in `context` cannot be read'),
  },
  {
    id: 'authzen.call-details',
    clauses: ['AUTHZEN-6.1'],
    level: 'OURS',
    title: 'what a question about a call says of details and transaction has its form, or is absent',
    check: ({ context: { authorization_details: details, txn } }) =>
      detailsOf(details) !== undefined && (txn === undefined || isTxn(txn))
        ? pass
        : fail('invalid_request', '`authorization_details` or `txn` in `context` cannot be read'),
  },
]

/** @param context of an evaluation about a call */
export function readCall(context: JsonObject): Outcome<Call> {
  const refusal = firstRefusal(callRules, { context })
  if (refusal !== undefined) return refusal
  const { client_id: clientId, audience, scopes, binding, acr, amr, auth_time: authTime, txn } = context
  if (!isName(clientId) || !isNames(audience) || !isNames(scopes) || !isBinding(binding))
    throw new TypeError('rule table')
  return accept({
    ...{ clientId, audience, scopes, binding: bindings[binding] },
    details: detailsOf(context.authorization_details) ?? [],
    acr: isName(acr) ? acr : undefined,
    amr: isNames(amr) ? amr : [],
    authTime: isTime(authTime) ? authTime : undefined,
    txn: isTxn(txn) ? txn : undefined,
  })
}

/** For whom the token of a call is, and who asks about it. */
export interface CallReach {
  readonly audience: readonly string[]
  /** Audiences that who asks answers for. */
  readonly introspects: readonly string[]
  /** The APIs of each scope and each type of details that has any; the others are everybody's. */
  readonly owners: readonly (readonly string[])[]
}

/** Who asks is believed what it says of tokens for itself, and learns nothing about those for others (I20). */
export const callReachRules: readonly Rule<CallReach>[] = [
  {
    id: 'authzen.call-audience',
    clauses: ['AUTHZEN-6.1'],
    level: 'OURS',
    title: 'the token is for nobody but those whom who asks answers for',
    check: ({ audience, introspects }) =>
      audience.every(one => introspects.includes(one))
        ? pass
        : fail('invalid_token', 'the token is meant for another resource server'),
  },
  {
    id: 'authzen.call-reach',
    clauses: ['AUTHZEN-6.1'],
    level: 'OURS',
    title: 'scopes and details of the token are of its audience, as in every token that is issued',
    check: ({ audience, owners }) =>
      owners.every(own => own.some(one => audience.includes(one)))
        ? pass
        : fail('invalid_token', 'a scope or a type of details belongs to another resource server'),
  },
]

/** Rules about whom a call is made by. */
export const callerOfCallRules: readonly Rule<{ readonly isServed: boolean }>[] = [
  {
    id: 'authzen.call-client',
    clauses: ['AUTHZEN-6.1'],
    level: 'OURS',
    title: 'the client of the token is served by this issuer',
    check: ({ isServed }) =>
      isServed ? pass : fail('invalid_request', 'the client of the token is not served here'),
  },
]
