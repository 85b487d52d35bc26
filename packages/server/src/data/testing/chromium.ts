import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Where a Chromium is; undefined when there is none, and its tests are counted as skipped. */
function chromiumPath(): string | undefined {
  const named = process.env.HOLDFAST_TEST_CHROMIUM
  const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  return (named === undefined ? usual : [named]).find(path => existsSync(path))
}

/** For `describe`: why the tests in a browser do not run here. */
export const withoutChromium = chromiumPath() === undefined ? 'no Chromium' : false

/** Set to a folder to look at what the tests look at. */
export const shots = process.env.HOLDFAST_SCREENSHOTS

export const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

type LookOptions = Required<Pick<BrowserContextOptions, 'colorScheme'>> & {
  readonly viewport: { readonly width: number; readonly height: number }
  readonly deviceScaleFactor?: number
}
type Look = readonly [name: string, options: LookOptions]

export const looks: readonly Look[] = [
  ['desktop-light', { colorScheme: 'light', viewport: { width: 1280, height: 800 } }],
  ['desktop-dark', { colorScheme: 'dark', viewport: { width: 1280, height: 800 } }],
  ['phone-light', { colorScheme: 'light', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 }],
  ['phone-dark', { colorScheme: 'dark', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 }],
]

/** Two looks show both colour schemes and both widths; all four are for whoever looks at the pictures. */
export const testedLooks = looks.filter(
  ([name]) => shots !== undefined || /^(desktop-light|phone-dark)$/.test(name),
)

/** For another language: its words are longer and its colours are the same, so the narrow page is what can break. */
export const translatedLooks = testedLooks.filter(
  ([name]) => shots !== undefined || name.startsWith('phone-'),
)

/** A browser for which these hosts, where any are named, are served at this port: the rooms of a test world. */
export async function launchChromium({ args = [], served }: LaunchOptions = {}): Promise<Browser> {
  const executablePath = chromiumPath()
  assert.ok(executablePath)
  const mapped = served?.hosts.map(host => `MAP ${host}:443 127.0.0.1:${served.port}`).join(',')
  return await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
      ...args,
      ...(mapped === undefined ? [] : [`--host-resolver-rules=${mapped}`]),
    ],
  })
}

interface LaunchOptions {
  readonly args?: readonly string[]
  readonly served?: { readonly port: number; readonly hosts: readonly string[] }
}

/** Takes a picture where one is wanted, and holds the page to axe and to its width. @param name begins with a look's */
export async function look(browser: Browser, page: Page, name: string): Promise<void> {
  if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
  const seen = looks.find(([one]) => name.startsWith(one)) ?? assert.fail(`\`${name}\` begins with no look`)
  const copy = await copyPage(browser, seen)
  // The copy stands at the same address, so that its stylesheet is the same, and stays there.
  const address = page.url()
  // To an address that differs in its fragment alone, or not at all, a browser would not load anything.
  assert.equal(new URL(address).hash, '', name)
  const body = (await page.content()).replaceAll(/<script[^>]*>[^<]*<\/script>/g, '')
  await copy.route(address, async route => route.fulfill({ contentType: 'text/html', body }))
  await copy.goto(address)
  await copy.unroute(address)
  await copy.addScriptTag({ path: axePath })
  const found = (await copy.evaluate(
    `axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      resultTypes: ['violations'],
    })`,
  )) as {
    passes: readonly unknown[]
    violations: readonly { id: string; nodes: readonly { html: string }[] }[]
  }
  const violations = found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`,
  )
  assert.deepEqual(violations, [], name)
  assert.ok(found.passes.length > 10)
  const width = (await copy.evaluate('document.documentElement.scrollWidth')) as number
  assert.ok(width <= seen[1].viewport.width, `${name} scrolls sideways`)
}

const copies = new WeakMap<Browser, Map<string, Page>>()

/** One page for each look of a browser: a new one for every copy costs three times what axe does. It closes with the browser. */
async function copyPage(browser: Browser, [name, { viewport, colorScheme }]: Look): Promise<Page> {
  const open = copies.get(browser) ?? new Map<string, Page>()
  copies.set(browser, open)
  const known = open.get(name)
  if (known !== undefined) return known
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    bypassCSP: true,
    viewport,
    colorScheme,
  })
  const page = await context.newPage()
  open.set(name, page)
  return page
}
