import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import { isJsonObject } from '../../wire/json.ts'
import { type StatusBits, statusValid } from './status-list.ts'

/** Where a token says that its status stands (section 6.2). */
export interface StatusReference {
  readonly index: number
  readonly uri: string
}

/** Longest URI of a list that is looked at. */
export const statusUriLengthMax = 2048

/** @param status claim of a token whose signature was verified @returns undefined unless it is well formed */
export function statusReferenceOf(status: unknown): StatusReference | undefined {
  const list = isJsonObject(status) ? status.status_list : undefined
  if (!isJsonObject(list)) return undefined
  const { idx: index, uri } = list
  if (!Number.isSafeInteger(index) || (index as number) < 0) return undefined
  return typeof uri === 'string' && uri.length <= statusUriLengthMax
    ? { index: index as number, uri }
    : undefined
}

export interface StatusClaimInput {
  /** `status` of the token as it came; undefined: it has none. */
  readonly status: unknown
  readonly issuer: string
  /** Whether this API takes only tokens whose status it can ask for. */
  readonly isRequired: boolean
}

/** What a token says about its status, before anything is fetched. */
export const statusClaimRules: readonly Rule<StatusClaimInput>[] = [
  {
    id: 'status.present',
    clauses: [],
    level: 'OURS',
    title: 'an API that relies on status lists takes no token without one',
    check: ({ status, isRequired }) =>
      status === undefined && isRequired ? fail('invalid_token', 'the token names no status list') : pass,
  },
  {
    id: 'status.claim',
    clauses: ['STATUS-LIST-6.2', 'STATUS-LIST-8.3-1'],
    level: 'MUST',
    title: '`status.status_list` is an index that is not negative, and a URI',
    check: ({ status }) =>
      status === undefined || statusReferenceOf(status) !== undefined
        ? pass
        : fail('invalid_token', '`status` is no reference to a status list'),
  },
  {
    id: 'status.uri',
    clauses: ['STATUS-LIST-6.2', 'STATUS-LIST-11.3'],
    level: 'OURS',
    title: 'the list stands below the issuer of the token: nothing else is fetched on its word',
    check: ({ status, issuer }) => {
      const reference = statusReferenceOf(status)
      return reference === undefined || isBelow(issuer, reference.uri)
        ? pass
        : fail('invalid_token', 'the status list is not one of the issuer')
    },
  },
]

/** By the parsed URL: `..`, `\` and user names must not lead elsewhere. */
function isBelow(issuer: string, uri: string): boolean {
  if (!uri.startsWith(`${issuer}/`) || !URL.canParse(uri)) return false
  const { href, protocol, hash } = new URL(uri)
  return href === uri && protocol === 'https:' && hash === '' && !uri.includes('#')
}

/** A JWT that was answered as a status list, before a key is looked at. */
export interface StatusListHeaderInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly algs: readonly JwsAlg[]
}

export const statusListHeaderRules: readonly Rule<StatusListHeaderInput>[] = [
  {
    id: 'status-list.typ',
    clauses: ['STATUS-LIST-5.1-typ', 'STATUS-LIST-8.3-2'],
    level: 'MUST',
    title: '`typ` says that the JWT is a status list',
    check: ({ header: { typ } }) =>
      typeof typ === 'string' && /^(application\/)?statuslist\+jwt$/i.test(typ)
        ? pass
        : fail('temporarily_unavailable', '`typ` of the status list is not statuslist+jwt'),
  },
  {
    id: 'status-list.alg',
    clauses: ['STATUS-LIST-8.3-2'],
    level: 'MUST',
    title: 'the algorithm is one this API allows, and no extension is critical',
    check: ({ header, algs }) =>
      (algs as readonly unknown[]).includes(header.alg) && !Object.hasOwn(header, 'crit')
        ? pass
        : fail('temporarily_unavailable', 'the status list is signed in a way that is not allowed here'),
  },
]

