import type { GrantAction } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Scope } from '../../snapshot/snapshot.ts'
import type { VouchedBy } from '../consents/vouched.ts'
import type { ShownClaim } from '../interaction/shown-claims.ts'
import { paths } from '../paths.ts'
import { changeNotice, claimItem, lastingText } from './consent.ts'
import { detailItem, type ShownDetail } from './detail-item.ts'
import { type GroupApproval, groupApprovalsSection, listed } from './group-approvals.ts'
import { type Html, html } from './html.ts'
import { wordsFor } from './locale.ts'
import { renderPage } from './page.ts'
import { vouchedLine } from './vouched-line.ts'
import type { Words } from './words/words.ts'

/** Everything the user is shown of one request; what is approved is this and nothing else (I13). */
export interface ApprovalContent {
  /** In which it is written: another language is another page. */
  readonly locale: Words['locale']
  readonly clientName: string
  readonly clientId: string
  readonly username: string
  /** What the user compares with the place where they started. */
  readonly bindingMessage: string | undefined
  readonly scopes: readonly Pick<Scope, 'name' | 'title' | 'description'>[]
  /** Set when the answer changes what was allowed before. */
  readonly change: GrantAction | undefined
  /** Details about the user that were allowed by name before; nobody asks for them here. */
  readonly claims: readonly ShownClaim[]
  readonly details: readonly ShownDetail[]
  readonly resources: readonly { readonly audience: string; readonly displayName: string }[]
  readonly lifetimeSeconds: number
  readonly isLasting: boolean
  readonly endsAtSignOut: boolean
  readonly vouchedBy: VouchedBy
}

export interface Approval {
  /** Names the request in the answer; buys nothing. */
  readonly request: string
  /** Digest of the content, sent back with the answer. */
  readonly shown: string
  readonly minutesAgo: number
  readonly content: ApprovalContent
}

export interface ApprovalsView {
  readonly action: string
  readonly csrf: string
  readonly username: string
  readonly approvals: readonly Approval[]
  /** What the person may approve for a group. */
  readonly groupApprovals: readonly GroupApproval[]
  readonly said?: Said
}

/** What became of the answer before, when there was one. */
export type Said =
  | { readonly kind: 'allowed' | 'denied' | 'unreachable'; readonly clientName: string }
  | { readonly kind: 'changed' | 'late' }
  /** An answer for a group, and a user's own that waits for groups. */
  | {
      readonly kind: 'approved' | 'refused'
      readonly clientName: string
      readonly missing: readonly string[]
    }
  | { readonly kind: 'asked'; readonly clientName: string; readonly groups: readonly string[] }

export interface LookView {
  readonly action: string
  readonly csrf: string
  readonly extraHeaders: Reply['headers']
}

/** Where a user begins; from here on they sign in. */
export function lookView(exchange: Exchange, { action, csrf, extraHeaders }: LookView): Reply {
  const words = wordsFor(exchange)
  const { title, lead, submit, notStarted } = words.approvals
  return renderPage(exchange, {
    words,
    status: 200,
    title,
    extraHeaders,
    body: html`<h1>${title}</h1>
<p class="lead">${lead}</p>
<form id="look-form" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<button id="look-submit" class="button button-main" type="submit">${submit}</button>
</form>
<p class="hint">${notStarted}</p>`,
  })
}

/** What waits for the answer of the user who is signed in, one form each. */
export function approvalsView(exchange: Exchange, view: ApprovalsView): Reply {
  const { approvals, groupApprovals, said, username, action } = view
  const words = wordsFor(exchange)
  const { nothingTitle, waitingTitle, again, endsByItself } = words.approvals
  const isProblem = said !== undefined && problems.has(said.kind)
  const title = approvals.length + groupApprovals.length === 0 ? nothingTitle : waitingTitle
  return renderPage(exchange, {
    words,
    status: isProblem ? 409 : 200,
    title,
    body: html`<h1>${title}</h1>
<p class="lead">${words.logout.signedInAs(username)}</p>
${said && html`<div class="notice${isProblem && ' notice-bad'}" role="${isProblem ? 'alert' : 'status'}" id="answer-${said.kind}"><p>${sentence(said, words)}</p>${said.kind === 'unreachable' && html`<p class="onward"><a id="set-up" href="${exchange.issuer.url + paths.security}">${words.approvals.setUp}</a></p>`}</div>`}
${approvals.map((approval, index) => approvalForm(view, approval, index + 1, words))}
${groupApprovalsSection(view, groupApprovals, words)}
<p class="onward"><a id="look-again" class="button" href="${action}">${again}</a></p>
<p class="hint">${endsByItself}</p>
<p class="hint">${words.consent.takeBack(exchange.issuer.url + paths.account)}</p>`,
  })
}

function approvalForm(
  { action, csrf }: ApprovalsView,
  approval: Approval,
  number: number,
  words: Words,
): Html {
  const { content, request, shown, minutesAgo } = approval
  const { clientName, bindingMessage, change, scopes, claims, details, resources } = content
  const said = words.approvals
  return html`<article class="approval" aria-labelledby="approval-${number}">
<h2 id="approval-${number}">${words.consent.heading(clientName)}</h2>
<p class="quiet">${said.asked(minutesAgo)}</p>
${
  bindingMessage !== undefined &&
  html`<p>${said.compare}</p>
<p class="binding">${bindingMessage}</p>`
}
${vouchedLine(content.vouchedBy, words)}
${changeNotice(change, words.consent, `change-${number}`)}
<ul class="grants">
${scopes.map(
  scope => html`<li><span class="tick" aria-hidden="true"></span><div><strong>${scope.title}</strong><p>${scope.description}</p></div></li>
`,
)}${claims.map(claimItem)}${details.map(detailItem)}</ul>
<ul class="notes">
${resources.map(
  resource => html`<li>${said.usedAt(resource.displayName, new URL(resource.audience).host)}</li>
`,
)}<li>${lastingText(content, words)}</li>
<li>${said.ifNotYours}</li>
</ul>
<form id="approval-form-${number}" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="request" value="${request}">
<input type="hidden" name="shown" value="${shown}">
<div class="choices">
<button id="allow-${number}" class="button button-main" type="submit" name="decision" value="allow" aria-describedby="approval-${number}">${words.consent.allow}</button>
<button id="deny-${number}" class="button" type="submit" name="decision" value="deny" aria-describedby="approval-${number}">${words.consent.deny}</button>
</div>
</form>
</article>
`
}

const problems: ReadonlySet<Said['kind']> = new Set(['unreachable', 'changed', 'late'])

function sentence(said: Said, words: Words): string {
  const { approvals, consent, groupApprovals } = words
  switch (said.kind) {
    case 'approved':
      return said.missing.length === 0
        ? groupApprovals.approved(said.clientName)
        : groupApprovals.approvedOthersMissing(said.clientName, listed(said.missing, words))
    case 'refused':
      return groupApprovals.refused(said.clientName)
    case 'asked':
      return groupApprovals.asked(said.clientName, listed(said.groups, words))
    case 'allowed':
      return approvals.allowed(said.clientName)
    case 'denied':
      return approvals.denied(said.clientName)
    case 'unreachable':
      return approvals.unreachable(said.clientName)
    case 'changed':
      return consent.changed
    case 'late':
      return approvals.late
    default:
      return said satisfies never
  }
}
