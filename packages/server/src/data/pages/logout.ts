import type { Exchange, Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import { type Html, html } from './html.ts'
import { wordsFor } from './locale.ts'
import { formTargetOf, renderPage } from './page.ts'
import type { Words } from './words/words.ts'

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
  readonly uiLocales: readonly string[]
}

/** The question before a session ends: nothing showed that its user wants that. */
export function logoutView(exchange: Exchange, view: LogoutView): Reply {
  const { username, clientName, formTarget } = view
  const words = wordsFor(exchange, view.uiLocales)
  const said = words.logout
  return renderPage(exchange, {
    words,
    status: 200,
    title: said.title,
    ...(formTarget !== undefined && { formTarget }),
    body: html`<h1>${said.title}</h1>
<p class="lead">${said.signedInAs(username)}</p>
<ul class="notes">
${
  clientName !== undefined &&
  html`<li>${said.asks(clientName)}</li>
`
}<li>${said.again}</li>
<li>${said.beyond}</li>
</ul>
${logoutForm(view, words)}`,
  })
}

/** The form alone, for the page that says why the request itself was not followed. */
export function logoutForm({ action, csrf, fields }: LogoutForm, { logout: said }: Words): Html {
  return html`<form id="logout-form" method="post" action="${action}">
<input type="hidden" name="csrf" value="${csrf}">
${Object.entries(fields).map(
  ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
)}<div class="choices">
<button id="logout-submit" class="button button-main" type="submit" name="decision" value="sign-out">${said.signOut}</button>
<button id="logout-stay" class="button" type="submit" name="decision" value="stay">${said.stay}</button>
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
  readonly uiLocales: readonly string[]
}

/** Long enough for the frames to load; who does not want to wait has the link. */
const forwardSeconds = 3

export function signedOutView(
  exchange: Exchange,
  { link, frames, isForwarded, uiLocales }: SignedOut,
  cookies: Reply['headers'],
): Reply {
  const forward =
    link !== undefined && isForwarded ? [['refresh', `${forwardSeconds}; url=${link.url}`] as const] : []
  const words = wordsFor(exchange, uiLocales)
  const said = words.logout
  return renderPage(exchange, {
    words,
    status: 200,
    title: said.signedOutTitle,
    extraHeaders: [...cookies, ...forward],
    frameSources: [...new Set(frames.map(formTargetOf))],
    body: html`<h1>${said.signedOutTitle}</h1>
<p class="lead">${said.signedOut(new URL(exchange.issuer.url).host)}</p>
${link && html`<p class="onward"><a id="logout-return" class="button button-main" href="${link.url}" rel="noreferrer">${said.backTo(link.clientName)}</a></p>`}
${frames.map(
  address =>
    html`<iframe class="unseen" src="${address}" title="${said.elsewhere}" aria-hidden="true" tabindex="-1" sandbox="allow-scripts allow-same-origin" referrerpolicy="no-referrer"></iframe>
`,
)}`,
  })
}

export function stillSignedInView(exchange: Exchange, uiLocales: readonly string[]): Reply {
  const words = wordsFor(exchange, uiLocales)
  const said = words.logout
  return renderPage(exchange, {
    words,
    status: 200,
    title: said.stillTitle,
    body: html`<h1>${said.stillTitle}</h1>
<p class="lead">${said.still}</p>
<p class="hint">${words.consent.takeBack(exchange.issuer.url + paths.account)}</p>`,
  })
}
