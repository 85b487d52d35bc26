import type { Exchange, Reply } from '../../http/exchange.ts'
import { html } from './html.ts'
import { wordsFor } from './locale.ts'
import { renderPage } from './page.ts'
import { passkeyForm, passkeyScriptSource } from './passkey.ts'
import { problemHeaders, problemStatus, problemText, type SignInProblem } from './sign-in-problem.ts'

export interface SecondFactorView {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  readonly username: string
  /** Whether a code of the authenticator app will do. */
  readonly asksCode: boolean
  /** Set when a passkey will do. */
  readonly passkeyOptions: string | undefined
  /** Whether the user may go on without. */
  readonly isWish: boolean
  readonly formTarget: string
  readonly uiLocales: readonly string[]
  readonly problem?: SignInProblem
}

/** One thing more than the password. */
export function secondFactorView(exchange: Exchange, view: SecondFactorView): Reply {
  const { problem, asksCode, passkeyOptions } = view
  const words = wordsFor(exchange, view.uiLocales)
  const said = words.secondFactor
  const text = problem === undefined ? undefined : problemText(problem, words.secondFactor, words)
  const describes =
    text === undefined ? undefined : html` aria-describedby="second-factor-problem" aria-invalid="true"`
  return renderPage(exchange, {
    words,
    status: problemStatus(problem),
    title: text === undefined ? said.title : said.problemTitle,
    formTarget: view.formTarget,
    ...(passkeyOptions !== undefined && { scriptSource: passkeyScriptSource }),
    extraHeaders: problemHeaders(problem),
    body: html`<h1>${said.title}</h1>
<p class="lead">${said.lead(view.username, view.clientName)}</p>
${text !== undefined && html`<div class="notice notice-bad" role="alert" id="second-factor-problem"><p>${text}</p></div>`}
${
  asksCode &&
  html`<form id="second-factor-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="field">
<label for="code">${said.code}</label>
<input id="code" name="code" type="text" class="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]*" maxlength="12" spellcheck="false" required autofocus${describes}>
</div>
<button id="second-factor-submit" class="button button-main" type="submit">${said.submit}</button>
</form>`
}
${
  passkeyOptions !== undefined &&
  html`${passkeyForm(exchange, words, {
    action: view.action,
    csrf: view.csrf,
    options: passkeyOptions,
    ceremony: 'get',
    autofill: false,
    label: said.usePasskey,
    isMain: !asksCode,
  })}
<noscript><p class="notice">${words.passkey.noScript}</p></noscript>`
}
<form id="decline-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<button id="second-factor-decline" class="button" type="submit" name="decision" value="decline">${view.isWish ? said.goOnWithout : said.cannot}</button>
</form>`,
  })
}
