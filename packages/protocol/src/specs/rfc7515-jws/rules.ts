import { fail, pass, type Rule } from '../../rule.ts'
import type { JsonObject } from '../../wire/json.ts'

/** A compact JWS before anything is decoded. */
export interface JwsText {
  readonly text: string
  readonly bytesMax: number
}

const threeParts = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Checked before a byte is decoded. */
export const jwsTextRules: readonly Rule<JwsText>[] = [
  {
    id: 'jws.size',
    clauses: ['RFC9449-11.1'],
    level: 'OURS',
    title: 'the JWS is no longer than its kind may be',
    check: ({ text, bytesMax }) =>
      text.length > bytesMax ? fail('invalid_request', `JWT is longer than ${bytesMax} bytes`) : pass,
  },
  {
    id: 'jws.form',
    clauses: ['RFC7515-7.1'],
    level: 'MUST',
    title: 'the JWS has three non-empty base64url parts, so it is signed and is not encrypted',
    check: ({ text }) =>
      threeParts.test(text) ? pass : fail('invalid_request', 'not a compact JWS of three parts'),
  },
]

/** The decoded parts; undefined when a part is not canonical base64url, UTF-8 or strict JSON. */
export interface JwsParts {
  readonly header: JsonObject | undefined
  readonly claims: JsonObject | undefined
  readonly signature: Uint8Array | undefined
}

/** Checked before any key is looked for. */
export const jwsPartRules: readonly Rule<JwsParts>[] = [
  {
    id: 'jws.header',
    clauses: ['RFC7515-5.2', 'RFC7515-4', 'RFC8725-3.7'],
    level: 'MUST',
    title: 'the header is a JSON object in canonical base64url and UTF-8, without repeated members',
    check: ({ header }) =>
      header === undefined ? fail('invalid_request', 'JWT header is not strict JSON') : pass,
  },
  {
    id: 'jws.claims',
    clauses: ['RFC7519-7.2', 'RFC7519-4', 'RFC8725-3.7'],
    level: 'MUST',
    title: 'the payload is a JSON object in canonical base64url and UTF-8, without repeated members',
    check: ({ claims }) =>
      claims === undefined ? fail('invalid_request', 'JWT payload is not a strict JSON object') : pass,
  },
  {
    id: 'jws.signature-encoding',
    clauses: ['RFC7515-5.2'],
    level: 'MUST',
    title: 'the signature is canonical base64url',
    check: ({ signature }) =>
      signature === undefined ? fail('invalid_request', 'JWT signature is not canonical base64url') : pass,
  },
  {
    id: 'jws.crit',
    clauses: ['RFC7515-4.1.11', 'RFC8725-3.10'],
    level: 'MUST',
    title: 'no extension is marked critical, for none is supported',
    check: ({ header }) =>
      header !== undefined && 'crit' in header
        ? fail('invalid_request', 'JWT header has `crit`, and no extension is supported')
        : pass,
  },
  {
    id: 'jws.b64',
    clauses: ['RFC7797-6'],
    level: 'MUST',
    title: 'the payload is not declared unencoded',
    check: ({ header }) =>
      header !== undefined && 'b64' in header
        ? fail('invalid_request', 'JWT header has `b64`, which is not supported')
        : pass,
  },
  {
    id: 'jws.alg',
    clauses: ['RFC7515-4.1.1'],
    level: 'MUST',
    title: 'the header names one algorithm',
    check: ({ header }) =>
      typeof header?.alg === 'string' ? pass : fail('invalid_request', 'JWT header has no `alg`'),
  },
  {
    id: 'jws.typ',
    clauses: ['RFC7515-4.1.9'],
    level: 'MUST',
    title: '`typ`, when it is there, is a string',
    check: ({ header }) => textOrAbsent(header, 'typ'),
  },
  {
    id: 'jws.kid',
    clauses: ['RFC7515-4.1.4'],
    level: 'MUST',
    title: '`kid`, when it is there, is a string',
    check: ({ header }) => textOrAbsent(header, 'kid'),
  },
]

function textOrAbsent(
  header: JsonObject | undefined,
  name: 'typ' | 'kid',
): ReturnType<Rule<JwsParts>['check']> {
  const value = header?.[name]
  return value === undefined || typeof value === 'string'
    ? pass
    : fail('invalid_request', `JWT header \`${name}\` is not a string`)
}
