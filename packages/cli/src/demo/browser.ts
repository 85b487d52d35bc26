import { type FilledForm, filledForm } from './sign-in-form.ts'
import type { Exchange, Wire } from './wire.ts'

/** A person with a browser, as far as pages that work without JavaScript need one: cookies, redirects, forms. */
export class Browser {
  readonly #wire: Wire
  readonly #cookies = new Map<string, string>()

  constructor(wire: Wire) {
    this.#wire = wire
  }

  /**
   * Opens an authorization URL, signs in, agrees, and stops at the redirect back to the client.
   * @returns the URL the client is called at; nobody calls it here
   * @throws Error when a page is neither login nor consent
   */
  async signIn(
    start: string,
    redirectUri: string,
    user: { readonly username: string; readonly password: string },
  ): Promise<URL> {
    let url = new URL(start)
    let form: FilledForm['form'] | undefined
    for (let step = 0; step < stepsMax; step++) {
      const exchange = await this.#open(url, form)
      const location = exchange.answerHeaders.get('location')
      form = undefined
      if (location !== null) {
        if (location.startsWith(redirectUri)) return new URL(location)
        url = new URL(location, url)
        continue
      }
      const filled = filledForm(exchange.answerText, user)
      if (filled === undefined)
        throw new Error(`the page (${exchange.status}) has no form to sign in or to agree`)
      url = new URL(filled.action === '' ? url.href : filled.action, url)
      form = filled.form
    }
    throw new Error('signing in did not come to an end')
  }

  async #open(url: URL, form: Readonly<Record<string, string>> | undefined): Promise<Exchange> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const exchange = await this.#wire.send(url.href, {
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        ...(cookie !== '' && { cookie }),
        ...(form && { origin: url.origin, 'sec-fetch-site': 'same-origin' }),
      },
      ...(form && { form }),
    })
    for (const line of exchange.answerHeaders.getSetCookie()) this.#keep(line)
    return exchange
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';')
    const equals = pair.indexOf('=')
    const [name, value] = [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()]
    const isGone = value === '' || attributes.some(attribute => /max-age=0\b/i.test(attribute))
    if (isGone) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}

/** Steps of one sign-in: redirects, pages, posts. */
const stepsMax = 12
