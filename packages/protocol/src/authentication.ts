import type { EpochSeconds } from './brand.ts'

/** How a user can prove to be the user: a password, a code of an authenticator app, a passkey with user verification. */
export type AuthenticationMethod = 'pwd' | 'otp' | 'passkey'

/** When each method was last used in a session. */
export type MethodTimes = Readonly<Partial<Record<AuthenticationMethod, EpochSeconds>>>

/** A level of assurance as an issuer defines it: any one of the sets reaches it. */
export interface AuthenticationLevel {
  /** Value of `acr`. */
  readonly acr: string
  readonly anyOf: readonly (readonly AuthenticationMethod[])[]
}

/** What an issuer that says nothing knows, the weakest first. A stronger level is good for every weaker one. */
export const defaultAuthenticationLevels: readonly AuthenticationLevel[] = [
  { acr: 'urn:holdfast:acr:pwd', anyOf: [['pwd']] },
  { acr: 'urn:holdfast:acr:mfa', anyOf: [['pwd', 'otp']] },
  // Phishing-resistant: the browser signs for our origin only, and the device has verified its user.
  { acr: 'urn:holdfast:acr:phr', anyOf: [['passkey']] },
]

/** What a request asks of the user's authentication. */
export interface AuthenticationDemand {
  /** Acceptable values of `acr`, the preferred first; empty: any. */
  readonly acrValues: readonly string[]
  /** Whether a request that reaches none of them fails. */
  readonly isNecessary: boolean
  /** Longest time since the user authenticated. */
  readonly maxAgeSeconds: number | undefined
}

/** What tokens say about an authentication. */
export interface StatedAuthentication {
  readonly acr: string
  /** When the oldest of the methods that count was used: the whole level is as fresh as that. */
  readonly authTime: EpochSeconds
  readonly amr: readonly string[]
}

/** RFC 8176. A passkey proves possession of a key, and of one device that verified its user: two factors at once. */
export function amrOf(methods: readonly AuthenticationMethod[]): readonly string[] {
  const values = methods.flatMap(method => (method === 'passkey' ? ['pop', 'user'] : [method]))
  return methods.includes('passkey') || methods.length > 1 ? [...values, 'mfa'] : values
}

/**
 * The most preferred of `acrValues` that `times` reach; with none asked for, the strongest level there is.
 * @returns undefined when nothing acceptable is reached
 */
export function stateAuthentication(
  levels: readonly AuthenticationLevel[],
  acrValues: readonly string[],
  times: MethodTimes,
): StatedAuthentication | undefined {
  const wanted = acrValues.length > 0 ? acrValues : strongestFirst(levels)
  for (const acr of wanted) {
    let best: { readonly set: readonly AuthenticationMethod[]; readonly authTime: EpochSeconds } | undefined
    for (const set of setsReaching(levels, acr)) {
      if (!set.every(method => times[method] !== undefined)) continue
      const authTime = oldestOf(set, times)
      if (best === undefined || authTime > best.authTime) best = { set, authTime }
    }
    if (best !== undefined) return { acr, authTime: best.authTime, amr: amrOf(best.set) }
  }
  return undefined
}

/**
 * What the user can still do to reach the most preferred value that is within reach.
 * @param available methods the user has
 * @returns each alternative's missing methods; empty when nothing acceptable can be reached
 */
export function missingMethods(
  levels: readonly AuthenticationLevel[],
  acrValues: readonly string[],
  times: MethodTimes,
  available: readonly AuthenticationMethod[],
): readonly (readonly AuthenticationMethod[])[] {
  for (const acr of acrValues) {
    const ways = setsReaching(levels, acr)
      .map(set => set.filter(method => times[method] === undefined))
      .filter(missing => missing.every(method => available.includes(method)))
    if (ways.length > 0) return ways
  }
  return []
}

/** Whether who reached `acr` reached `least` as well. Values the issuer does not know reach nothing. */
export function reachesLevel(levels: readonly AuthenticationLevel[], acr: string, least: string): boolean {
  const place = (value: string): number => levels.findIndex(level => level.acr === value)
  return place(acr) >= 0 && place(least) >= 0 && place(acr) >= place(least)
}

type Sets = readonly (readonly AuthenticationMethod[])[]

/** What follows from an issuer's levels, by level: worked out once, for a snapshot never changes. */
const reaching = new WeakMap<readonly AuthenticationLevel[], ReadonlyMap<string, Sets>>()
const noSets: Sets = []

function setsByLevel(levels: readonly AuthenticationLevel[]): ReadonlyMap<string, Sets> {
  const known = reaching.get(levels)
  if (known !== undefined) return known
  const made = new Map<string, Sets>()
  for (const [place, { acr }] of levels.entries())
    if (!made.has(acr))
      made.set(
        acr,
        levels.slice(place).flatMap(({ anyOf }) => anyOf),
      )
  reaching.set(levels, made)
  return made
}

/** Everything that reaches a level: its own sets and those of every stronger one. */
function setsReaching(levels: readonly AuthenticationLevel[], acr: string): Sets {
  return setsByLevel(levels).get(acr) ?? noSets
}

function strongestFirst(levels: readonly AuthenticationLevel[]): readonly string[] {
  return [...setsByLevel(levels).keys()].reverse()
}

function oldestOf(set: readonly AuthenticationMethod[], times: MethodTimes): EpochSeconds {
  return Math.min(...set.map(method => times[method] ?? 0)) as EpochSeconds
}
