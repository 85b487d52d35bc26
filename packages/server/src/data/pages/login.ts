import type { Exchange, Reply } from '../../http/exchange.ts'
import { html } from './html.ts'
import { wordsFor } from './locale.ts'
import { renderPage } from './page.ts'
import { passkeyForm, passkeyScriptSource } from './passkey.ts'
import { problemHeaders, problemStatus, problemText, type SignInProblem } from './sign-in-problem.ts'

export interface LoginView {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  readonly username: string
  readonly formTarget: string
  /** For the browser's passkeys, in JSON. */
  readonly passkeyOptions: string
  /** Where else the user may sign in. */
  readonly providers: readonly { readonly name: string; readonly displayName: string }[]
  readonly uiLocales: readonly string[]
  /** Why the page is shown again. */
  readonly problem?: SignInProblem
  readonly extraHeaders?: Reply['headers']
}

/** The sign-in page. What it says about a wrong name and a wrong password is the same. */
export function loginView(exchange: Exchange, view: LoginView): Reply {
  const { problem, username } = view
  const words = wordsFor(exchange, view.uiLocales)
  const said = words.login
  const text = problem === undefined ? undefined : problemText(problem, words.login, words)
  const describes =
    text === undefined ? undefined : html` aria-describedby="login-problem" aria-invalid="true"`
  const focusPassword = username !== ''
  return renderPage(exchange, {
    words,
    status: problemStatus(problem),
    title: text === undefined ? said.title : said.problemTitle,
    formTarget: view.formTarget,
    scriptSource: passkeyScriptSource,
    extraHeaders: [...problemHeaders(problem), ...(view.extraHeaders ?? [])],
    body: html`<h1>${said.title}</h1>
<p class="lead">${said.lead(view.clientName)}</p>
${text !== undefined && html`<div class="notice notice-bad" role="alert" id="login-problem"><p>${text}</p></div>`}
<form id="login-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="field">
<label for="username">${said.username}</label>
<input id="username" name="username" type="text" value="${username}" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" maxlength="320" required${describes}${!focusPassword && html` autofocus`}>
</div>
<div class="field">
<label for="password">${said.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required${describes}${focusPassword && html` autofocus`}>
</div>
<button id="login-submit" class="button button-main" type="submit">${said.submit}</button>
</form>
${passkeyForm(exchange, words, {
  action: view.action,
  csrf: view.csrf,
  options: view.passkeyOptions,
  ceremony: 'get',
  autofill: true,
  label: said.withPasskey,
  isMain: false,
})}
${view.providers.map(
  ({ name, displayName }) => html`<form id="login-at-${name}" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<input type="hidden" name="provider" value="${name}">
<button id="login-at-${name}-submit" class="button" type="submit">${said.withProvider(displayName)}</button>
</form>
`,
)}
<p class="hint">${said.address(new URL(exchange.issuer.url).origin)}</p>`,
  })
}
