import type { Refusal } from '@holdfast/protocol'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { publicSentence } from '../render/public-sentence.ts'
import { html } from './html.ts'
import { renderPage } from './page.ts'

export interface ErrorPageOptions {
  readonly status?: number
  readonly title?: string
  /** What the user can do now, in plain words. */
  readonly advice?: string
  readonly extraHeaders?: Reply['headers']
}

/** The user reads what went wrong and what to do; the code and the reference are for whoever helps them. */
export function errorPage(exchange: Exchange, refusal: Refusal, options: ErrorPageOptions = {}): Reply {
  const {
    status = 400,
    title = 'This request cannot continue',
    advice = 'Go back to the application and start again. If it happens once more, tell the people who run ' +
      'the application and give them the reference below.',
    extraHeaders = [],
  } = options
  return renderPage(exchange, {
    status,
    title,
    extraHeaders,
    body: html`<h1>${title}</h1>
<div class="notice notice-bad" role="alert"><p>Nothing was shared and no access was given.</p></div>
<p>${advice}</p>
<dl class="facts">
<div><dt>Error</dt><dd><code id="error-code">${refusal.error}</code></dd></div>
<div><dt>Meaning</dt><dd>${publicSentence(exchange, refusal)}</dd></div>
<div><dt>Reference</dt><dd><code id="error-reference">${exchange.requestId}</code></dd></div>
</dl>`,
  })
}
