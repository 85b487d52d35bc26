import { accept, type Outcome } from '../../refusal.ts'
import { fail, firstRefusal, pass, type Rule } from '../../rule.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../../wire/json.ts'
import { type AuthorizationDetail, type DetailType, detailLimits } from './detail-type.ts'
import { misfitOfDetail } from './misfit.ts'
import { areWithin, canonicalDetail } from './within.ts'

/** `authorization_details` of one request, next to what issuer and client know. */
export interface DetailsInput {
  /** As sent. */
  readonly text: string
  /** Its value; undefined when it is no strict JSON within bounds. */
  readonly value: JsonValue | undefined
  /** Types of the issuer, by name. */
  readonly types: ReadonlyMap<string, DetailType>
  /** `authorization_details_types` of the client. */
  readonly clientTypes: readonly string[]
  /** Resource identifiers that the client may ask for. */
  readonly clientResources: readonly string[]
}

/** Entries that the rules before found to be objects with a known type. */
function entriesOf({ value }: Pick<DetailsInput, 'value'>): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

function typeOf({ types }: Pick<DetailsInput, 'types'>, { type }: JsonObject): DetailType | undefined {
  return typeof type === 'string' ? types.get(type) : undefined
}

export const detailsRules: readonly Rule<DetailsInput>[] = [
  {
    id: 'authorization-details.size',
    clauses: [],
    level: 'OURS',
    title: 'authorization_details has at most 4 KiB, as sent and as it will be passed on',
    check: ({ text, value }) =>
      Buffer.byteLength(text) <= detailLimits.bytesMax &&
      Buffer.byteLength(JSON.stringify(value ?? null)) <= detailLimits.bytesMax
        ? pass
        : fail('invalid_authorization_details', '`authorization_details` is longer than 4096 bytes'),
  },
  {
    id: 'authorization-details.form',
    clauses: ['RFC9396-2-1', 'RFC9396-5-1'],
    level: 'MUST',
    title: 'authorization_details is a JSON array of objects, and says something',
    check: ({ value }) =>
      Array.isArray(value) && value.length > 0 && value.every(isJsonObject)
        ? pass
        : fail('invalid_authorization_details', '`authorization_details` is not a JSON array of objects'),
  },
  {
    id: 'authorization-details.count',
    clauses: [],
    level: 'OURS',
    title: 'at most twenty entries are asked for',
    check: input =>
      entriesOf(input).length <= detailLimits.entriesMax
        ? pass
        : fail('invalid_authorization_details', `more than ${detailLimits.entriesMax} entries`),
  },
  {
    id: 'authorization-details.type',
    clauses: ['RFC9396-2-2'],
    level: 'MUST',
    title: 'every entry has a type, which is text',
    check: input =>
      entriesOf(input).every(({ type }) => typeof type === 'string')
        ? pass
        : fail('invalid_authorization_details', 'an entry of `authorization_details` has no `type`'),
  },
  {
    id: 'authorization-details.known-type',
    clauses: ['RFC9396-5-2'],
    level: 'MUST',
    title: 'the issuer knows every type',
    check: input =>
      entriesOf(input).every(entry => typeOf(input, entry) !== undefined)
        ? pass
        : fail('invalid_authorization_details', 'a type of `authorization_details` is unknown'),
  },
  {
    id: 'authorization-details.client-type',
    clauses: ['RFC9396-10-2', 'FAPI2-SP-FINAL-5.3.2.1-14'],
    level: 'MUST',
    title: 'the client registered every type and may ask for the resource server it belongs to',
    check: input =>
      entriesOf(input).every(entry => {
        const type = typeOf(input, entry)
        return (
          type !== undefined &&
          input.clientTypes.includes(type.name) &&
          input.clientResources.includes(type.audience)
        )
      })
        ? pass
        : fail(
            'invalid_authorization_details',
            'a type of `authorization_details` is not registered for this client',
          ),
  },
  {
    id: 'authorization-details.fields',
    clauses: ['RFC9396-5-3', 'RFC9396-2.2'],
    level: 'MUST',
    title: 'every entry has the fields of its type, each with a value the type allows, and no other',
    check: input => {
      for (const entry of entriesOf(input)) {
        const type = typeOf(input, entry)
        const wrong = type && misfitOfDetail(entry, type)
        if (wrong !== undefined) return fail('invalid_authorization_details', wrong)
      }
      return pass
    },
  },
  {
    id: 'authorization-details.duplicate',
    clauses: [],
    level: 'OURS',
    title: 'no two entries say the same',
    check: input => {
      const entries = entriesOf(input).map(canonicalDetail)
      return new Set(entries).size === entries.length
        ? pass
        : fail('invalid_authorization_details', 'two entries of `authorization_details` are the same')
    },
  },
]

