import type { Pool } from 'undici'

/** One answered request of a flow. */
export interface FlowStep {
  readonly name: string
  readonly status: number
  /** Of the body of the answer. */
  readonly bytes: number
}

/** A signed-in person for either server's pages: cookies, redirects, forms without JavaScript. */
export class BenchBrowser {
  readonly #pool: Pool
  readonly #cookies = new Map<string, string>()
  readonly #person: { readonly username: string; readonly password: string }

  constructor(pool: Pool, person: { readonly username: string; readonly password: string }) {
    this.#pool = pool
    this.#person = person
  }

  /** Nobody is signed in any more. */
  forget(): void {
    this.#cookies.clear()
  }

  /**
   * Follows the authorization URL through whatever pages come, to the redirect with the code.
   * @yields after each answer
   * @returns the code
   */
  async *codeFrom(path: string, redirectUri: string): AsyncGenerator<FlowStep, string> {
    let next = path
    let form: URLSearchParams | undefined
    for (let step = 0; step < 16; step++) {
      const method = form === undefined ? 'GET' : 'POST'
      const sent = next
      const { statusCode, headers, body } = await this.#pool.request({
        method,
        path: sent,
        headers: {
          cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(form && { body: form.toString() }),
      })
      const html = await body.text()
      this.#remember(headers['set-cookie'])
      const location = headers.location
      yield stepOf(method, sent, statusCode, html)
      if (typeof location === 'string') {
        if (location.startsWith(redirectUri)) return new URL(location).searchParams.get('code') ?? ''
        const url = new URL(location, 'https://localhost')
        next = url.pathname + url.search
        form = undefined
        continue
      }
      if (statusCode !== 200) throw new Error(`${next} answered ${statusCode}: ${html.slice(0, 500)}`)
      const filled = this.#fill(html)
      next = filled.action === '' ? next : new URL(filled.action, 'https://localhost').pathname
      form = filled.form
    }
    throw new Error('the interaction did not end')
  }

  #fill(html: string): { action: string; form: URLSearchParams } {
    const [, opening = '', inside = ''] = /(<form[^>]*>)([\s\S]*?)<\/form>/.exec(html) ?? []
    const form = new URLSearchParams()
    for (const [tag] of inside.matchAll(/<input[^>]*>/g)) {
      const name = attribute(tag, 'name')
      if (name === 'login' || name === 'username') form.set(name, this.#person.username)
      else if (name === 'password') form.set(name, this.#person.password)
      else if (name !== '') form.set(name, attribute(tag, 'value'))
    }
    const allow = /<button[^>]*id="consent-allow"[^>]*>/.exec(inside)?.[0]
    if (allow !== undefined && attribute(allow, 'name') !== '')
      form.set(attribute(allow, 'name'), attribute(allow, 'value'))
    return { action: attribute(opening, 'action'), form }
  }

  #remember(header: string | readonly string[] | undefined): void {
    for (const line of typeof header === 'string' ? [header] : (header ?? [])) {
      const [pair = '', ...attributes] = line.split(';')
      const equals = pair.indexOf('=')
      const isGone =
        pair.endsWith('=') ||
        attributes.some(attribute => /max-age=0\b|expires=Thu, 01 Jan 1970/i.test(attribute))
      if (isGone) this.#cookies.delete(pair.slice(0, equals))
      else this.#cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
  }
}

/** @param path with its query; what looks like an id stands as `:id` in the name */
export function stepOf(method: string, path: string, status: number, text: string): FlowStep {
  const [place = ''] = path.split('?', 1)
  const name = place.replaceAll(/\/[\w-]{20,}/g, '/:id')
  return { name: `${method} ${name}`, status, bytes: Buffer.byteLength(text) }
}

function attribute(tag: string, name: string): string {
  return (new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '').replaceAll('&amp;', '&')
}
