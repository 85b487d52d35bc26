import type { Exchange, Reply } from '../../http/exchange.ts'
import { type Html, html } from './html.ts'
import { formTargetOf, renderPage } from './page.ts'

export interface LogoutForm {
  readonly action: string
  readonly csrf: string
  /** Parameters of the request, sent again with the answer. */
  readonly fields: Readonly<Record<string, string>>
}

export interface LogoutView extends LogoutForm {
  readonly username: string
  /** Who asks, when that is known. */
  readonly clientName: string | undefined
  readonly formTarget?: string
}

/** The question before a session ends: nothing showed that its user wants that. */
export function logoutView(exchange: Exchange, view: LogoutView): Reply {
  const { username, clientName, formTarget } = view
  return renderPage(exchange, {
    status: 200,
    title: 'Sign out?',
    ...(formTarget !== undefined && { formTarget }),
    body: html`<h1>Sign out?</h1>
<p class="lead">You are signed in as <strong>${username}</strong>.</p>
<ul class="notes">
${
  clientName !== undefined &&
  html`<li><strong>${clientName}</strong> asks to sign you out.</li>
`
}<li>You will have to sign in again the next time an application sends you here.</li>
<li>Access that you allowed beyond signing out stays with its application.</li>
</ul>
${logoutForm(view)}`,
  })
}

/** The form alone, for the page that says why the request itself was not followed. */
export function logoutForm({ action, csrf, fields }: LogoutForm): Html {
  return html`<form id="logout-form" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
${Object.entries(fields).map(
  ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
)}<div class="choices">
<button id="logout-submit" class="button button-main" type="submit" name="decision" value="sign-out">Sign out</button>
<button id="logout-stay" class="button" type="submit" name="decision" value="stay">Stay signed in</button>
</div>
</form>`
}

export interface ReturnLink {
  readonly url: string
  readonly clientName: string
}

export interface SignedOut {
  /** Where the user may go on to. */
  readonly link: ReturnLink | undefined
  /** Addresses that tell clients, each in a frame nobody sees (OpenID Connect Front-Channel Logout 2). */
  readonly frames: readonly string[]
  /** Whether the browser goes on by itself: somebody proved that it should. */
  readonly isForwarded: boolean
}

/** Long enough for the frames to load; who does not want to wait has the link. */
const forwardSeconds = 3

export function signedOutView(
  exchange: Exchange,
  { link, frames, isForwarded }: SignedOut,
  cookies: Reply['headers'],
): Reply {
  const forward =
    link !== undefined && isForwarded ? [['refresh', `${forwardSeconds}; url=${link.url}`] as const] : []
  return renderPage(exchange, {
    status: 200,
    title: 'You are signed out',
    extraHeaders: [...cookies, ...forward],
    frameSources: [...new Set(frames.map(formTargetOf))],
    body: html`<h1>You are signed out</h1>
<p class="lead">Nobody is signed in to <strong>${new URL(exchange.issuer.url).host}</strong> in this browser.</p>
${link && html`<p class="onward"><a id="logout-return" class="button button-main" href="${link.url}" rel="noreferrer">Back to ${link.clientName}</a></p>`}
${frames.map(
  address =>
    html`<iframe class="unseen" src="${address}" title="Signing out elsewhere" aria-hidden="true" tabindex="-1" sandbox="allow-scripts allow-same-origin" referrerpolicy="no-referrer"></iframe>
`,
)}`,
  })
}

export function stillSignedInView(exchange: Exchange): Reply {
  return renderPage(exchange, {
    status: 200,
    title: 'You are still signed in',
    body: html`<h1>You are still signed in</h1>
<p class="lead">Nothing was changed. You can close this page.</p>`,
  })
}
