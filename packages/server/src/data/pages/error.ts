import type { Refusal } from '@holdfast/protocol'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { publicSentence } from '../render/public-sentence.ts'
import { type Html, html } from './html.ts'
import { renderPage } from './page.ts'

export interface ErrorPageOptions {
  readonly title?: string
  /** What did or did not happen, in plain words. */
  readonly notice?: string
  /** What the user can do now, in plain words. */
  readonly advice?: string
  /** Something the user can do right here. */
  readonly more?: Html
}

/** The user reads what went wrong and what to do; the code and the reference are for whoever helps them. */
export function errorPage(exchange: Exchange, refusal: Refusal, options: ErrorPageOptions = {}): Reply {
  const {
    title = 'This request cannot continue',
    notice = 'Nothing was shared and no access was given.',
    advice = 'Go back to the application and start again. If it happens once more, tell the people who run ' +
      'the application and give them the reference below.',
    more,
  } = options
  const meaning = publicSentence(exchange, refusal).replace(`; reference ${exchange.requestId}`, '')
  return renderPage(exchange, {
    status: 400,
    title,
    body: html`<h1>${title}</h1>
<div class="notice notice-bad" role="alert"><p>${notice}</p></div>
<p>${advice}</p>
${more}
<dl class="facts">
<div><dt>Error</dt><dd><code id="error-code">${refusal.error}</code></dd></div>
<div><dt>Meaning</dt><dd id="error-meaning">${meaning}</dd></div>
<div><dt>Reference</dt><dd><code id="error-reference">${exchange.requestId}</code></dd></div>
</dl>`,
  })
}

/** For an interaction that ended before: something may well have been shared, so do not say it was not. */
export const alreadyAnswered: ErrorPageOptions = {
  title: 'This was already answered',
  notice: 'Your first answer counts. This page changed nothing.',
  advice: 'Go back to the application. If it does not know you there, start again.',
}
