import type { Reply } from '../../http/exchange.ts'
import { parRoom } from '../par/room.ts'
import { redirectUri } from './clients.ts'
import { roomFor } from './room-for.ts'
import { type FormFields, issuerUrl, type RequestOptions, type World } from './world.ts'

/** Headers as a test wants to read them. */
export function header(reply: Reply, name: string): string | undefined {
  return reply.headers.find(([sent]) => sent === name)?.[1]
}

/** Where a reply leads, or where the page lies that it holds. */
export function locationOf(reply: Reply): URL {
  return new URL(header(reply, 'location') ?? header(reply, 'content-location') ?? 'about:blank')
}

function placeOf(page: Reply | string): string {
  return typeof page === 'string' ? page : locationOf(page).href
}

/** A browser without sockets: keeps cookies, follows nothing by itself, reads hidden fields from pages. */
export interface Browser {
  readonly get: (url: string) => Promise<Reply>
  readonly post: (url: string, form: FormFields, options?: RequestOptions) => Promise<Reply>
  /** Answers the login page of an interaction, or the one that a reply leads to. */
  readonly login: (page: Reply | string, username?: string, password?: string) => Promise<Reply>
  /** Shows and answers the consent page. */
  readonly decide: (url: string, decision: 'allow' | 'deny') => Promise<Reply>
  readonly cookies: Map<string, string>
}

export function openBrowser(world: World): Browser {
  const cookies = new Map<string, string>()
  const request = async (method: string, url: string, options: RequestOptions): Promise<Reply> => {
    const { pathname, search } = new URL(url, issuerUrl)
    const found = roomFor(method, pathname)
    if (found === undefined) throw new TypeError(`no room for ${method} ${url}`)
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const reply = await world.send(found.room, pathname, {
      ...options,
      method,
      query: search.slice(1),
      params: found.params,
      headers: [...(options.headers ?? []), ...(cookie === '' ? [] : [['cookie', cookie] as const])],
    })
    for (const [name, value] of reply.headers) {
      const [, cookieName = '', cookieValue = ''] = /^([^=]+)=([^;]*)/.exec(value) ?? []
      if (name === 'set-cookie') cookies.set(cookieName, cookieValue)
    }
    return reply
  }
  const get = (url: string): Promise<Reply> => request('GET', url, {})
  const post: Browser['post'] = (url, form, options = {}) => request('POST', url, { ...options, form })
  return {
    cookies,
    get,
    post,
    login: async (page, username = 'alice', password = 'correct horse') => {
      const shown = typeof page === 'string' || page.status === 303 ? await get(placeOf(page)) : page
      return await post(actionOf(shown), { csrf: fieldOf(shown, 'csrf'), username, password })
    },
    decide: async (url, decision) => {
      const shown = await get(url)
      const hidden = { csrf: fieldOf(shown, 'csrf'), shown: fieldOf(shown, 'shown') }
      return await post(actionOf(shown), { ...hidden, decision })
    },
  }
}

/** What a browser without sockets holds, for one that has them. */
export function cookiesOf({ cookies }: Browser): readonly {
  readonly name: string
  readonly value: string
  readonly url: string
  readonly secure: true
  readonly httpOnly: true
  readonly sameSite: 'Lax'
}[] {
  return [...cookies].map(([name, value]) => ({
    ...{ name, value, url: issuerUrl, secure: true, httpOnly: true, sameSite: 'Lax' },
  }))
}

/** Value of a hidden field of a page. */
export function fieldOf(page: Reply, name: string): string {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(String(page.body))?.[1] ?? ''
}

export function actionOf(page: Reply): string {
  return /<form [^>]*action="([^"]*)"/.exec(String(page.body))?.[1] ?? ''
}

/** The challenge of the verifier below (RFC 7636 appendix B). */
export const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** A good authorization request of a client of the world. */
export function goodRequest(clientId: string): Record<string, string> {
  return {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid accounts',
    state: 'st-1',
    nonce: 'n-1',
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
  }
}

export interface PushOptions {
  readonly clientId?: string
  /** Parameters to change; undefined removes one. */
  readonly spoil?: FormFields
  readonly headers?: RequestOptions['headers']
}

/** Pushes a good request, spoiled as asked, with a good assertion of the client. */
export function push(world: World, options: PushOptions = {}): Promise<Reply> {
  const { clientId = 'c_bank', spoil = {}, headers = [] } = options
  return world.send(parRoom, '/par', {
    form: { ...goodRequest(clientId), ...world.assertion(clientId), ...spoil },
    headers,
  })
}

/** The authorize URL for a push that was accepted. */
export async function pushedUrl(world: World, options: PushOptions = {}): Promise<string> {
  const reply = await push(world, options)
  if (reply.status !== 201) throw new TypeError(`push refused: ${reply.body}`)
  const { request_uri } = JSON.parse(String(reply.body)) as { request_uri: string }
  return `${issuerUrl}/authorize?${new URLSearchParams({ client_id: options.clientId ?? 'c_bank', request_uri })}`
}
