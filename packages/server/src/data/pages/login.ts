import type { Exchange, Reply } from '../../http/exchange.ts'
import { html } from './html.ts'
import { inWords } from './in-words.ts'
import { renderPage } from './page.ts'
import { passkeyForm, passkeyScriptSource } from './passkey.ts'

export interface LoginView {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  readonly username: string
  readonly formTarget: string
  /** For the browser's passkeys, in JSON. */
  readonly passkeyOptions: string
  /** Why the page is shown again. */
  readonly problem?: LoginProblem
  readonly extraHeaders?: Reply['headers']
}

export type LoginProblem =
  | { readonly kind: 'wrong' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'passkey' }
  | { readonly kind: 'wait'; readonly seconds: number }

/** The sign-in page. What it says about a wrong name and a wrong password is the same. */
export function loginView(exchange: Exchange, view: LoginView): Reply {
  const { problem, username } = view
  const text = problem === undefined ? undefined : problemText(problem)
  const describes =
    text === undefined ? undefined : html` aria-describedby="login-problem" aria-invalid="true"`
  const focusPassword = username !== ''
  return renderPage(exchange, {
    status: statusOf(problem),
    title: text === undefined ? 'Sign in' : 'Problem: Sign in',
    formTarget: view.formTarget,
    scriptSource: passkeyScriptSource,
    extraHeaders: [
      ...(problem?.kind === 'wait' ? [['retry-after', String(problem.seconds)] as const] : []),
      ...(view.extraHeaders ?? []),
    ],
    body: html`<h1>Sign in</h1>
<p class="lead">to continue to <strong>${view.clientName}</strong></p>
${text !== undefined && html`<div class="notice notice-bad" role="alert" id="login-problem"><p>${text}</p></div>`}
<form id="login-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="field">
<label for="username">User name</label>
<input id="username" name="username" type="text" value="${username}" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" maxlength="320" required${describes}${!focusPassword && html` autofocus`}>
</div>
<div class="field">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required${describes}${focusPassword && html` autofocus`}>
</div>
<button id="login-submit" class="button button-main" type="submit">Sign in</button>
</form>
${passkeyForm(exchange, {
  action: view.action,
  csrf: view.csrf,
  options: view.passkeyOptions,
  ceremony: 'get',
  autofill: true,
  label: 'Sign in with a passkey',
  isMain: false,
})}
<p class="hint">Check that the address of this page begins with <strong>${new URL(exchange.issuer.url).origin}</strong> before you type your password.</p>`,
  })
}

function statusOf(problem: LoginProblem | undefined): number {
  if (problem === undefined) return 200
  return problem.kind === 'wait' ? 429 : 400
}

function problemText(problem: LoginProblem): string {
  switch (problem.kind) {
    case 'wrong':
      return 'The user name or the password is not right. Check both and try again.'
    case 'missing':
      return 'Enter both your user name and your password.'
    case 'passkey':
      return 'The passkey could not be used here. Try again, or sign in with your password.'
    case 'wait':
      return `There were too many attempts. Wait ${inWords(problem.seconds)}, then try again.`
    default:
      return problem satisfies never
  }
}
