import type { AuthenticationMethod, EpochSeconds } from '@holdfast/protocol'
import type { DetailWords } from '@holdfast/protocol/specs/rfc9396-rar/words.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Scope } from '../../snapshot/snapshot.ts'
import type { ShownClaim } from '../interaction/shown-claims.ts'
import { paths } from '../paths.ts'
import { accountPage, noticeOf } from './account.ts'
import { detailItem } from './detail-item.ts'
import { type Html, html } from './html.ts'
import type { HomeNotice, Words } from './words/words.ts'

/** One session, in this browser or another one. */
export interface SessionRow {
  /** Names the row to its form, and nothing else. */
  readonly handle: string
  readonly isThis: boolean
  readonly signedInAt: EpochSeconds
  readonly usedAt: EpochSeconds
  readonly methods: readonly AuthenticationMethod[]
  /** Names of the applications that the user signed in to with it. */
  readonly applications: readonly string[]
}

/** One thing that the user allowed an application. */
export interface GrantRow {
  readonly handle: string
  readonly clientName: string
  readonly hosts: readonly string[]
  /** Whether the application may act at all, now. */
  readonly isUsable: boolean
  readonly scopes: readonly Pick<Scope, 'name' | 'title' | 'description'>[]
  readonly claims: readonly ShownClaim[]
  readonly details: readonly DetailWords[]
  readonly resources: readonly { readonly audience: string; readonly displayName: string }[]
  readonly allowedAt: EpochSeconds
  /** Undefined: never. */
  readonly changedAt: EpochSeconds | undefined
  readonly endsAt: EpochSeconds
  readonly isLasting: boolean
  readonly endsAtSignOut: boolean
}

export interface HomeView {
  readonly words: Words
  readonly username: string
  readonly csrf: string
  readonly notice: HomeNotice | undefined
  readonly sessions: readonly SessionRow[]
  readonly sessionsNotShown: number
  readonly grants: readonly GrantRow[]
  /** Whether newer grants stand on a page before. */
  readonly isContinued: boolean
  /** Handle of the last grant shown, when there are older ones. */
  readonly older: string | undefined
  readonly passkeys: number
  readonly hasApp: boolean
  /** Whether the user is in a group that may be asked to approve. */
  readonly mayApprove: boolean
}

/** The home of a signed-in user. Works without JavaScript. */
export function homeView(exchange: Exchange, view: HomeView): Reply {
  const { words, notice, username } = view
  const said = words.home
  const base = exchange.issuer.url
  const isBad = notice === 'gone'
  return accountPage(exchange, {
    words,
    status: isBad ? 409 : 200,
    title: said.title,
    username,
    body: html`<h1>${said.title}</h1>
<p class="lead">${said.lead}</p>
${noticeOf(notice && { text: said.notices[notice], isBad })}
${view.mayApprove && html`<p class="onward"><a id="look-approvals" class="button" href="${base + paths.ciba}">${words.groupApprovals.onAccount}</a></p>`}
${!view.isContinued && sessionsSection(view, base)}
${grantsSection(view, base)}
${
  !view.isContinued &&
  html`<section aria-labelledby="methods">
<h2 id="methods">${words.security.title}</h2>
<p class="quiet">${said.methods(view.passkeys, view.hasApp)}</p>
<p class="onward"><a id="manage-methods" class="button" href="${base + paths.security}">${said.manageMethods}</a></p>
</section>`
}
<p class="hint">${said.askedAgain}</p>`,
  })
}

/** A list as a part of a sentence. */
function listed(items: readonly string[], { locale }: Words): string {
  return new Intl.ListFormat(locale).format(items)
}

function sessionsSection(view: HomeView, base: string): Html {
  const { sessions, sessionsNotShown, words, csrf } = view
  const said = words.home
  return html`<section aria-labelledby="sessions">
<h2 id="sessions">${said.sessions}</h2>
<ul class="methods sessions">
${sessions.map(one => sessionItem(one, view, base))}</ul>
${sessionsNotShown > 0 && html`<p class="hint">${said.notShown(sessionsNotShown)}</p>`}
${
  sessions.length > 1 &&
  html`<form class="onward" method="post" action="${base + paths.endOtherSessions}"><input type="hidden" name="csrf" value="${csrf}">
<button id="end-others" class="button" type="submit">${said.endOthers}</button></form>`
}
</section>`
}

