import { createHash } from 'node:crypto'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { html } from './html.ts'
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
  return renderPage(exchange, {
    status: 200,
    title: 'Back to the application',
    formTarget: formTargetOf(redirectUri),
    scriptSource: scriptHash,
    cacheControl: 'no-cache, no-store',
    body: html`<h1>Back to the application</h1>
<p class="lead">You are on your way to <strong>${new URL(redirectUri).host}</strong>. If nothing happens, press the button.</p>
<form id="response-form" method="post" action="${redirectUri}">
${Object.entries(parameters).map(
  ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
)}<div class="choices"><button id="response-continue" class="button button-main" type="submit">Continue</button></div>
</form>
${script}`,
  })
}
