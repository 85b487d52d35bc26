import { Agent, fetch as undiciFetch } from 'undici'

/** One request and its answer, as they went over the wire: with every credential, so it never leaves the demo's memory. */
export interface Exchange {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
  readonly status: number
  readonly answerHeaders: Headers
  readonly answerText: string
}

export interface Sent {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
}

/** How one party connects: whom it trusts, and with which certificate it presents itself. */
export interface Credentials {
  readonly caPem: string
  readonly certificate: { readonly certPem: string; readonly keyPem: string } | undefined
}

const answerTimeoutMs = 15_000

/** The connections of one party, which keep what they carried. */
export class Wire {
  readonly #agent: Agent
  readonly #exchanges: Exchange[] = []

  constructor({ caPem, certificate }: Credentials) {
    this.#agent = new Agent({
      connect: {
        ca: caPem,
        ...(certificate && { cert: certificate.certPem, key: certificate.keyPem }),
      },
      headersTimeout: answerTimeoutMs,
      bodyTimeout: answerTimeoutMs,
    })
  }

  /** Everything since the last call. */
  take(): readonly Exchange[] {
    return this.#exchanges.splice(0)
  }

  async send(url: string, { method, headers = {}, form }: Sent): Promise<Exchange> {
    await this.fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        ...headers,
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(form && { body: new URLSearchParams(form).toString() }),
    })
    const last = this.#exchanges.at(-1)
    if (last === undefined) throw new TypeError('nothing was sent')
    return last
  }

  /** In the shape `openid-client` takes as its `customFetch`. */
  readonly fetch = async (url: string, init: object): Promise<Response> => {
    const { method = 'GET', headers, body } = init as RequestInit
    const answer = await undiciFetch(url, { ...init, dispatcher: this.#agent } as never)
    const answerText = await answer.text()
    const answerHeaders = new Headers([...answer.headers])
    this.#exchanges.push({
      method,
      url,
      headers: Object.fromEntries(new Headers(headers)),
      form: body === undefined || body === null ? {} : Object.fromEntries(new URLSearchParams(String(body))),
      status: answer.status,
      answerHeaders,
      answerText,
    })
    const isBodiless = answer.status === 204 || answer.status === 304
    return new Response(isBodiless ? null : answerText, { status: answer.status, headers: answerHeaders })
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

/** Members of a JSON answer; nothing when it is no JSON object. */
export function membersOf({ answerText }: Pick<Exchange, 'answerText'>): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(answerText)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
