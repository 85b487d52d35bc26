import type { Exchange, Reply } from '../../http/exchange.ts'
import type { FoundAuthenticator } from '../../store/store.ts'
import { paths } from '../paths.ts'
import { accountPage, type Notice, noticeOf } from './account.ts'
import { type Html, html } from './html.ts'
import { wordsFor } from './locale.ts'
import { passkeyForm, passkeyScriptSource } from './passkey.ts'
import { qrSvg } from './qr-svg.ts'
import type { Words } from './words/words.ts'

export interface SecurityView {
  readonly username: string
  readonly csrf: string
  readonly authenticators: readonly FoundAuthenticator[]
  readonly canAddPasskey: boolean
  /** What just happened, or why nothing did. */
  readonly notice?: Notice
  readonly extraHeaders?: Reply['headers']
}

/** How the user signs in: what is set up, since when, last used when, and the ways to add and remove. */
export function securityView(exchange: Exchange, view: SecurityView): Reply {
  const words = wordsFor(exchange)
  const said = words.security
  const base = exchange.issuer.url
  const passkeys = view.authenticators.filter(one => one.kind === 'passkey')
  const app = view.authenticators.find(one => one.kind === 'totp')
  return accountPage(exchange, {
    words,
    status: view.notice?.isBad === true ? 400 : 200,
    title: said.title,
    username: view.username,
    ...(view.extraHeaders !== undefined && { extraHeaders: view.extraHeaders }),
    body: html`<h1>${said.title}</h1>
${noticeOf(view.notice)}
<section aria-labelledby="passkeys">
<h2 id="passkeys">${said.passkeys}</h2>
${
  passkeys.length === 0
    ? html`<p class="quiet">${said.noPasskey}</p>`
    : html`<ul class="methods">
${passkeys.map(one => methodRow(view, base, words, one))}</ul>`
}
${view.canAddPasskey ? html`<p class="onward"><a id="add-passkey" class="button" href="${base + paths.addPasskey}">${said.addPasskey}</a></p>` : html`<p class="quiet">${said.full}</p>`}
</section>
<section aria-labelledby="app">
<h2 id="app">${said.app}</h2>
${
  app === undefined
    ? html`<p class="quiet">${said.noApp}</p>
<p class="onward"><a id="add-totp" class="button" href="${base + paths.addTotp}">${said.addApp}</a></p>`
    : html`<ul class="methods">
${methodRow(view, base, words, app)}</ul>`
}
</section>
<p class="hint">${said.removeHint}</p>
<p class="onward"><a href="${base + paths.account}">${words.home.back}</a></p>`,
  })
}

function methodRow(
  { csrf }: SecurityView,
  base: string,
  { security: said, moment }: Words,
  one: FoundAuthenticator,
): Html {
  const name = one.kind === 'passkey' ? one.name : said.appName
  const added = moment(one.createdAt)
  const since = one.usedAt === undefined ? said.added(added) : said.addedAndUsed(added, moment(one.usedAt))
  return html`<li><div><strong>${name}</strong><p>${since}</p></div>
<form method="post" action="${base + paths.removeAuthenticator}"><input type="hidden" name="csrf" value="${csrf}">
<button class="button button-small" type="submit" name="id" value="${one.id}" aria-label="${said.removeNamed(name)}">${said.remove}</button></form></li>
`
}

export interface AddPasskeyView {
  readonly username: string
  readonly csrf: string
  readonly options: string
  readonly notice?: Notice
}

export function addPasskeyView(exchange: Exchange, view: AddPasskeyView): Reply {
  const words = wordsFor(exchange)
  const said = words.addPasskey
  const base = exchange.issuer.url
  return accountPage(exchange, {
    words,
    status: view.notice?.isBad === true ? 400 : 200,
    title: said.title,
    username: view.username,
    scriptSource: passkeyScriptSource,
    body: html`<h1>${said.title}</h1>
<p class="lead">${said.lead(new URL(base).host)}</p>
${noticeOf(view.notice)}
${passkeyForm(exchange, words, {
  action: base + paths.addPasskey,
  csrf: view.csrf,
  options: view.options,
  ceremony: 'create',
  autofill: false,
  label: said.submit,
  isMain: true,
  fields: html`<div class="field">
<label for="name">${said.name}</label>
<input id="name" name="name" type="text" maxlength="64" autocomplete="off" value="${said.usualName}" required>
</div>`,
})}
<noscript><p class="notice">${words.passkey.noScriptButApp}</p></noscript>
<p class="onward"><a href="${base + paths.security}">${words.security.back}</a></p>`,
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
  const words = wordsFor(exchange)
  const said = words.addTotp
  const base = exchange.issuer.url
  const code = qrSvg(view.keyUri, 'totp-qr', said.scanLabel)
  const groups = view.secret.match(/.{1,4}/g) ?? []
  const describes =
    view.notice === undefined ? undefined : html` aria-describedby="notice" aria-invalid="true"`
  return accountPage(exchange, {
    words,
    status: view.notice?.isBad === true ? 400 : 200,
    title: said.title,
    username: view.username,
    body: html`<h1>${said.title}</h1>
<ol class="steps">
<li>${code && said.scan}${code}<p>${said.addEntry(view.keyUri)}</p>
<p><code id="totp-secret">${groups.join(' ')}</code></p></li>
<li>${said.enterDigits}</li>
</ol>
${noticeOf(view.notice)}
<form id="totp-form" method="post" action="${base + paths.addTotp}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="field">
<label for="code">${words.secondFactor.code}</label>
<input id="code" name="code" type="text" class="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]*" maxlength="12" spellcheck="false" required${describes}>
</div>
<button id="totp-submit" class="button button-main" type="submit">${said.submit}</button>
</form>
<p class="onward"><a href="${base + paths.security}">${words.security.back}</a></p>`,
  })
}
