import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import { audienceOf, type Resource } from './configs.ts'
import { ciba } from './documents.ts'
import type { DrillIssuer, DrillNode, Place, System } from './system.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
}

/** An answer that is not what an honest request gets. */
export class Unexpected extends Error {
  readonly status: number

  constructor(what: string, { status, text }: Answer) {
    super(`${what} was answered ${status}: ${text.slice(0, 500)}`)
    this.status = status
  }
}

const timeoutMs = 15_000
const noncesMax = 2

/**
 * Every client of a drill: gets tokens that are bound to one key, uses them, gives them back. Lean, because it shares
 * the machine with what it measures.
 */
export class Caller {
  readonly #agent: Agent
  readonly #clientKey: KeyObject
  readonly #kid: string
  readonly #proofKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #proofHeader: Readonly<Record<string, unknown>>
  readonly #nonces = new Map<string, string>()

  constructor({ caPem, clientKey }: Pick<System, 'caPem' | 'clientKey'>) {
    this.#agent = new Agent({ keepAlive: true, ca: caPem, maxSockets: 128 })
    this.#clientKey = createPrivateKey({ format: 'jwk', key: clientKey })
    this.#kid = clientKey.kid ?? ''
    const jwk = this.#proofKey.publicKey.export({ format: 'jwk' })
    this.#proofHeader = { typ: 'dpop+jwt', alg: 'ES256', jwk }
  }

  /** One request, sent to a port of this machine whatever port its URL names. */
  send(url: URL, port: number, { method = 'GET', headers = {}, form }: Sent = {}): Promise<Answer> {
    const body = form && new URLSearchParams(form).toString()
    const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
    return new Promise((done, fail) => {
      const outgoing = request(
        {
          ...{ hostname: 'localhost', port, path: url.pathname + url.search, agent: this.#agent, method },
          ...{ headers: { host: url.host, ...type, ...headers }, timeout: timeoutMs },
        },
        response => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            text += chunk
          })
          response.on('error', fail)
          response.on('end', () =>
            done({ status: response.statusCode ?? 0, headers: response.headers, text }),
          )
        },
      )
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      outgoing.on('error', fail)
      outgoing.end(body)
    })
  }

  /** As `private_key_jwt`, at an endpoint of the issuer, through one of its nodes. */
  async post(
    issuer: DrillIssuer,
    node: DrillNode,
    path: string,
    clientId: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>> {
    const url = new URL(issuer.url + path)
    const ask = (nonce: string | undefined): Promise<Answer> =>
      this.send(url, node.port, {
        method: 'POST',
        ...(path === '/token' && { headers: { dpop: this.#proof('POST', url, { nonce }) } }),
        form: {
          ...{ client_id: clientId, client_assertion: this.#assertion(issuer.url, clientId), ...fields },
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        },
      })
    const answer = await this.#withNonce(issuer.url, ask)
    if (answer.status !== 200 && answer.status !== 201)
      throw new Unexpected(`${path} of ${issuer.name}`, answer)
    return answer.text === '' ? {} : (JSON.parse(answer.text) as Record<string, string>)
  }

  async newToken(
    issuer: DrillIssuer,
    node: DrillNode,
    resource: Resource,
    clientId = 'caller',
  ): Promise<string> {
    const fields = { grant_type: 'client_credentials', scope: resource, resource: audienceOf(resource) }
    return (await this.post(issuer, node, '/token', clientId, fields)).access_token ?? ''
  }

  /** A user allows it on another device. @returns access token and refresh token */
  async askUser(
    issuer: DrillIssuer,
    node: DrillNode,
    resource: Resource,
    username: string,
  ): Promise<{ readonly token: string; readonly refreshToken: string }> {
    const asked = await this.post(issuer, node, '/bc-authorize', 'desk', {
      ...{ scope: `openid offline_access ${resource}`, resource: audienceOf(resource) },
      ...{ login_hint: username, binding_message: 'DRILL' },
    })
    const reference = asked.auth_req_id ?? ''
    const query = new URLSearchParams({ auth_req_id: reference, action: 'allow' })
    const answer = await this.send(new URL(`${issuer.url}/ciba/test-answer?${query}`), node.port)
    if (answer.status !== 200) throw new Unexpected('the answer in the place of a user', answer)
    const tokens = await this.post(issuer, node, '/token', 'desk', {
      ...{ grant_type: ciba, auth_req_id: reference },
    })
    return { token: tokens.access_token ?? '', refreshToken: tokens.refresh_token ?? '' }
  }

  async revoke(issuer: DrillIssuer, node: DrillNode, token: string, clientId = 'caller'): Promise<void> {
    await this.post(issuer, node, '/revoke', clientId, { token })
  }

  /** @returns the status a place answers with; a wish for a nonce is fulfilled and is none */
  async call(place: Place, issuer: DrillIssuer, resource: Resource, token: string): Promise<number> {
    const url = place.url(issuer, resource)
    const ath = sha256(token)
    const { status } = await this.#withNonce(url.origin, nonce =>
      this.send(url, Number(url.port), {
        headers: {
          authorization: `DPoP ${token}`,
          dpop: this.#proof('GET', url, { ath, nonce }),
        },
      }),
    )
    return status
  }

  close(): void {
    this.#agent.destroy()
  }

  async #withNonce(origin: string, ask: (nonce: string | undefined) => Promise<Answer>): Promise<Answer> {
    let answer = await ask(this.#nonces.get(origin))
    for (let round = 0; round < noncesMax && this.#learns(origin, answer); round++)
      answer = await ask(this.#nonces.get(origin))
    return answer
  }

  /** @returns whether the request is worth a second try */
  #learns(origin: string, { status, headers, text }: Answer): boolean {
    const { 'dpop-nonce': nonce, 'www-authenticate': challenge = '' } = headers
    if (typeof nonce === 'string') this.#nonces.set(origin, nonce)
    return (status === 400 || status === 401) && (challenge + text).includes('use_dpop_nonce')
  }

  #assertion(audience: string, clientId: string): string {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: clientId, sub: clientId, aud: audience, jti: randomUUID(), iat: now, exp: now + 60 }
    return signJws({ alg: 'ES256', kid: this.#kid }, claims, this.#clientKey, 'ES256')
  }

  #proof(htm: string, url: URL, more: Readonly<Record<string, string | undefined>>): string {
    const htu = url.origin + url.pathname
    const claims = { jti: randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000), ...more }
    return signJws(this.#proofHeader, claims, this.#proofKey.privateKey, 'ES256')
  }
}
