import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Scope } from '../../snapshot/snapshot.ts'
import { lastingText } from './consent.ts'
import { type Html, html } from './html.ts'
import { renderPage } from './page.ts'

/** Everything the user is shown of one request; what is approved is this and nothing else (I13). */
export interface ApprovalContent {
  readonly clientName: string
  readonly clientId: string
  readonly username: string
  /** What the user compares with the place where they started. */
  readonly bindingMessage: string | undefined
  readonly scopes: readonly Pick<Scope, 'name' | 'title' | 'description'>[]
  readonly resources: readonly { readonly audience: string; readonly displayName: string }[]
  readonly lifetimeSeconds: number
  readonly isLasting: boolean
  readonly endsAtSignOut: boolean
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
  readonly said?: Said
}

/** What became of the answer before, when there was one. */
export type Said =
  | { readonly kind: 'allowed' | 'denied'; readonly clientName: string }
  | { readonly kind: 'changed' | 'late' }

export interface LookView {
  readonly action: string
  readonly csrf: string
  readonly extraHeaders: Reply['headers']
}

/** Where a user begins; from here on they sign in. */
export function lookView(exchange: Exchange, { action, csrf, extraHeaders }: LookView): Reply {
  return renderPage(exchange, {
    status: 200,
    title: 'Waiting for your answer?',
    extraHeaders,
    body: html`<h1>Waiting for your answer?</h1>
<p class="lead">Here you allow or deny what you started somewhere else: at a till, on the phone, on another device.</p>
<form id="look-form" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<button id="look-submit" class="button button-main" type="submit">Sign in and look</button>
</form>
<p class="hint">Did somebody tell you to come here for something you did not start? Then close this page.</p>`,
  })
}

/** What waits for the answer of the user who is signed in, one form each. */
export function approvalsView(exchange: Exchange, view: ApprovalsView): Reply {
  const { approvals, said, username, action } = view
  const isProblem = said?.kind === 'changed' || said?.kind === 'late'
  return renderPage(exchange, {
    status: isProblem ? 409 : 200,
    title: approvals.length === 0 ? 'Nothing waits for you' : 'Waiting for your answer',
    body: html`<h1>${approvals.length === 0 ? 'Nothing waits for you' : 'Waiting for your answer'}</h1>
<p class="lead">You are signed in as <strong>${username}</strong>.</p>
${said && html`<div class="notice${isProblem && ' notice-bad'}" role="${isProblem ? 'alert' : 'status'}" id="answer-${said.kind}"><p>${sentence(said)}</p></div>`}
${approvals.map((approval, index) => approvalForm(view, approval, index + 1))}
<p class="onward"><a id="look-again" class="button" href="${action}">Look again</a></p>
<p class="hint">Requests end by themselves after a few minutes. Closing this page answers nothing.</p>`,
  })
}

function approvalForm({ action, csrf }: ApprovalsView, approval: Approval, number: number): Html {
  const { content, request, shown, minutesAgo } = approval
  const { clientName, bindingMessage, scopes, resources } = content
  return html`<article class="approval" aria-labelledby="approval-${number}">
<h2 id="approval-${number}">Allow <span class="name">${clientName}</span>?</h2>
<p class="quiet">${minutesAgo === 0 ? 'Asked just now' : minutesAgo === 1 ? 'Asked a minute ago' : `Asked ${minutesAgo} minutes ago`}</p>
${
  bindingMessage !== undefined &&
  html`<p>Go on only if the place where you started shows exactly this:</p>
<p class="binding">${bindingMessage}</p>`
}
<ul class="grants">
${scopes.map(
  scope => html`<li><span class="tick" aria-hidden="true"></span><div><strong>${scope.title}</strong><p>${scope.description}</p></div></li>
`,
)}</ul>
<ul class="notes">
${resources.map(
  resource => html`<li>It can use this at <strong>${resource.displayName}</strong> <span class="quiet">${new URL(resource.audience).host}</span></li>
`,
)}<li>${lastingText(content)}</li>
<li>You did not start this, or somebody asks you on the phone to allow it? Then deny it.</li>
</ul>
<form id="approval-form-${number}" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="request" value="${request}">
<input type="hidden" name="shown" value="${shown}">
<div class="choices">
<button id="allow-${number}" class="button button-main" type="submit" name="decision" value="allow" aria-describedby="approval-${number}">Allow</button>
<button id="deny-${number}" class="button" type="submit" name="decision" value="deny" aria-describedby="approval-${number}">Deny</button>
</div>
</form>
</article>
`
}

function sentence(said: Said): string {
  switch (said.kind) {
    case 'allowed':
      return `You allowed ${said.clientName}. It goes on by itself; you can close this page.`
    case 'denied':
      return `You denied ${said.clientName}. Nothing was shared.`
    case 'changed':
      return 'What is asked for has changed since you saw it. Please read it again.'
    case 'late':
      return 'This was already answered, or it waited too long. Your answer changed nothing.'
    default:
      return said satisfies never
  }
}
