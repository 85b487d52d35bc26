import type { Refusal } from '@holdfast/protocol'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { developmentDetail, sentenceKey } from '../render/public-sentence.ts'
import { type Html, html } from './html.ts'
import { wordsFor } from './locale.ts'
import { renderPage } from './page.ts'
import type { ErrorKind } from './words/words.ts'

export interface ErrorPageOptions {
  readonly kind?: ErrorKind
  /** Something the user can do right here. */
  readonly more?: Html
  readonly uiLocales?: readonly string[]
}

/** The user reads what went wrong and what to do; the code and the reference are for whoever helps them. */
export function errorPage(exchange: Exchange, refusal: Refusal, options: ErrorPageOptions = {}): Reply {
  const { kind = 'refused', more, uiLocales } = options
  const words = wordsFor(exchange, uiLocales)
  const { title, notice, advice } = words.errors[kind]
  const facts = words.errorFacts
  const meaning = words.meanings[sentenceKey(refusal.error)] + developmentDetail(exchange, refusal)
  return renderPage(exchange, {
    words,
    status: 400,
    title,
    body: html`<h1>${title}</h1>
<div class="notice notice-bad" role="alert"><p>${notice}</p></div>
<p>${advice}</p>
${more}
<dl class="facts">
<div><dt>${facts.error}</dt><dd><code id="error-code">${refusal.error}</code></dd></div>
<div><dt>${facts.meaning}</dt><dd id="error-meaning">${meaning}</dd></div>
<div><dt>${facts.reference}</dt><dd><code id="error-reference">${exchange.requestId}</code></dd></div>
</dl>`,
  })
}

/** For an interaction that ended before. */
export const alreadyAnswered: ErrorPageOptions = { kind: 'answered' }
