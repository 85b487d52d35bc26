import { firstRefusal, type Refusal } from '@holdfast/protocol'
import { adminRoleRules } from '@holdfast/protocol/specs/holdfast-admin/rules.ts'
import { scopeRules } from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import { stepUpRules } from '@holdfast/protocol/specs/rfc9470-step-up/rules.ts'
import type { ActiveToken } from '../../data/introspect/standing.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { DocumentOf } from '../document.ts'
import { recordAt } from './etag.ts'
import type { AdminCaller, AdminDesk, AdminVisit, Standing } from './visit.ts'

/** How old the authentication of a user may be who writes what needs two persons. */
export const highRiskAgeSecondsMax = 900

type Administrator = DocumentOf<'Administrator'>

/** The Administrator document of whoever the token is of: its user, or the client that speaks for itself. */
export function administratorOf(
  { token, user }: ActiveToken,
  standing: Standing,
  desk: AdminDesk,
): Administrator | undefined {
  const isOwn = token.grantId === undefined && token.act === undefined
  if (!isOwn && user === undefined) return undefined
  return administratorsAt(standing, desk).find(({ spec }) =>
    isOwn ? spec.client === token.clientId : spec.user === user?.username,
  )
}

/** Who is asking, with no more than token and document both allow. */
export function callerOf(
  { token }: ActiveToken,
  { name, spec }: Administrator,
  issuer: IssuerSnapshot,
  { highRiskAcr, issuerUrl }: AdminDesk,
  standing: Standing,
): AdminCaller {
  const record = recordAt(standing.records, { documentKind: 'Administrator', name, issuer: issuerUrl })
  if (record === undefined) throw new TypeError('the document was read from it')
  const levels = issuer.authenticationLevels.map(({ acr }) => acr)
  const least = levels.indexOf(highRiskAcr)
  return {
    name,
    isPerson: spec.user !== undefined,
    username: spec.user,
    responsible: spec.responsible ?? [],
    scopes: token.scopes.filter(scope => spec.scopes.some(one => one === scope)),
    ...{ record, reach: spec.issuers, clientId: token.clientId },
    acr: token.acr,
    authTime: token.authTime,
    // An issuer that does not know the level reaches it with none of its own.
    highAcrs: least === -1 ? [highRiskAcr] : levels.slice(least),
  }
}

/** Whether token and document both have what is needed; the token is looked at first, as a client can ask for another. */
export function judgeScopes(
  required: readonly string[],
  granted: readonly string[],
  administrator: Administrator,
): Refusal | undefined {
  return (
    firstRefusal(scopeRules, { required, granted }) ??
    firstRefusal(adminRoleRules, { required, held: administrator.spec.scopes })
  )
}

/** Whether the user authenticated as strongly and as lately as a write that needs two persons asks for. */
export function judgeStepUp({ caller, desk }: Pick<AdminVisit, 'caller' | 'desk'>): Refusal | undefined {
  // A client has no authentication to step up; it confirms nothing either.
  if (!caller.isPerson) return undefined
  return firstRefusal(stepUpRules, {
    acrValues: caller.highAcrs,
    maxAgeSeconds: highRiskAgeSecondsMax,
    acr: caller.acr,
    authTime: caller.authTime,
    now: desk.options.ports.clock.now(),
    futureSeconds: 0,
  })
}

function administratorsAt({ documents }: Standing, { issuerUrl }: AdminDesk): readonly Administrator[] {
  return documents.flatMap(placed =>
    placed.issuerUrl === issuerUrl && placed.document.kind === 'Administrator' ? [placed.document] : [],
  )
}

/** Whoever of these names answers for themselves and for the clients among them. */
export function personsBehind(
  name: string,
  { administrators }: Pick<AdminVisit, 'administrators'>,
): readonly string[] {
  const found = administrators.find(({ document }) => document.name === name)
  return [name, ...(found?.document.spec.responsible ?? [])]
}
