import type { GrantAction } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Scope } from '../../snapshot/snapshot.ts'
import { html } from './html.ts'
import { renderPage } from './page.ts'

/** Everything the user is shown; what is approved is this and nothing else (I13). */
export interface ConsentContent {
  readonly clientName: string
  readonly clientId: string
  /** Host, or scheme, the answer goes to. */
  readonly clientHost: string
  /** Whether the answer goes to a device that waits, not to a host. */
  readonly isDevice: boolean
  readonly username: string
  /** Set when the answer changes what was allowed before. */
  readonly change: GrantAction | undefined
  readonly scopes: readonly Pick<Scope, 'name' | 'title' | 'description'>[]
  readonly resources: readonly { readonly audience: string; readonly displayName: string }[]
  /** How long the application can keep acting: the grant's lifetime. */
  readonly lifetimeSeconds: number
  /** Whether it can act without the user being there. */
  readonly isLasting: boolean
  /** Whether signing out takes the access along. */
  readonly endsAtSignOut: boolean
}

export interface ConsentView {
  readonly action: string
  readonly csrf: string
  /** Digest of the content, sent back with the answer. */
  readonly shown: string
  readonly content: ConsentContent
  readonly formTarget: string
  /** Set when something changed between display and answer. */
  readonly isChanged: boolean
}

/** The question, in plain words: who asks, for what, what not, for how long, and how to take it back. */
export function consentView(exchange: Exchange, view: ConsentView): Reply {
  const { content } = view
  return renderPage(exchange, {
    status: view.isChanged ? 409 : 200,
    title: `Allow ${content.clientName}?`,
    formTarget: view.formTarget,
    body: html`<h1>Allow <span class="name">${content.clientName}</span>?</h1>
<p class="lead">You are signed in as <strong>${content.username}</strong>. ${content.isDevice ? 'After your answer your device goes on by itself.' : html`After your answer you go back to <strong>${content.clientHost}</strong>.`}</p>
${view.isChanged && html`<div class="notice notice-bad" role="alert"><p>What is asked for has changed since you saw it. Please read it again.</p></div>`}
${content.change !== undefined && html`<div class="notice" id="consent-change"><p>${changeText(content.change)}</p></div>`}
<section aria-labelledby="asks">
<h2 id="asks">It asks to</h2>
<ul class="grants">
${content.scopes.map(
  scope => html`<li><span class="tick" aria-hidden="true"></span><div><strong>${scope.title}</strong><p>${scope.description}</p></div></li>
`,
)}</ul>
</section>
${
  content.resources.length > 0 &&
  html`<section aria-labelledby="where">
<h2 id="where">It can use this at</h2>
<ul class="places">
${content.resources.map(
  resource => html`<li><strong>${resource.displayName}</strong> <span class="quiet">${new URL(resource.audience).host}</span></li>
`,
)}</ul>
</section>`
}
<section aria-labelledby="limits">
<h2 id="limits">Good to know</h2>
<ul class="notes">
<li>It cannot see your password, and it cannot do anything that is not listed here.</li>
<li>${lastingText(content)}</li>
<li>You can take this permission back at any time: ask ${new URL(exchange.issuer.url).host} or the application to disconnect it.</li>
</ul>
</section>
<form id="consent-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<input type="hidden" name="shown" value="${view.shown}">
<div class="choices">
<button id="consent-allow" class="button button-main" type="submit" name="decision" value="allow">Allow</button>
<button id="consent-deny" class="button" type="submit" name="decision" value="deny">Deny</button>
</div>
</form>`,
  })
}

/** The list below is all it will have: what it had before included, or no longer. */
function changeText(change: GrantAction): string {
  return change === 'merge'
    ? 'You have allowed it something before. Below is everything together, what is new included.'
    : 'This takes the place of what you allowed it before: what is not listed below, it loses.'
}

function lastingText({ isLasting, endsAtSignOut, lifetimeSeconds }: ConsentContent): string {
  return isLasting
    ? `It keeps this access, also while you are away, for at most ${inWords(lifetimeSeconds)}${endsAtSignOut ? ', or until you sign out here' : ''}.`
    : `This access ends by itself after at most ${inWords(lifetimeSeconds)}.`
}

function inWords(seconds: number): string {
  const [size, name] = (
    [
      [86_400, 'day'],
      [3600, 'hour'],
      [60, 'minute'],
    ] as const
  ).find(([size]) => seconds >= size) ?? [1, 'second']
  const count = Math.round(seconds / size)
  return count === 1 ? `1 ${name}` : `${count} ${name}s`
}
