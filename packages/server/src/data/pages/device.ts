import type { Exchange, Reply } from '../../http/exchange.ts'
import { html } from './html.ts'
import { renderPage } from './page.ts'

export interface DeviceView {
  readonly action: string
  readonly csrf: string
  /** Filled in from a complete address; the user still reads and confirms it. */
  readonly userCode: string
  readonly problem?: 'wrong' | 'wait'
  readonly extraHeaders?: Reply['headers']
}

const problems = {
  wrong: 'This code is not right, or it is no longer valid. Compare it with your device and try again.',
  wait: 'There were too many wrong codes. Wait ten minutes, then start again on your device.',
} as const

const statuses = { wrong: 400, wait: 429 } as const

/** Where the user types the code that the device shows. */
export function deviceView(exchange: Exchange, view: DeviceView): Reply {
  const { problem, userCode } = view
  const describes = problem && html` aria-describedby="code-problem" aria-invalid="true"`
  return renderPage(exchange, {
    status: problem === undefined ? 200 : statuses[problem],
    title: problem === undefined ? 'Connect a device' : 'Problem: Connect a device',
    extraHeaders: [
      ...(problem === 'wait' ? [['retry-after', '600'] as const] : []),
      ...(view.extraHeaders ?? []),
    ],
    body: html`<h1>Connect a device</h1>
<p class="lead">${userCode === '' ? 'Enter the code that your device shows.' : 'Check that your device shows exactly this code.'}</p>
${problem && html`<div class="notice notice-bad" role="alert" id="code-problem"><p>${problems[problem]}</p></div>`}
<form id="device-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="field">
<label for="user_code">Code</label>
<input id="user_code" name="user_code" type="text" class="code" value="${userCode}" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="32" required${describes}${userCode === '' && html` autofocus`}>
</div>
<button id="device-submit" class="button button-main" type="submit">Continue</button>
</form>
<p class="hint">Did somebody send you this code? Then close this page: the code would let their device act for you.</p>`,
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
  return renderPage(exchange, {
    status: 200,
    title: `Connect ${view.clientName}?`,
    body: html`<h1>Connect <span class="name">${view.clientName}</span>?</h1>
<p class="lead">A device asks for access through this application.</p>
<dl class="facts">
<div><dt>Application</dt><dd>${view.clientName}</dd></div>
<div><dt>The device asked from network</dt><dd><code>${view.source}</code></dd></div>
</dl>
<div class="notice"><p>Go on only if the device is yours, in front of you, and showed you the code itself. If somebody sent you the code, stop.</p></div>
<form id="confirm-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<div class="choices">
<button id="confirm-continue" class="button button-main" type="submit" name="decision" value="continue">It is my device</button>
<button id="confirm-stop" class="button" type="submit" name="decision" value="stop">Stop</button>
</div>
</form>`,
  })
}

/** The end in the browser; the device goes on by itself. */
export function deviceDone(exchange: Exchange, answer: 'allowed' | 'denied'): Reply {
  const title = answer === 'allowed' ? 'Your device is connected' : 'Your device was not connected'
  const text =
    answer === 'allowed'
      ? 'You can close this page. Your device goes on by itself in a few seconds.'
      : 'Nothing was shared and no access was given. You can close this page.'
  return renderPage(exchange, {
    status: 200,
    title,
    body: html`<h1 id="device-${answer}">${title}</h1>
<p class="lead">${text}</p>`,
  })
}
