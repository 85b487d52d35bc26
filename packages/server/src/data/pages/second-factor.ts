import type { Exchange, Reply } from '../../http/exchange.ts'
import { html } from './html.ts'
import { inWords } from './in-words.ts'
import { renderPage } from './page.ts'
import { passkeyForm, passkeyScriptSource } from './passkey.ts'

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
  readonly problem?: SecondFactorProblem
}

export type SecondFactorProblem =
  | { readonly kind: 'wrong' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'passkey' }
  | { readonly kind: 'wait'; readonly seconds: number }

/** One thing more than the password. */
export function secondFactorView(exchange: Exchange, view: SecondFactorView): Reply {
  const { problem, asksCode, passkeyOptions } = view
  const text = problem === undefined ? undefined : problemText(problem)
  const describes =
    text === undefined ? undefined : html` aria-describedby="second-factor-problem" aria-invalid="true"`
  return renderPage(exchange, {
    status: problem === undefined ? 200 : problem.kind === 'wait' ? 429 : 400,
    title: text === undefined ? 'Confirm that it is you' : 'Problem: Confirm that it is you',
    formTarget: view.formTarget,
    ...(passkeyOptions !== undefined && { scriptSource: passkeyScriptSource }),
    extraHeaders: problem?.kind === 'wait' ? [['retry-after', String(problem.seconds)]] : [],
    body: html`<h1>Confirm that it is you</h1>
<p class="lead"><strong>${view.username}</strong>, one more step to continue to <strong>${view.clientName}</strong>.</p>
${text !== undefined && html`<div class="notice notice-bad" role="alert" id="second-factor-problem"><p>${text}</p></div>`}
${
  asksCode &&
  html`<form id="second-factor-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="field">
<label for="code">Code of your authenticator app</label>
<input id="code" name="code" type="text" class="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]*" maxlength="12" spellcheck="false" required autofocus${describes}>
</div>
<button id="second-factor-submit" class="button button-main" type="submit">Continue</button>
</form>`
}
${
  passkeyOptions !== undefined &&
  html`${passkeyForm(exchange, {
    action: view.action,
    csrf: view.csrf,
    options: passkeyOptions,
    ceremony: 'get',
    autofill: false,
    label: 'Use a passkey',
    isMain: !asksCode,
  })}
<noscript><p class="notice">Passkeys need JavaScript, which is off in this browser.</p></noscript>`
}
<form id="decline-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<button id="second-factor-decline" class="button" type="submit" name="decision" value="decline">${view.isWish ? 'Continue without it' : 'I cannot do this now'}</button>
</form>`,
  })
}

function problemText(problem: SecondFactorProblem): string {
  switch (problem.kind) {
    case 'wrong':
      return 'The code is not right, or it was used before. Wait for the next one and try again.'
    case 'missing':
      return 'Enter the six digits that your app shows.'
    case 'passkey':
      return 'The passkey could not be used here. Try again, or choose another way.'
    case 'wait':
      return `There were too many attempts. Wait ${inWords(problem.seconds)}, then try again.`
    default:
      return problem satisfies never
  }
}
