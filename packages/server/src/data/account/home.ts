import type { AuthenticationMethod, EpochSeconds, Refusal } from '@holdfast/protocol'
import { wordsOf as detailWords } from '@holdfast/protocol/specs/rfc9396-rar/words.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { endsWithSession } from '../../store/owners.ts'
import type { GrantRecord, SessionRecord } from '../../store/records.ts'
import { isLasting } from '../authorize/lasting.ts'
import { methodsOf } from '../interaction/authentication.ts'
import { sessionLimits } from '../interaction/session.ts'
import { shownClaims } from '../interaction/shown-claims.ts'
import { sessionsMax } from '../logout/end-of-user.ts'
import { isStillSound } from '../mint/details.ts'
import { type GrantRow, homeView, type SessionRow } from '../pages/account-home.ts'
import { wordsFor } from '../pages/locale.ts'
import { seeOther } from '../pages/page.ts'
import { scopeWords } from '../pages/scope-words.ts'
import type { HomeNotice, Words } from '../pages/words/words.ts'
import { paths } from '../paths.ts'
import type { Room } from '../room.ts'
import { recordAccountRefusal } from './refused.ts'
import { idOfRow, rowHandle } from './row-handle.ts'
import { type AccountVisit, isAgain, onAccountPage } from './visit.ts'

/** Sessions on the page: this one, then the others from the newest on. */
export const sessionsShownMax = 30
/** Grants on one page of the list. */
export const grantsShownMax = 20
/** Hosts of an application that are named. */
const hostsShownMax = 3

const notices: ReadonlySet<string> = new Set<HomeNotice>(['session-ended', 'others-ended', 'withdrawn'])

/** GET `/account`: where the user is signed in, what was allowed, and the way to the ways to sign in. */
export const accountPage: Room = (exchange, ports) =>
  onAccountPage(exchange, ports, paths.account, isAgain(exchange), (visit, query) => {
    const done = query.get('done') ?? ''
    const before = idOfRow(visit, 'grant', query.get('before') ?? '', ports)
    return renderHome(visit, ports, {
      ...(before !== undefined && { before }),
      ...(notices.has(done) && { notice: done as HomeNotice }),
    })
  })

interface HomeOptions {
  readonly notice?: HomeNotice
  /** Id of the last grant of the page before. */
  readonly before?: string
}

/** Back to the page, which says what was done. */
export function doneAt({ exchange }: AccountVisit, done: Exclude<HomeNotice, 'gone'>): Reply {
  return seeOther(`${exchange.issuer.url}${paths.account}?done=${done}`)
}

/** Written down, and shown on a page that says what there is now. */
export async function gone(visit: AccountVisit, ports: Ports, refusal: Refusal): Promise<Reply> {
  await recordAccountRefusal(visit, ports, refusal)
  return await renderHome(visit, ports, { notice: 'gone' })
}

async function renderHome(visit: AccountVisit, ports: Ports, options: HomeOptions = {}): Promise<Reply> {
  const { exchange, session, csrf, now } = visit
  const { notice, before } = options
  const { url } = exchange.issuer
  const { subject } = session.record
  const words = wordsFor(exchange)
  const [sessions, grants] = await Promise.all([
    ports.store.listSessions(url, subject, now, sessionsMax),
    ports.store.listGrants(url, subject, now, before, grantsShownMax + 1),
  ])
  const others = sessions.filter(
    ({ sid, idleExpiresAt }) => sid !== session.record.sid && now < idleExpiresAt,
  )
  const live = [session.record, ...others.toSorted((left, right) => right.issuedAt - left.issuedAt)]
  const shown = grants.slice(0, grantsShownMax)
  const last = grants.length > grantsShownMax ? shown.at(-1) : undefined
  return homeView(exchange, {
    words,
    username: session.user.username,
    csrf,
    notice,
    sessions: await Promise.all(live.slice(0, sessionsShownMax).map(one => sessionRow(visit, one, ports))),
    sessionsNotShown: Math.max(0, live.length - sessionsShownMax),
    grants: shown.map(grant => grantRow(visit, grant, words, ports)),
    isContinued: before !== undefined,
    older: last && rowHandle(visit, 'grant', last.id, ports),
    passkeys: session.authenticators.filter(({ kind }) => kind === 'passkey').length,
    mayApprove: (session.user.groups ?? []).length > 0,
    hasApp: session.authenticators.some(({ kind }) => kind === 'totp'),
  })
}

async function sessionRow(visit: AccountVisit, session: SessionRecord, ports: Ports): Promise<SessionRow> {
  const { exchange } = visit
  const clientIds = await ports.store.listParticipants(session.sid)
  return {
    handle: rowHandle(visit, 'session', session.sid, ports),
    isThis: session.sid === visit.session.record.sid,
    signedInAt: session.authTime,
    usedAt: (session.idleExpiresAt - sessionLimits.idleSeconds) as EpochSeconds,
    methods: Object.keys(methodsOf(session)) as readonly AuthenticationMethod[],
    applications: clientIds.map(clientId => exchange.issuer.clients.get(clientId)?.clientName ?? clientId),
  }
}

function grantRow(visit: AccountVisit, grant: GrantRecord, words: Words, ports: Ports): GrantRow {
  const { issuer } = visit.exchange
  const { clientId, scopes, resources, managed, issuedAt, expiresAt } = grant
  const client = issuer.clients.get(clientId)
  const lasting = client !== undefined && isLasting(client, scopes)
  return {
    handle: rowHandle(visit, 'grant', grant.id, ports),
    clientName: client?.clientName ?? clientId,
    hosts: client === undefined ? [] : hostsOf(client),
    isUsable: client?.status === 'active',
    scopes: scopes.map(name => ({ name, ...scopeWords(issuer.scopes.get(name), name, words) })),
    claims: client === undefined ? [] : shownClaims({ scopes, claims: grant.claims }, client, issuer, words),
    details: detailsOf(visit, grant, client, words),
    resources: resources.map(audience => ({
      audience,
      displayName: issuer.resourceServers.get(audience)?.displayName ?? audience,
    })),
    allowedAt: managed?.createdAt ?? issuedAt,
    changedAt: managed === undefined || managed.createdAt === issuedAt ? undefined : issuedAt,
    endsAt: expiresAt,
    isLasting: lasting,
    endsAtSignOut: grant.sid !== undefined && endsWithSession(grant),
  }
}

/** Where the application is, as far as its addresses say. */
function hostsOf({ redirectUris }: Client): readonly string[] {
  const hosts = redirectUris.map(uri => new URL(uri).host).filter(host => host !== '')
  return [...new Set(hosts)].slice(0, hostsShownMax)
}

/** In the words of the types of now. What no token could carry any more is named, and said to be out of use. */
function detailsOf(
  { exchange: { issuer } }: AccountVisit,
  { authorizationDetails = [] }: GrantRecord,
  client: Client | undefined,
  words: Words,
): GrantRow['details'] {
  return authorizationDetails.map(detail => {
    const type = issuer.detailTypes.get(detail.type)
    const isSound = client !== undefined && isStillSound(detail, client, issuer)
    return type === undefined || !isSound
      ? { title: type?.title ?? detail.type, description: words.home.outOfUse, parts: [] }
      : detailWords(detail, type)
  })
}
