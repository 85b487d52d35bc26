import { fail, pass, type Rule } from '../../rule.ts'
import { isJsonObject, type JsonValue } from '../../wire/json.ts'
import {
  type ClaimsInput,
  type ClaimsRequest,
  claimsLimits,
  idTokenWish,
  isWantedValue,
} from './claims-request.ts'

const { bytesMax, namesMax, nameLengthMax, valuesMax } = claimsLimits
const malformed = (reason: string) => fail('invalid_request', reason)

/** The form of the `claims` parameter. What it asks for is never wrong: unknown claims are ignored. */
export const claimsRules: readonly Rule<ClaimsInput>[] = [
  {
    id: 'claims.size',
    clauses: [],
    level: 'OURS',
    title: `the claims parameter has at most ${bytesMax} bytes`,
    check: ({ claims = '' }) =>
      Buffer.byteLength(claims) <= bytesMax ? pass : malformed(`\`claims\` is longer than ${bytesMax} bytes`),
  },
  {
    id: 'claims.json',
    clauses: ['OIDCC-5.5'],
    level: 'MUST',
    title: 'the claims parameter is a JSON object without doubled members',
    check: ({ claims, claimsJson }) =>
      claims === undefined || claimsJson !== undefined ? pass : malformed('`claims` is not a JSON object'),
  },
  {
    id: 'claims.members',
    clauses: ['OIDCC-5.5'],
    level: 'MUST',
    title: 'userinfo and id_token are objects of claims; other members are ignored',
    check: ({ claimsJson = {} }) =>
      [claimsJson.id_token, claimsJson.userinfo].every(member => member === undefined || isJsonObject(member))
        ? pass
        : malformed('`id_token` or `userinfo` of `claims` is not an object'),
  },
  {
    id: 'claims.bounds',
    clauses: [],
    level: 'OURS',
    title: `at most ${namesMax} claims, each with a name of 1 to ${nameLengthMax} characters, are asked for`,
    check: ({ claimsJson = {} }) => {
      const names = [claimsJson.id_token, claimsJson.userinfo].flatMap(member =>
        isJsonObject(member) ? Object.keys(member) : [],
      )
      return names.length <= namesMax && names.every(name => name !== '' && name.length <= nameLengthMax)
        ? pass
        : malformed(`\`claims\` asks for more than ${namesMax} claims, or for one with no or a long name`)
    },
  },
  {
    id: 'claims.wish',
    clauses: ['OIDCC-5.5.1'],
    level: 'MUST',
    title: 'a claim is asked for by null or by an object with essential, and value or values',
    check: ({ claimsJson = {} }) => {
      const wishes = [claimsJson.id_token, claimsJson.userinfo].flatMap(member =>
        isJsonObject(member) ? Object.values(member) : [],
      )
      return wishes.every(isWish) ? pass : malformed('a claim of `claims` is asked for in an unknown form')
    },
  },
]

/** Members that are not understood are ignored; both `value` and `values` would contradict each other. */
function isWish(wish: JsonValue): boolean {
  if (wish === null) return true
  if (!isJsonObject(wish)) return false
  const { essential, value, values } = wish
  if (essential !== undefined && typeof essential !== 'boolean') return false
  if (value !== undefined && values !== undefined) return false
  return values === undefined || (Array.isArray(values) && values.length > 0 && values.length <= valuesMax)
}

/** Whom a request wants signed in, and who is. */
export interface WantedSubjectInput {
  readonly claims: ClaimsRequest | undefined
  /** Subject of the `id_token_hint`, when one was sent. */
  readonly hintedSubject: string | undefined
  readonly subject: string
}

/** No token for another user than the one the client named, whoever has a session. */
export const wantedSubjectRules: readonly Rule<WantedSubjectInput>[] = [
  {
    id: 'oidc.hinted-subject',
    clauses: ['OIDC-3.1.2.1-id_token_hint'],
    level: 'MUST',
    title: 'the user is the one of the ID token hint',
    check: ({ hintedSubject, subject }) =>
      hintedSubject === undefined || hintedSubject === subject
        ? pass
        : fail('login_required', 'the user is not the one of `id_token_hint`'),
  },
  {
    id: 'claims.subject',
    clauses: ['OIDCC-3.1.2.2-sub', 'OIDCC-5.5.1-sub'],
    level: 'MUST',
    title: 'the user is the one whose sub the claims parameter names',
    check: ({ claims, subject }) =>
      [...(claims?.idToken ?? []), ...(claims?.userinfo ?? [])]
        .filter(({ name }) => name === 'sub')
        .every(wish => isWantedValue(wish, subject))
        ? pass
        : fail('login_required', 'the user is not the one whose `sub` was asked for'),
  },
]

/** The authentication context that a request insists on, and those there are. */
export interface EssentialAcrInput {
  readonly claims: ClaimsRequest | undefined
  /** Before the login: what could be reached. After it: what was. */
  readonly acrs: readonly string[]
}

export const essentialAcrRules: readonly Rule<EssentialAcrInput>[] = [
  {
    id: 'claims.essential-acr',
    clauses: ['OIDCC-5.5.1.1'],
    level: 'MUST',
    title: 'an essential acr with values is reached or the authentication has failed',
    check: ({ claims, acrs }) => {
      const wish = idTokenWish(claims, 'acr')
      return wish?.essential !== true || acrs.some(acr => isWantedValue(wish, acr))
        ? pass
        : fail('unmet_authentication_requirements', 'no `acr` that is essential to the client was reached')
    },
  },
]
