import { createHash } from 'node:crypto'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { html } from './html.ts'
import { wordsFor } from './locale.ts'
import { formTargetOf, renderPage } from './page.ts'

const script = html`<script>document.forms[0].submit()</script>`
const scriptHash = `'sha256-${createHash('sha256').update('document.forms[0].submit()').digest('base64')}'`

/**
 * The answer as a form that posts itself to the client. Its one script is allowed by hash; without JavaScript the user
 * presses the button.
 */
export function formPostView(
  exchange: Exchange,
  redirectUri: string,
  parameters: Readonly<Record<string, string>>,
): Reply {
  const words = wordsFor(exchange)
  const said = words.formPost
  return renderPage(exchange, {
    words,
    status: 200,
    title: said.title,
    formTarget: formTargetOf(redirectUri),
    scriptSource: scriptHash,
    cacheControl: 'no-cache, no-store',
    body: html`<h1>${said.title}</h1>
<p class="lead">${said.lead(new URL(redirectUri).host)}</p>
<form id="response-form" method="post" action="${redirectUri}">
${Object.entries(parameters).map(
  ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
)}<div class="choices"><button id="response-continue" class="button button-main" type="submit">${said.submit}</button></div>
</form>
${script}`,
  })
}
