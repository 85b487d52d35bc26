import { createHash } from 'node:crypto'
import type { Reply } from '../../http/exchange.ts'
import type { Room } from '../room.ts'
import { passkeyScript } from './passkey-script.ts'
import { stylesheet } from './stylesheet.ts'

/** An anchor in a ring: the thing that holds. Drawn for 16 to 64 pixels, on light and dark. */
const mark = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" role="img" aria-label="Holdfast">
<rect width="32" height="32" rx="9" fill="#1d4ed8"/>
<g fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round">
<circle cx="16" cy="9" r="2.8"/><path d="M16 11.8V25"/><path d="M11.5 15.2h9"/>
<path d="M7.5 18.5c.4 4 4 6.5 8.5 6.5s8.1-2.5 8.5-6.5"/></g></svg>
`

interface Asset {
  readonly type: string
  readonly body: Buffer
  readonly etag: string
}

const assets: ReadonlyMap<string, Asset> = new Map([
  ['holdfast.css', assetOf('text/css; charset=utf-8', stylesheet)],
  ['holdfast.svg', assetOf('image/svg+xml', mark)],
  ['passkey.js', assetOf('text/javascript; charset=utf-8', passkeyScript)],
])

/** Paths under the issuer; the version changes with the content, so that a cached copy is never the wrong one. */
export const assetPaths = {
  css: versioned('holdfast.css'),
  mark: versioned('holdfast.svg'),
  passkey: versioned('passkey.js'),
} as const

/** Serves `/assets/:name`. */
export const assetRoom: Room = async exchange => {
  const asset = assets.get(exchange.path.slice(exchange.path.lastIndexOf('/') + 1))
  if (asset === undefined)
    return { status: 404, headers: [['content-type', 'text/plain; charset=utf-8']], body: 'not found\n' }
  const headers: Reply['headers'] = [
    ['content-type', asset.type],
    ['cache-control', 'public, max-age=86400'],
    ['etag', asset.etag],
    // An SVG opened by itself is a document: it may do nothing.
    ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
    ['cross-origin-resource-policy', 'same-origin'],
  ]
  return exchange.headers('if-none-match').includes(asset.etag)
    ? { status: 304, headers, body: '' }
    : { status: 200, headers, body: asset.body }
}

function assetOf(type: string, text: string): Asset {
  return { type, body: Buffer.from(text), etag: `"${digest(Buffer.from(text))}"` }
}

function versioned(name: string): string {
  return `/assets/${name}?v=${assets.get(name)?.etag.slice(1, 9) ?? ''}`
}

function digest(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 32)
}