/** Parses and judges `authorization_details`, with one parser for every endpoint. Absent means none. */
export function judgeDetails(
  text: string | undefined,
  known: Omit<DetailsInput, 'text' | 'value'>,
): Outcome<readonly AuthorizationDetail[]> {
  if (text === undefined) return accept([])
  const isLong = Buffer.byteLength(text) > detailLimits.bytesMax
  const value = isLong ? undefined : parseJson(text, detailLimits)
  const refusal = firstRefusal(detailsRules, { ...known, text, value })
  return refusal ?? accept(value as readonly AuthorizationDetail[])
}

/** How a request with details came. */
export interface ProtectedDetailsInput {
  readonly hasDetails: boolean
  readonly isPushed: boolean
  readonly isSigned: boolean
}

export const protectedDetailsRules: readonly Rule<ProtectedDetailsInput>[] = [
  {
    id: 'authorization-details.protected',
    clauses: ['RFC9396-12-1'],
    level: 'MUST',
    title: 'authorization_details comes pushed or signed: a browser could change it on the way',
    check: ({ hasDetails, isPushed, isSigned }) =>
      hasDetails && !isPushed && !isSigned
        ? fail('invalid_request', 'push or sign a request with `authorization_details`')
        : pass,
  },
]

/** What a token is about to carry, next to what was granted. */
export interface GrantedDetailsInput {
  readonly details: readonly AuthorizationDetail[]
  /** By the subject, or for client credentials by the client's document. */
  readonly granted: readonly AuthorizationDetail[]
  readonly types: ReadonlyMap<string, DetailType>
  /** Whom the token is for. */
  readonly audience: string
}

export const grantedDetailsRules: readonly Rule<GrantedDetailsInput>[] = [
  {
    id: 'authorization-details.grew',
    clauses: ['RFC9396-6-1', 'FAPI2-SP-FINAL-5.3.2.1-14'],
    level: 'MUST',
    title: 'a token request only narrows: each entry is no more than one of its own that was granted',
    check: ({ details, granted, types }) =>
      areWithin(details, granted, types)
        ? pass
        : fail(
            'invalid_authorization_details',
            'an entry of `authorization_details` goes beyond what was granted',
          ),
  },
  {
    id: 'authorization-details.audience',
    clauses: ['RFC9396-9.1', 'RFC9396-9.2'],
    level: 'MUST',
    title: 'a token carries only details that belong to the resource server it is for',
    check: ({ details, types, audience }) =>
      details.every(({ type }) => types.get(type)?.audience === audience)
        ? pass
        : fail(
            'invalid_authorization_details',
            'an entry of `authorization_details` belongs to another resource server',
          ),
  },
]

/** Details of one resource server: what its tokens, and nobody else's, may say. */
export function detailsAt(
  details: readonly AuthorizationDetail[],
  types: ReadonlyMap<string, DetailType>,
  audience: string,
): readonly AuthorizationDetail[] {
  return details.filter(({ type }) => types.get(type)?.audience === audience)
}
