import { parseChallenges } from '@holdfast/protocol/wire/challenge.ts'
import type { Answer, ProblemDetails } from '@holdfast/server/control/admin-api.ts'
import { type Ask, adminOver } from './admin-client.ts'
import type { AdminProfile } from './admin-profile.ts'
import type { AdminSession } from './admin-session.ts'
import type { AdminConnection, WaitingChange } from './composition.ts'

/** The admin API of the server that a profile names, with tokens of its own. */
export async function adminOverHttps(profile: AdminProfile): Promise<AdminConnection> {
  // Loaded when it is needed: a server that starts is no client.
  const { openAdminSession } = await import('./admin-session.ts')
  const session = await openAdminSession(profile)
  const ask: Ask = (method, path, body) => asked(session, method, path, withoutPerson(body))
  const one = (name: string): string => `/v1/changes/${encodeURIComponent(name)}`
  return {
    api: adminOver(ask),
    via: 'https',
    changes: {
      self: () => asked(session, 'GET', '/v1/self', undefined),
      list: () => asked(session, 'GET', '/v1/changes', undefined),
      read: name => asked(session, 'GET', one(name), undefined),
      confirm: name => asked(session, 'POST', `${one(name)}/confirmation`, {}),
      withdraw: name => asked(session, 'DELETE', one(name), undefined),
    },
    close: session.close,
  }
}

/** Who acts is who the token says: the server takes no name from anybody. */
function withoutPerson(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('as' in body)) return body
  const { as: _person, ...rest } = body
  return rest
}

async function asked<T>(
  session: AdminSession,
  method: string,
  path: string,
  body: unknown,
): Promise<Answer<T>> {
  const response = await session.send(method, `/admin${path}`, body)
  const value: unknown = await response.json()
  if (response.status === 202) return { ok: false, problem: waiting(value as WaitingChange) }
  if (response.ok) return { ok: true, value: value as T }
  return { ok: false, problem: explained(response, value as ProblemDetails) }
}

/** Nothing was changed yet, and somebody has to know what to look for. */
function waiting({ name, reasons, approveScopes }: WaitingChange): ProblemDetails {
  return {
    type: 'about:blank',
    title: 'waits for a second person',
    status: 202,
    detail: `with ${approveScopes.join(' and ')}: holdfast admin confirm ${name}`,
    problems: reasons.map(message => ({ document: 'change', field: '', message })),
  }
}

/** A challenge says what to do about it. */
function explained(
  response: Response,
  problem: ProblemDetails & { readonly ruleId?: string },
): ProblemDetails {
  const { title, detail = '', ruleId } = problem
  const challenge = parseChallenges(response.headers.get('www-authenticate') ?? '') ?? []
  const acr = challenge.flatMap(({ params }) => params.get('acr_values')?.split(' ') ?? [])[0]
  const hint = acr === undefined ? '' : `; sign in again: holdfast admin login --acr ${acr}`
  const rule = ruleId === undefined ? '' : ` [${ruleId}]`
  return { ...problem, title, status: response.status, detail: `${detail}${rule}${hint}` }
}