/** A status list whose signature is the issuer's. */
export interface StatusListInput {
  readonly claims: Readonly<Record<string, unknown>>
  /** Where it was fetched. */
  readonly uri: string
  readonly issuer: string
  readonly now: EpochSeconds
  /** How far ahead `iat` may lie. */
  readonly futureSeconds: number
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isStatusBits = (bits: unknown): bits is StatusBits =>
  bits === 1 || bits === 2 || bits === 4 || bits === 8

export const statusListRules: readonly Rule<StatusListInput>[] = [
  {
    id: 'status-list.sub',
    clauses: ['STATUS-LIST-5.1-sub', 'STATUS-LIST-8.3-3'],
    level: 'MUST',
    title: '`sub` is the URI the token named: no list stands in for another',
    check: ({ claims: { sub }, uri }) =>
      sub === uri ? pass : fail('temporarily_unavailable', 'the status list is another one'),
  },
  {
    id: 'status-list.iss',
    clauses: [],
    level: 'OURS',
    title: '`iss`, when there is one, is the issuer of the token',
    check: ({ claims: { iss }, issuer }) =>
      iss === undefined || iss === issuer
        ? pass
        : fail('temporarily_unavailable', 'the status list is of another issuer'),
  },
  {
    id: 'status-list.iat',
    clauses: ['STATUS-LIST-5.1-iat'],
    level: 'MUST',
    title: '`iat` is present and not ahead of time',
    check: ({ claims: { iat }, now, futureSeconds }) =>
      isTime(iat) && iat <= now + futureSeconds
        ? pass
        : fail('temporarily_unavailable', '`iat` of the status list is missing or ahead'),
  },
  {
    id: 'status-list.exp',
    clauses: ['STATUS-LIST-5.1-exp', 'STATUS-LIST-8.3-4'],
    level: 'MUST',
    title: '`exp` is present and has not passed: an old list cannot be shown for ever',
    check: ({ claims: { exp }, now }) =>
      isTime(exp) && now < exp
        ? pass
        : fail('temporarily_unavailable', 'the status list has expired, or never does'),
  },
  {
    id: 'status-list.ttl',
    clauses: ['STATUS-LIST-5.1-ttl'],
    level: 'MUST',
    title: '`ttl`, when there is one, is a positive number',
    check: ({ claims: { ttl } }) =>
      ttl === undefined || (typeof ttl === 'number' && ttl > 0)
        ? pass
        : fail('temporarily_unavailable', '`ttl` of the status list is not positive'),
  },
  {
    id: 'status-list.form',
    clauses: ['STATUS-LIST-4.2', 'STATUS-LIST-8.3-3'],
    level: 'MUST',
    title: '`status_list` has `bits` of 1, 2, 4 or 8 and `lst`',
    check: ({ claims: { status_list: list } }) =>
      isJsonObject(list) && isStatusBits(list.bits) && typeof list.lst === 'string'
        ? pass
        : fail('temporarily_unavailable', '`status_list` is not well formed'),
  },
]

export interface StatusInput {
  /** Undefined: the list has no such index. */
  readonly status: number | undefined
}

export const statusRules: readonly Rule<StatusInput>[] = [
  {
    id: 'status.index',
    clauses: ['STATUS-LIST-8.3-5'],
    level: 'MUST',
    title: 'the index lies within the list',
    check: ({ status }) =>
      status === undefined ? fail('invalid_token', 'the status list has no such index') : pass,
  },
  {
    id: 'status.valid',
    clauses: ['STATUS-LIST-7.1', 'STATUS-LIST-8.3-6', 'FAPI2-SP-FINAL-5.3.4-3'],
    level: 'MUST',
    title: 'the status is VALID; every other one, known or not, is a no',
    check: ({ status }) =>
      status === statusValid ? pass : fail('invalid_token', 'the status list says that the token has ended'),
  },
]

export interface StatusListQuery {
  /** Names of the parameters that were sent. */
  readonly parameters: readonly string[]
}

/** Its refusal is answered 501 (section 8.4). */
export const statusListQueryRules: readonly Rule<StatusListQuery>[] = [
  {
    id: 'status-list.time',
    clauses: ['STATUS-LIST-8.4'],
    level: 'MUST',
    title: 'nobody asks for the list as it was at another time',
    check: ({ parameters }) =>
      parameters.includes('time') ? fail('invalid_request', 'no list of another time is kept') : pass,
  },
]
