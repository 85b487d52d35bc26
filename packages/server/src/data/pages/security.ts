import type { Exchange, Reply } from '../../http/exchange.ts'
import type { FoundAuthenticator } from '../../store/store.ts'
import { paths } from '../paths.ts'
import { accountPage } from './account.ts'
import { type Html, html } from './html.ts'
import { momentInWords } from './in-words.ts'
import { passkeyForm, passkeyScriptSource } from './passkey.ts'

export interface SecurityView {
  readonly username: string
  readonly csrf: string
  readonly authenticators: readonly FoundAuthenticator[]
  readonly canAddPasskey: boolean
  /** What just happened, or why nothing did. */
  readonly notice?: Notice
  readonly extraHeaders?: Reply['headers']
}

export interface Notice {
  readonly text: string
  readonly isBad: boolean
}

/** How the user signs in: what is set up, since when, last used when, and the ways to add and remove. */
export function securityView(exchange: Exchange, view: SecurityView): Reply {
  const base = exchange.issuer.url
  const passkeys = view.authenticators.filter(one => one.kind === 'passkey')
  const app = view.authenticators.find(one => one.kind === 'totp')
  return accountPage(exchange, {
    status: view.notice?.isBad === true ? 400 : 200,
    title: 'How you sign in',
    username: view.username,
    ...(view.extraHeaders !== undefined && { extraHeaders: view.extraHeaders }),
    body: html`<h1>How you sign in</h1>
${noticeOf(view.notice)}
<section aria-labelledby="passkeys">
<h2 id="passkeys">Passkeys</h2>
${
  passkeys.length === 0
    ? html`<p class="quiet">None yet. A passkey signs you in with your device instead of a password, and cannot be phished.</p>`
    : html`<ul class="methods">
${passkeys.map(one => methodRow(base, view.csrf, one, one.name))}</ul>`
}
${view.canAddPasskey ? html`<p class="onward"><a id="add-passkey" class="button" href="${base + paths.addPasskey}">Add a passkey</a></p>` : html`<p class="quiet">You have as many as there may be. Remove one to add another.</p>`}
</section>
<section aria-labelledby="app">
<h2 id="app">Authenticator app</h2>
${
  app === undefined
    ? html`<p class="quiet">Not set up. With it, your password alone no longer signs anybody in.</p>
<p class="onward"><a id="add-totp" class="button" href="${base + paths.addTotp}">Set up an authenticator app</a></p>`
    : html`<ul class="methods">
${methodRow(base, view.csrf, app, 'Codes of six digits')}</ul>`
}
</section>
<p class="hint">Removing one of these signs you out everywhere else.</p>`,
  })
}

function methodRow(base: string, csrf: string, one: FoundAuthenticator, name: string): Html {
  const used = one.usedAt === undefined ? 'not used yet' : `last used ${momentInWords(one.usedAt)}`
  return html`<li><div><strong>${name}</strong><p>Added ${momentInWords(one.createdAt)}, ${used}</p></div>
<form method="post" action="${base + paths.removeAuthenticator}"><input type="hidden" name="csrf" value="${csrf}">
<button class="button button-small" type="submit" name="id" value="${one.id}" aria-label="Remove ${name}">Remove</button></form></li>
`
}

export interface AddPasskeyView {
  readonly username: string
  readonly csrf: string
  readonly options: string
  readonly notice?: Notice
}

export function addPasskeyView(exchange: Exchange, view: AddPasskeyView): Reply {
  const base = exchange.issuer.url
  return accountPage(exchange, {
    status: view.notice?.isBad === true ? 400 : 200,
    title: 'Add a passkey',
    username: view.username,
    scriptSource: passkeyScriptSource,
    body: html`<h1>Add a passkey</h1>
<p class="lead">Your device asks for your fingerprint, face or PIN and keeps a key for <strong>${new URL(base).host}</strong> alone.</p>
${noticeOf(view.notice)}
${passkeyForm(exchange, {
  action: base + paths.addPasskey,
  csrf: view.csrf,
  options: view.options,
  ceremony: 'create',
  autofill: false,
  label: 'Add a passkey',
  isMain: true,
  fields: html`<div class="field">
<label for="name">Name it, so that you know it again</label>
<input id="name" name="name" type="text" maxlength="64" autocomplete="off" value="My passkey" required>
</div>`,
})}
<noscript><p class="notice">Passkeys need JavaScript, which is off in this browser. An authenticator app works without it.</p></noscript>
<p class="onward"><a href="${base + paths.security}">Back</a></p>`,
  })
}

export interface AddTotpView {
  readonly username: string
  readonly csrf: string
  /** Base32. */
  readonly secret: string
  readonly keyUri: string
  readonly notice?: Notice
}

export function addTotpView(exchange: Exchange, view: AddTotpView): Reply {
  const base = exchange.issuer.url
  const groups = view.secret.match(/.{1,4}/g) ?? []
  const describes =
    view.notice === undefined ? undefined : html` aria-describedby="notice" aria-invalid="true"`
  return accountPage(exchange, {
    status: view.notice?.isBad === true ? 400 : 200,
    title: 'Set up an authenticator app',
    username: view.username,
    body: html`<h1>Set up an authenticator app</h1>
<ol class="steps">
<li>On the device with the app, <a id="totp-link" href="${view.keyUri}">open this link</a>; or add a new entry in the app and type this key:
<p><code id="totp-secret">${groups.join(' ')}</code></p></li>
<li>Enter the six digits that the app shows then.</li>
</ol>
${noticeOf(view.notice)}
<form id="totp-form" method="post" action="${base + paths.addTotp}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="field">
<label for="code">Code of your authenticator app</label>
<input id="code" name="code" type="text" class="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]*" maxlength="12" spellcheck="false" required${describes}>
</div>
<button id="totp-submit" class="button button-main" type="submit">Turn it on</button>
</form>
<p class="onward"><a href="${base + paths.security}">Back</a></p>`,
  })
}

function noticeOf(notice: Notice | undefined): Html | undefined {
  return (
    notice &&
    html`<div class="notice${notice.isBad && ' notice-bad'}" role="${notice.isBad ? 'alert' : 'status'}" id="notice"><p>${notice.text}</p></div>`
  )
}
