import type { Browser, Page, Request } from 'playwright-core'
import type { Product } from './product.ts'

/**
 * A page of somebody who has no JavaScript. The client's redirect address answers in the browser: nobody listens there.
 * @param onCallback sees what the browser asks of the client
 */
export async function openPage(
  browser: Browser,
  redirectUri: string,
  onCallback: (request: Request) => void = () => undefined,
): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false })
  await context.route(`${new URL(redirectUri).origin}/**`, async route => {
    onCallback(route.request())
    await route.fulfill({ contentType: 'text/html', body: '<p id="arrived">arrived</p>' })
  })
  return await context.newPage()
}

export async function logIn(page: Page, { username, password }: Product['user']): Promise<void> {
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.click('#login-submit')
}

/**
 * Waits for the client's page, not only for the request that asks for it: a browser that is still on its way there
 * breaks off the navigation that comes next.
 */
export async function callbackAfter(page: Page, button: string): Promise<URL> {
  await page.click(button)
  await page.waitForSelector('#arrived')
  return new URL(page.url())
}
