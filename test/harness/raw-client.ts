import { createHash, randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { Pool } from 'undici'
import { dispatcherFor } from '../product/dispatchers.ts'
import type { Product, ProductClient } from '../product/product.ts'
import { UserAgent } from '../product/user-agent.ts'

/** A client that can do what no library lets one do: send one message 64 times, or half a flow. */

export interface Answer {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

export interface ProofKey {
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export type Fields = Readonly<Record<string, string>>

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const seconds = (): number => Math.floor(Date.now() / 1000)
export const newJti = (): string => randomBytes(16).toString('base64url')

export class RawClient {
  readonly #issuer: string
  readonly #pools: readonly Pool[]
  #nonce: string | undefined

  /** @param origins where requests go, in turn; the issuer's own URL is what is signed */
  constructor(product: Pick<Product, 'issuer' | 'caPem'>, origins: readonly string[], connections = 64) {
    this.#issuer = product.issuer.origin
    this.#pools = origins.map(
      origin =>
        new Pool(origin, {
          connections,
          pipelining: 1,
          connect: { ca: product.caPem, servername: 'localhost' },
        }),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map(pool => pool.destroy()))
  }

  async assertion(who: ProductClient): Promise<Fields> {
    if (who.privateKey === undefined) return { client_id: who.clientId }
    const jwt = await new SignJWT({ jti: newJti() })
      .setProtectedHeader({ alg: 'ES256', kid: who.privateKey.kid })
      .setIssuer(who.clientId)
      .setSubject(who.clientId)
      .setAudience(this.#issuer)
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(who.privateKey.key)
    return { client_id: who.clientId, client_assertion_type: assertionType, client_assertion: jwt }
  }

  async proof(key: ProofKey, path: string): Promise<string> {
    return await new SignJWT({
      jti: newJti(),
      htm: 'POST',
      htu: this.#issuer + path,
      iat: seconds(),
      ...(this.#nonce && { nonce: this.#nonce }),
    })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk })
      .sign(key.privateKey)
  }

  /** One POST to the node of this `turn`. Keeps the newest nonce. */
  async post(path: string, form: Fields, proof?: string, turn = 0): Promise<Answer> {
    const pool = this.#pools[turn % this.#pools.length] as Pool
    const { statusCode, headers, body } = await pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...(proof && { dpop: proof }) },
      body: new URLSearchParams(form).toString(),
    })
    const nonce = headers['dpop-nonce']
    if (typeof nonce === 'string') this.#nonce = nonce
    const text = await body.text()
    return { status: statusCode, json: text === '' ? {} : (JSON.parse(text) as Answer['json']) }
  }

  /** A public document. */
  async get(path: string): Promise<Answer> {
    const [pool] = this.#pools
    const { statusCode, body } = await (pool as Pool).request({ method: 'GET', path })
    return { status: statusCode, json: (await body.json()) as Answer['json'] }
  }

  /** A token request with a fresh assertion and proof; repeated once when a nonce is asked for. */
  async token(who: ProductClient, key: ProofKey, form: Fields, turn = 0): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const signed = { ...form, ...(await this.assertion(who)) }
      const answer = await this.post('/token', signed, await this.proof(key, '/token'), turn)
      if (answer.json.error !== 'use_dpop_nonce' || attempt > 0) return answer
    }
  }

  async introspect(product: Pick<Product, 'introspector'>, token: string): Promise<Answer['json']> {
    const form = { token, ...(await this.assertion(product.introspector)) }
    return (await this.post('/introspect', form)).json
  }

  /** Pushes a request and lets the person allow it. @returns what the token request needs */
  async code(
    product: Omit<Product, 'close'>,
    who: ProductClient,
    browser: UserAgent,
    more: Fields = {},
  ): Promise<Fields> {
    const verifier = randomBytes(32).toString('base64url')
    const pushed = await this.post('/par', {
      ...(await this.assertion(who)),
      response_type: 'code',
      redirect_uri: who.redirectUri,
      scope: 'accounts offline_access',
      resource: product.audience,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      prompt: 'consent',
      ...more,
    })
    if (pushed.status !== 201)
      throw new Error(`pushing answered ${pushed.status} ${JSON.stringify(pushed.json)}`)
    const start = new URL('/authorize', product.issuer)
    start.searchParams.set('client_id', who.clientId)
    start.searchParams.set('request_uri', String(pushed.json.request_uri))
    const callback = await browser.walk(start, who.redirectUri, { ...product.user, consent: 'allow' })
    return {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: who.redirectUri,
      code_verifier: verifier,
    }
  }
}

export async function newProofKey(): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const { kty, crv, x, y } = await exportJWK(publicKey)
  return { privateKey: privateKey as CryptoKey, jwk: { kty, crv, x, y } as JWK }
}

export function newBrowser(product: Pick<Product, 'caPem'>): {
  browser: UserAgent
  close: () => Promise<void>
} {
  const dispatcher = dispatcherFor(product)
  return { browser: new UserAgent(dispatcher), close: () => dispatcher.destroy() }
}