function sessionItem(
  { handle, isThis, signedInAt, usedAt, methods, applications }: SessionRow,
  { words, csrf }: HomeView,
  base: string,
): Html {
  const { home: said, moment, security } = words
  const since = moment(signedInAt)
  return html`<li><div><strong>${isThis ? said.thisBrowser : said.anotherBrowser}</strong>
<p>${said.signedIn(
    since,
    listed(
      methods.map(method => said.means[method]),
      words,
    ),
  )}</p>
${usedAt > signedInAt && html`<p>${said.lastUsed(moment(usedAt))}</p>`}
${applications.length > 0 && html`<p>${said.usedFor(listed(applications, words))}</p>`}</div>
${
  isThis
    ? html`<a class="button button-small" href="${base + paths.logout}">${security.signOut}</a>`
    : html`<form method="post" action="${base + paths.endSession}"><input type="hidden" name="csrf" value="${csrf}">
<button class="button button-small" type="submit" name="id" value="${handle}" aria-label="${said.endNamed(since)}">${said.end}</button></form>`
}</li>
`
}

function grantsSection(view: HomeView, base: string): Html {
  const { grants, isContinued, older, words } = view
  const said = words.home
  const isEmpty = grants.length === 0 && !isContinued
  return html`<section aria-labelledby="grants">
<h2 id="grants">${said.grants}</h2>
${isEmpty && html`<p class="quiet">${said.nothingAllowed}</p>`}
${grants.map((grant, index) => grantItem(grant, index + 1, view, base))}
${!isEmpty && html`<p class="hint">${said.withdrawHint}</p>`}
${isContinued && html`<p class="onward"><a id="newest-grants" href="${base + paths.account}">${said.newest}</a></p>`}
${older !== undefined && html`<p class="onward"><a id="older-grants" class="button" href="${base}${paths.account}?before=${older}">${said.older}</a></p>`}
</section>`
}

function grantItem(grant: GrantRow, number: number, { words, csrf }: HomeView, base: string): Html {
  const { home: said, moment } = words
  const { clientName, hosts, allowedAt, changedAt, scopes, details, claims, resources } = grant
  const since = moment(allowedAt)
  const ends = moment(grant.endsAt)
  const places = resources.map(({ displayName }) => displayName)
  return html`<article class="allowed" aria-labelledby="grant-${number}">
<h3 id="grant-${number}">${clientName}</h3>
${hosts.length > 0 && html`<p class="host">${hosts.join(', ')}</p>`}
<p class="may">${said.may}</p>
<ul class="grants">
${scopes.map(
  ({
    title,
    description,
  }) => html`<li><span class="tick" aria-hidden="true"></span><div><strong>${title}</strong><p>${description}</p></div></li>
`,
)}${details.map(words => detailItem({ words }))}</ul>
<ul class="notes">
${!grant.isUsable && html`<li>${said.unusable}</li>`}
${
  claims.length > 0 &&
  html`<li>${said.isTold(
    listed(
      claims.map(({ title }) => title),
      words,
    ),
  )}</li>`
}
${places.length > 0 && html`<li>${said.at(listed(places, words))}</li>`}
<li>${changedAt === undefined ? said.allowed(since) : said.allowedAndChanged(since, moment(changedAt))}</li>
<li>${grant.endsAtSignOut ? said.endsOrSignOut(ends) : said.ends(ends)}</li>
${grant.isLasting && html`<li>${said.whileAway}</li>`}
</ul>
<form method="post" action="${base + paths.withdraw}"><input type="hidden" name="csrf" value="${csrf}">
<button class="button button-small" type="submit" name="id" value="${grant.handle}" aria-label="${said.withdrawNamed(clientName, since)}">${said.withdraw}</button></form>
</article>
`
}
