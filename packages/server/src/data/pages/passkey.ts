import type { Exchange } from '../../http/exchange.ts'
import { assetPaths } from './assets.ts'
import { type Html, html } from './html.ts'
import type { Words } from './words/words.ts'

export interface PasskeyForm {
  readonly action: string
  readonly csrf: string
  /** For the browser, in JSON. */
  readonly options: string
  readonly ceremony: 'create' | 'get'
  /** Whether the browser offers passkeys in the user name field, before anybody presses the button. */
  readonly autofill: boolean
  readonly label: string
  /** Whether it is the first thing to do on its page. */
  readonly isMain: boolean
  /** More fields of the form. */
  readonly fields?: Html
}

/** What a page with this form puts into `script-src`. */
export const passkeyScriptSource = "'self'"

/** Hidden until our script knows that the browser can do it. */
export function passkeyForm(exchange: Exchange, { passkey }: Words, form: PasskeyForm): Html {
  const kind = form.isMain ? 'button button-main' : 'button'
  return html`<form id="passkey-form" class="passkey" method="post" action="${form.action}" data-ceremony="${form.ceremony}" data-autofill="${form.autofill ? 'yes' : 'no'}" data-options="${form.options}" hidden>
<input type="hidden" name="csrf" value="${form.csrf}">
<input type="hidden" name="credential" value="">
${form.fields}
<button id="passkey-submit" class="${kind}" type="submit">${form.label}</button>
<p id="passkey-problem" class="problem" data-registered="${passkey.registered}" data-unused="${passkey.unused}" hidden></p>
</form>
<script src="${exchange.issuer.url + assetPaths.passkey}" defer></script>`
}
