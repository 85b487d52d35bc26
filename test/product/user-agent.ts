import assert from 'node:assert/strict'
import type { Dispatcher } from 'undici'
import { request } from 'undici'

/** Who signs in, and what they answer. */
export interface Person {
  readonly username: string
  readonly password: string
  readonly consent: 'allow' | 'deny'
  /** The code of an authenticator app, for the page that asks for it. */
  readonly code?: (html: string) => string
}

/** A person with a browser, reduced to what the pages need: cookies, redirects, forms without JavaScript. */
export class UserAgent {
  readonly #dispatcher: Dispatcher
  readonly #cookies = new Map<string, string>()
  /** Every status seen, in order: tests look for a stray 307. */
  readonly statuses: number[] = []

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher
  }

  /** Names of the cookies held. */
  get cookieNames(): readonly string[] {
    return [...this.#cookies.keys()]
  }

  get cookieValues(): readonly string[] {
    return [...this.#cookies.values()]
  }

  async send(url: URL, form?: URLSearchParams): Promise<{ status: number; location?: URL; html: string }> {
    const response = await request(url, {
      dispatcher: this.#dispatcher,
      method: form === undefined ? 'GET' : 'POST',
      headers: {
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form && {
          'content-type': 'application/x-www-form-urlencoded',
          origin: url.origin,
          'sec-fetch-site': 'same-origin',
        }),
      },
      ...(form && { body: form.toString() }),
    })
    this.statuses.push(response.statusCode)
    this.#remember(response.headers['set-cookie'])
    const { location } = response.headers
    const html = await response.body.text()
    return {
      status: response.statusCode,
      html,
      ...(typeof location === 'string' && { location: new URL(location, url) }),
    }
  }

  /**
   * Opens an authorization URL, signs in, answers consent, and stops at the redirect to the client.
   * @returns the callback URL with its parameters
   */
  async walk(start: URL, redirectUri: string, person: Person): Promise<URL> {
    let url = start
    let form: URLSearchParams | undefined
    for (let step = 0; step < 12; step++) {
      const { status, location, html } = await this.send(url, form)
      if (location !== undefined) {
        if (location.href.startsWith(redirectUri)) return location
        url = location
        form = undefined
        continue
      }
      assert.equal(status, 200, `the page at ${url.pathname} answered ${status}: ${html.slice(0, 2000)}`)
      const filled = fill(html, url, person)
      url = filled.action
      form = filled.form
    }
    throw new Error('the interaction did not end')
  }

  /** Types the code of a device that stands in the address, signs in and allows it. */
  async connectDevice(start: URL, person: { username: string; password: string }): Promise<void> {
    let url = start
    let form: URLSearchParams | undefined
    for (let step = 0; step < 12; step++) {
      const { status, location, html } = await this.send(url, form)
      form = undefined
      if (location !== undefined) url = location
      else {
        assert.equal(status, 200, `the page at ${url.pathname} answered ${status}: ${html.slice(0, 2000)}`)
        if (html.includes('id="device-allowed"')) return
        const filled = fill(html, url, { ...person, consent: 'allow' })
        url = filled.action
        form = filled.form
      }
    }
    throw new Error('the device was not connected')
  }

  /** Opens the page of what waits for a person, signs in, and answers the first request on it. @returns the page after */
  async answerWaiting(
    start: URL,
    person: { username: string; password: string; consent: 'allow' | 'deny' },
  ): Promise<string> {
    let url = start
    let form: URLSearchParams | undefined
    for (let step = 0; step < 12; step++) {
      const { status, location, html } = await this.send(url, form)
      form = undefined
      if (location !== undefined) {
        url = location
        continue
      }
      assert.equal(status, 200, `the page at ${url.pathname} answered ${status}: ${html.slice(0, 2000)}`)
      if (html.includes('id="answer-')) return html
      const filled = fill(html, url, person)
      url = filled.action
      form = filled.form
    }
    throw new Error('nothing was answered')
  }

  #remember(header: string | readonly string[] | undefined): void {
    for (const line of typeof header === 'string' ? [header] : (header ?? [])) {
      const [pair = '', ...attributes] = line.split(';')
      const equals = pair.indexOf('=')
      const name = pair.slice(0, equals).trim()
      const value = pair.slice(equals + 1).trim()
      const isGone = attributes.some(attribute => /max-age=0\b/i.test(attribute)) || value === ''
      if (isGone) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
  }
}

function fill(html: string, url: URL, person: Person): { action: URL; form: URLSearchParams } {
  const markup =
    /<form[^>]*id="(login-form|second-factor-form|totp-form|consent-form|device-form|confirm-form|look-form|approval-form-1)"[^>]*>([\s\S]*?)<\/form>/.exec(
      html,
    )
  assert.ok(markup, `no form on the page: ${html.slice(0, 2000)}`)
  const [opening, id, inside = ''] = markup
  const form = new URLSearchParams()
  for (const [input] of inside.matchAll(/<input[^>]*type="hidden"[^>]*>/g))
    form.set(attribute(input, 'name'), attribute(input, 'value'))
  if (id === 'login-form') {
    form.set('username', person.username)
    form.set('password', person.password)
  } else if (id === 'device-form') {
    form.set('user_code', attribute(/<input[^>]*id="user_code"[^>]*>/.exec(inside)?.[0] ?? '', 'value'))
  } else if (id === 'second-factor-form' || id === 'totp-form') {
    assert.ok(person.code, 'nobody said what the code is')
    form.set('code', person.code(html))
  } else if (id === 'look-form') {
    // Nothing to fill in.
  } else if (id === 'confirm-form') {
    form.set('decision', 'continue')
  } else {
    const button = id === 'consent-form' ? `consent-${person.consent}` : `${person.consent}-1`
    const found = new RegExp(`<button[^>]*id="${button}"[^>]*>`).exec(inside)?.[0] ?? ''
    form.set(attribute(found, 'name'), attribute(found, 'value'))
  }
  const action = attribute(opening.slice(0, opening.indexOf('>') + 1), 'action')
  return { action: new URL(action === '' ? url.href : action, url), form }
}

function attribute(tag: string, name: string): string {
  const text = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
