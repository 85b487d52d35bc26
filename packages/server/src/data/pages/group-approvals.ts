import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Scope } from '../../snapshot/snapshot.ts'
import type { VouchedBy } from '../consents/vouched.ts'
import { detailItem, type ShownDetail } from './detail-item.ts'
import { type Html, html } from './html.ts'
import { renderPage } from './page.ts'
import { vouchedLine } from './vouched-line.ts'
import type { Words } from './words/words.ts'

/** Everything that who approves is shown; what is approved is this and nothing else (I13). */
export interface GroupApprovalContent {
  readonly locale: Words['locale']
  /** Hash of what is approved. */
  readonly name: string
  readonly clientName: string
  readonly clientId: string
  /** For whom; undefined: the client acts for itself. */
  readonly username: string | undefined
  /** As whose member the person answers. */
  readonly group: string
  /** Groups that have to answer besides. */
  readonly others: readonly string[]
  readonly scopes: readonly Pick<Scope, 'name' | 'title' | 'description'>[]
  readonly details: readonly ShownDetail[]
  readonly resources: readonly { readonly audience: string; readonly displayName: string }[]
  readonly seconds: number
  readonly isReusable: boolean
  readonly vouchedBy: VouchedBy
}

export interface GroupApproval {
  readonly content: GroupApprovalContent
  /** Digest of the content, sent back with the answer. */
  readonly shown: string
  readonly minutesAgo: number
}

/** One form for each of them. */
export function groupApprovalsSection(
  { action, csrf }: { readonly action: string; readonly csrf: string },
  approvals: readonly GroupApproval[],
  words: Words,
): Html | false {
  return (
    approvals.length > 0 &&
    html`<section aria-labelledby="group-approvals">
<h2 id="group-approvals">${words.groupApprovals.section}</h2>
${approvals.map((approval, index) => approvalForm({ action, csrf }, approval, index + 1, words))}
</section>`
  )
}

function approvalForm(
  { action, csrf }: { readonly action: string; readonly csrf: string },
  { content, shown, minutesAgo }: GroupApproval,
  number: number,
  words: Words,
): Html {
  const { clientName, username, group, others, scopes, details, resources, seconds, isReusable } = content
  const said = words.groupApprovals
  const time = words.duration(seconds)
  return html`<article class="approval" aria-labelledby="group-approval-${number}">
<h3 id="group-approval-${number}">${said.heading(clientName)}</h3>
<p class="quiet">${words.approvals.asked(minutesAgo)}</p>
${vouchedLine(content.vouchedBy, words)}
<p>${said.asMember(group)}</p>
<p>${username === undefined ? said.forItself : said.forUser(username)}</p>
<ul class="grants">
${scopes.map(
  scope => html`<li><span class="tick" aria-hidden="true"></span><div><strong>${scope.title}</strong><p>${scope.description}</p></div></li>
`,
)}${details.map(detailItem)}</ul>
<ul class="notes">
${resources.map(
  resource => html`<li>${words.approvals.usedAt(resource.displayName, hostOf(resource.audience))}</li>
`,
)}${others.length > 0 && html`<li>${said.others(listed(others, words))}</li>`}
<li>${isReusable ? said.again(time) : said.once(time)}</li>
<li>${said.yourName}</li>
</ul>
<form id="group-approval-form-${number}" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="approval" value="${content.name}">
<input type="hidden" name="shown" value="${shown}">
<div class="choices">
<button id="approve-${number}" class="button button-main" type="submit" name="decision" value="allow" aria-describedby="group-approval-${number}">${said.approve}</button>
<button id="refuse-${number}" class="button" type="submit" name="decision" value="deny" aria-describedby="group-approval-${number}">${said.refuse}</button>
</div>
</form>
</article>
`
}

/** Of an audience that is no address, itself. */
function hostOf(audience: string): string {
  return URL.canParse(audience) ? new URL(audience).host : audience
}

export interface WaitingView {
  readonly words: Words
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  readonly missing: readonly string[]
  readonly given: readonly string[]
  /** How long an approval counts. */
  readonly seconds: number
  readonly formTarget: string
  /** Whether the page looks again without being asked to. */
  readonly isLooking: boolean
}

/** How long the page waits before it looks again. */
const lookAgainSeconds = 15

/** Who asked waits here until others have answered. */
export function waitingForApproval(exchange: Exchange, view: WaitingView): Reply {
  const { words, action, csrf, clientName, missing, given, seconds, formTarget, isLooking } = view
  const said = words.groupApprovals
  return renderPage(exchange, {
    words,
    status: 200,
    title: said.waitingTitle,
    formTarget,
    // Named, because the page may be shown at the authorization endpoint, where looking again would ask anew.
    extraHeaders: isLooking ? [['refresh', `${lookAgainSeconds}; url=${action}`]] : [],
    body: html`<h1>${said.waitingTitle}</h1>
<p class="lead">${said.waitingLead(clientName)}</p>
<div class="notice" role="status" id="approval-waiting"><p>${said.stillMissing(listed(missing, words))}</p>
${given.length > 0 && html`<p>${said.approvedAlready(listed(given, words))}</p>`}</div>
<p class="onward"><a id="look-now" class="button button-main" href="${action}">${said.lookNow}</a></p>
${isLooking && html`<p class="hint">${said.looksAgain} <a id="stop-looking" href="${action}?still=yes">${said.stopLooking}</a></p>`}
<p class="hint">${said.mayClose(words.duration(seconds))}</p>
<form id="give-up-form" class="onward" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<button id="give-up" class="button" type="submit" name="decision" value="deny">${said.giveUp}</button>
</form>`,
  })
}

/** Names as a part of a sentence. */
export function listed(items: readonly string[], { locale }: Words): string {
  return new Intl.ListFormat(locale).format(items)
}
