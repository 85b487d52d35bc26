import type { Exchange, Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import { html } from './html.ts'
import { wordsFor } from './locale.ts'
import { renderPage } from './page.ts'

export interface DeviceView {
  readonly action: string
  readonly csrf: string
  /** Filled in from a complete address; the user still reads and confirms it. */
  readonly userCode: string
  readonly problem?: 'wrong' | 'wait'
  readonly extraHeaders?: Reply['headers']
}

const statuses = { wrong: 400, wait: 429 } as const

/** Where the user types the code that the device shows. */
export function deviceView(exchange: Exchange, view: DeviceView): Reply {
  const { problem, userCode } = view
  const words = wordsFor(exchange)
  const said = words.device
  const describes = problem && html` aria-describedby="code-problem" aria-invalid="true"`
  return renderPage(exchange, {
    words,
    status: problem === undefined ? 200 : statuses[problem],
    title: problem === undefined ? said.title : said.problemTitle,
    extraHeaders: [
      ...(problem === 'wait' ? [['retry-after', '600'] as const] : []),
      ...(view.extraHeaders ?? []),
    ],
    body: html`<h1>${said.title}</h1>
<p class="lead">${userCode === '' ? said.enterCode : said.checkCode}</p>
${problem && html`<div class="notice notice-bad" role="alert" id="code-problem"><p>${said[problem]}</p></div>`}
<form id="device-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="field">
<label for="user_code">${said.code}</label>
<input id="user_code" name="user_code" type="text" class="code" value="${userCode}" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="32" required${describes}${userCode === '' && html` autofocus`}>
</div>
<button id="device-submit" class="button button-main" type="submit">${said.submit}</button>
</form>
<p class="hint">${said.warning}</p>`,
  })
}

export interface ConfirmView {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  readonly source: string
}

/** Before anybody signs in: which application, on which network, and that nobody else may be behind it. */
export function confirmView(exchange: Exchange, view: ConfirmView): Reply {
  const words = wordsFor(exchange)
  const said = words.device
  return renderPage(exchange, {
    words,
    status: 200,
    title: said.confirmTitle(view.clientName),
    body: html`<h1>${said.confirmHeading(view.clientName)}</h1>
<p class="lead">${said.confirmLead}</p>
<dl class="facts">
<div><dt>${said.application}</dt><dd>${view.clientName}</dd></div>
<div><dt>${said.network}</dt><dd><code>${view.source}</code></dd></div>
</dl>
<div class="notice"><p>${said.confirmWarning}</p></div>
<form id="confirm-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="choices">
<button id="confirm-continue" class="button button-main" type="submit" name="decision" value="continue">${said.mine}</button>
<button id="confirm-stop" class="button" type="submit" name="decision" value="stop">${said.stop}</button>
</div>
</form>`,
  })
}

/** The end in the browser; the device goes on by itself. */
export function deviceDone(exchange: Exchange, answer: 'allowed' | 'denied'): Reply {
  const words = wordsFor(exchange)
  const said = words.device
  const isAllowed = answer === 'allowed'
  const title = isAllowed ? said.allowedTitle : said.deniedTitle
  const text = isAllowed ? said.allowed : said.denied
  return renderPage(exchange, {
    words,
    status: 200,
    title,
    body: html`<h1 id="device-${answer}">${title}</h1>
<p class="lead">${text}</p>
${isAllowed && html`<p class="hint">${words.consent.takeBack(exchange.issuer.url + paths.account)}</p>`}`,
  })
}
