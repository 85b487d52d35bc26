import {
  type AuthenticationMethod,
  type EpochSeconds,
  type MethodTimes,
  missingMethods,
  type StatedAuthentication,
  stateAuthentication,
} from '@holdfast/protocol'
import { isStale } from '@holdfast/protocol/specs/oidc-core-request/rules.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest, InteractionRecord, SessionRecord } from '../../store/records.ts'
import type { FoundAuthenticator } from '../../store/store.ts'
import { judgeSubject } from './assurance.ts'
import { type Demand, demandOf, steppedUp } from './demand.ts'
import type { LiveSession } from './session.ts'

/** What must happen before a request may go on to consent. */
export type AuthenticationState =
  /** Nobody is signed in, or somebody the request does not name, or too long ago: password or passkey. */
  | { readonly next: 'login' }
  /** One more method; any of `methods` will do. */
  | {
      readonly next: 'second-factor'
      readonly methods: readonly AuthenticationMethod[]
      readonly isWish: boolean
    }
  /** The user has nothing that reaches what is necessary. */
  | { readonly next: 'unmet'; readonly acrValues: readonly string[] }
  | { readonly next: 'done'; readonly stated: StatedAuthentication }

/** Pure: the session, what this interaction had the user do, and what is asked, in one answer. */
export function authenticationState(
  request: AuthorizationRequest,
  issuer: IssuerSnapshot,
  session: LiveSession | undefined,
  interaction: Pick<InteractionRecord, 'proven' | 'isStepUpDeclined' | 'policyAcrs'>,
  now: EpochSeconds,
): AuthenticationState {
  // A client names a user as it was told: by a pairwise subject, where it has one.
  const sector = issuer.clients.get(request.clientId)?.sector
  if (session === undefined || judgeSubject(request, session.toldSubject(sector)) !== undefined)
    return { next: 'login' }
  const levels = issuer.authenticationLevels
  const demand = steppedUp(demandOf(request, issuer), interaction.policyAcrs, issuer)
  const times = freshMethods(methodsOf(session.record), interaction.proven ?? {}, demand, request, now)
  if (times.pwd === undefined && times.passkey === undefined) return { next: 'login' }

  const { acrValues, isNecessary } = demand
  const available = availableMethods(session.authenticators)
  const isAsked = acrValues.length > 0 && (isNecessary || interaction.isStepUpDeclined !== true)
  const any = levels.map(({ acr }) => acr)
  for (const [wanted, isWish] of [
    ...(isAsked ? [[acrValues, !isNecessary] as const] : []),
    [any, false] as const,
  ]) {
    if (stateAuthentication(levels, wanted, times) !== undefined) continue
    const ways = missingMethods(levels, wanted, times, available)
    if (ways.some(way => way.includes('pwd'))) return { next: 'login' }
    const methods = [...new Set(ways.flat())]
    if (methods.length > 0) return { next: 'second-factor', methods, isWish }
    if (!isWish) return { next: 'unmet', acrValues: wanted }
  }
  // Who set up a second factor is asked for it: a password alone is then no longer enough.
  if (available.includes('otp') && times.otp === undefined && times.passkey === undefined)
    return { next: 'second-factor', methods: available.filter(method => method !== 'pwd'), isWish: false }
  const stated = stateAuthentication(levels, acrValues, times) ?? stateAuthentication(levels, [], times)
  return stated === undefined ? { next: 'unmet', acrValues } : { next: 'done', stated }
}

/**
 * The methods that count for this request. What the interaction itself had the user do counts as fresh, or
 * `max_age=0` would never end; what documents ask is measured even then, because tokens are.
 */
function freshMethods(
  methods: MethodTimes,
  proven: MethodTimes,
  { documented }: Demand,
  { prompt, maxAgeSeconds }: AuthorizationRequest,
  now: EpochSeconds,
): MethodTimes {
  const isYoung = (at: EpochSeconds): boolean =>
    documented.maxAgeSeconds === undefined || now - at <= documented.maxAgeSeconds
  const fresh: { [Method in AuthenticationMethod]?: EpochSeconds } = {}
  for (const [method, at] of Object.entries(methods) as [AuthenticationMethod, EpochSeconds][])
    if ((proven[method] === at || !isStale({ prompt, maxAgeSeconds, authTime: at, now })) && isYoung(at))
      fresh[method] = at
  return fresh
}

/** A session older than the field was a password login. */
export function methodsOf({ methods, authTime }: SessionRecord): MethodTimes {
  return methods ?? { pwd: authTime }
}

function availableMethods(authenticators: readonly FoundAuthenticator[]): readonly AuthenticationMethod[] {
  return [
    'pwd',
    ...(authenticators.some(({ kind }) => kind === 'totp') ? (['otp'] as const) : []),
    ...(authenticators.some(({ kind }) => kind === 'passkey') ? (['passkey'] as const) : []),
  ]
}

/** What a session says by itself: the strongest level its methods reach. */
export function statedBySession(
  issuer: IssuerSnapshot,
  methods: MethodTimes,
): StatedAuthentication | undefined {
  return stateAuthentication(issuer.authenticationLevels, [], methods)
}
