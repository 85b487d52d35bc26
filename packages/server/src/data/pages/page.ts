import type { Exchange, Reply } from '../../http/exchange.ts'
import { assetPaths } from './assets.ts'
import { type Html, html } from './html.ts'
import type { Words } from './words/words.ts'

export interface Page {
  readonly words: Words
  readonly status: number
  readonly title: string
  readonly body: Html
  /** Where a form of this page may lead besides ourselves: the client's redirect origin. */
  readonly formTarget?: string
  /** The hash of the one script of this page, when it has one. */
  readonly scriptSource?: string
  /** Origins whose pages this one may frame; none unless named. */
  readonly frameSources?: readonly string[]
  readonly cacheControl?: string
  readonly extraHeaders?: Reply['headers']
}

/** A whole page with every header a page must carry (BCP-07, BCP-14). Works without JavaScript. */
export function renderPage(exchange: Exchange, page: Page): Reply {
  const { css, mark } = assetPaths
  const base = exchange.issuer.url
  const document = html`<!doctype html>
<html lang="${page.words.locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${page.title}</title>
<link rel="icon" href="${base + mark}" type="image/svg+xml">
<link rel="stylesheet" href="${base + css}">
</head>
<body>
<div class="frame">
<header class="brand"><img src="${base + mark}" alt="" width="28" height="28"><span>${new URL(base).host}</span></header>
<main class="card">
${page.body}
</main>
<footer class="foot"><p>${page.words.protectedBy}</p><p>${page.words.reference} <code>${exchange.requestId}</code></p></footer>
</div>
</body>
</html>
`
  return {
    status: page.status,
    headers: [
      ['content-type', 'text/html; charset=utf-8'],
      ['content-language', page.words.locale],
      ...browserHeaders(page),
      ...(page.extraHeaders ?? []),
    ],
    body: document.toString(),
  }
}

/** See other: never 307, which would repeat the posted credentials (FAPI2-SP-FINAL-5.3.2.2-10). */
export function seeOther(location: string, extraHeaders: Reply['headers'] = []): Reply {
  return { status: 303, headers: [['location', location], ...plainHeaders, ...extraHeaders], body: '' }
}

/**
 * What every answer to a browser carries; the edge adds HSTS and nosniff to all replies. No CORS header is ever
 * among them (FAPI2-SP-FINAL-5.2.3-3).
 */
function browserHeaders({
  formTarget,
  scriptSource,
  frameSources = [],
  cacheControl = 'no-store',
}: Partial<Page> = {}): Reply['headers'] {
  const formAction = formTarget === undefined ? "'self'" : `'self' ${formTarget}`
  return [
    ['cache-control', cacheControl],
    ['pragma', 'no-cache'],
    [
      'content-security-policy',
      `default-src 'none'; ${scriptSource === undefined ? '' : `script-src ${scriptSource}; `}style-src 'self'; img-src 'self'; form-action ${formAction}; ${frameSources.length === 0 ? '' : `frame-src ${frameSources.join(' ')}; `}` +
        "frame-ancestors 'none'; base-uri 'none'",
    ],
    ['x-frame-options', 'DENY'],
    ['referrer-policy', 'no-referrer'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()'],
  ]
}

/** The same for every redirect. */
const plainHeaders = browserHeaders()

/**
 * The source a browser checks `form-action` against when our answer to a post redirects to the client.
 * A source list cannot name an IPv6 address, so the scheme alone is named there, as for private-use schemes.
 */
export function formTargetOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri)
  const hasPlainHost = (protocol === 'https:' || protocol === 'http:') && /^[a-z0-9.:-]+$/.test(host)
  return hasPlainHost ? `${protocol}//${host}` : protocol
}
