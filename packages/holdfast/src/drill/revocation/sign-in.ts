import { createHash, randomBytes } from 'node:crypto'
import { type FilledForm, filledForm } from '@holdfast/cli/demo/sign-in-form.ts'
import { type Answer, type Caller, Unexpected } from '../caller.ts'
import { audienceOf, type Resource } from '../configs.ts'
import { password, redirectUri } from '../documents.ts'
import type { DrillIssuer, DrillNode } from '../system.ts'

export interface Visit {
  readonly issuer: DrillIssuer
  /** The node that signs in, and the one that signs out. */
  readonly giving: DrillNode
  readonly taking: DrillNode
  readonly resource: Resource
  readonly visitor: string
}

const stepsMax = 12

/** A user signs in with a browser and allows a client what ends with the session; signs out by that client's wish. */
export async function signIn(
  caller: Caller,
  { issuer, giving, taking, resource, visitor }: Visit,
): Promise<{ readonly token: string; readonly signOut: () => Promise<void> }> {
  const verifier = randomBytes(32).toString('base64url')
  const pushed = await caller.post(issuer, giving, '/par', 'portal', {
    ...{ response_type: 'code', redirect_uri: redirectUri, scope: `openid ${resource}` },
    ...{ resource: audienceOf(resource), code_challenge_method: 'S256' },
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  })
  const browser = new Browser(caller)
  const query = new URLSearchParams({ client_id: 'portal', request_uri: pushed.request_uri ?? '' })
  const callback = await browser.walk(new URL(`${issuer.url}/authorize?${query}`), giving, visitor)
  const tokens = await caller.post(issuer, giving, '/token', 'portal', {
    ...{ grant_type: 'authorization_code', redirect_uri: redirectUri, code_verifier: verifier },
    code: callback.searchParams.get('code') ?? '',
  })
  const hint = new URLSearchParams({ id_token_hint: tokens.id_token ?? '' })
  return {
    token: tokens.access_token ?? '',
    signOut: async () => {
      const answer = await browser.open(new URL(`${issuer.url}/logout?${hint}`), taking)
      if (answer.status !== 200) throw new Unexpected('signing out', answer)
    },
  }
}

/** Cookies, redirects and forms: what pages need that work without JavaScript. */
class Browser {
  readonly #caller: Caller
  readonly #cookies = new Map<string, string>()

  constructor(caller: Caller) {
    this.#caller = caller
  }

  async open(url: URL, node: DrillNode, form?: Readonly<Record<string, string>>): Promise<Answer> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await this.#caller.send(url, node.port, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { cookie, origin: url.origin, 'sec-fetch-site': 'same-origin' },
      ...(form && { form }),
    })
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      this.#cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim())
    }
    return answer
  }

  /** @returns where the client is called */
  async walk(start: URL, node: DrillNode, username: string): Promise<URL> {
    let url = start
    let form: FilledForm['form'] | undefined
    for (let step = 0; step < stepsMax; step++) {
      const answer = await this.open(url, node, form)
      const { location } = answer.headers
      form = undefined
      if (location?.startsWith(redirectUri) === true) return new URL(location)
      if (location !== undefined) url = new URL(location, url)
      else {
        const filled = filledForm(answer.text, { username, password })
        if (filled === undefined) throw new Unexpected('a page without a form', answer)
        form = filled.form
        url = new URL(filled.action === '' ? url.href : filled.action, url)
      }
    }
    throw new Error('signing in did not come to an end')
  }
}
