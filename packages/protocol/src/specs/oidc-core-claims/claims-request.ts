import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from '../../wire/json.ts'

/** Bounds of the `claims` parameter; ours. */
export const claimsLimits = {
  bytesMax: 8192,
  namesMax: 64,
  nameLengthMax: 128,
  valuesMax: 20,
} as const

/** One claim that a client asks for by name (OpenID Connect Core section 5.5.1). */
export interface ClaimRequest {
  readonly name: string
  readonly essential: boolean
  /** Values the client takes; absent: any. */
  readonly values?: readonly JsonValue[]
}

/** The `claims` parameter after its rules passed: what the client asks for, and where it wants it. */
export interface ClaimsRequest {
  readonly idToken: readonly ClaimRequest[]
  readonly userinfo: readonly ClaimRequest[]
}

/** The parameter as text and, when it is strict JSON of bounded size, as an object. */
export interface ClaimsInput {
  readonly claims: string | undefined
  readonly claimsJson: JsonObject | undefined
}

/** @param claims the parameter as sent; undefined when it was not */
export function claimsInput(claims: string | undefined): ClaimsInput {
  const isReadable = claims !== undefined && Buffer.byteLength(claims) <= claimsLimits.bytesMax
  return { claims, claimsJson: isReadable ? parseJsonObject(claims) : undefined }
}

/** The two members that mean something; others are ignored. Only for input that passed `claimsRules`. */
export function claimsRequestOf({ claimsJson }: ClaimsInput): ClaimsRequest | undefined {
  if (claimsJson === undefined) return undefined
  return { idToken: requestsOf(claimsJson.id_token), userinfo: requestsOf(claimsJson.userinfo) }
}

function requestsOf(member: JsonValue | undefined): readonly ClaimRequest[] {
  if (!isJsonObject(member)) return []
  return Object.entries(member).map(([name, wish]) => {
    if (!isJsonObject(wish)) return { name, essential: false }
    const values = valuesOf(wish)
    return { name, essential: wish.essential === true, ...(values !== undefined && { values }) }
  })
}

/** `value` is a list of one. */
export function valuesOf(wish: JsonObject): readonly JsonValue[] | undefined {
  if (wish.value !== undefined) return [wish.value]
  return Array.isArray(wish.values) ? wish.values : undefined
}

/** The wish for one claim of the ID token, e.g. `acr`. */
export function idTokenWish(claims: ClaimsRequest | undefined, name: string): ClaimRequest | undefined {
  return claims?.idToken.find(wish => wish.name === name)
}

/** Whether a value is one that the client takes; the order of the members of an object does not count. */
export function isWantedValue({ values }: ClaimRequest, value: unknown): boolean {
  if (values === undefined) return true
  const text = orderedText(value)
  return values.some(wanted => orderedText(wanted) === text)
}

function orderedText(value: unknown): string {
  return (
    JSON.stringify(value, (_name, member: unknown) =>
      typeof member === 'object' && member !== null && !Array.isArray(member)
        ? Object.fromEntries(Object.entries(member).toSorted(([left], [right]) => (left < right ? -1 : 1)))
        : member,
    ) ?? ''
  )
}
