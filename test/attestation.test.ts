import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { SignJWT } from 'jose'
import { request } from 'undici'
import { newBrowser, newProofKey, type ProofKey } from './harness/raw-client.ts'
import { dispatcherFor } from './product/dispatchers.ts'
import type { Product, ProductClient } from './product/product.ts'
import { postgresAnswers, type StoreKind, startProduct } from './product/start.ts'

/**
 * A client of attestation-based client authentication, written from the checklist because no library speaks draft 10:
 * the whole chain over TLS, with a proof of its own and combined with DPoP.
 */

interface Answer {
  readonly status: number
  readonly challenge: string | undefined
  readonly json: Readonly<Record<string, unknown>>
}

const newJti = (): string => randomBytes(16).toString('base64url')

/** One installation of the client. */
class Instance {
  readonly #product: Product
  readonly #who: ProductClient
  readonly #key: ProofKey
  readonly #agent: ReturnType<typeof dispatcherFor>
  #challenge = 'none yet'

  constructor(product: Product, who: ProductClient, key: ProofKey) {
    this.#product = product
    this.#who = who
    this.#key = key
    this.#agent = dispatcherFor(product)
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }

  /** Asks for a challenge, as its metadata says where. */
  async fetchChallenge(): Promise<string> {
    const metadata = await this.#send('GET', '/.well-known/oauth-authorization-server')
    const endpoint = new URL(String(metadata.json.challenge_endpoint))
    const answer = await this.#send('POST', endpoint.pathname)
    this.#challenge = String(answer.json.attestation_challenge)
    return this.#challenge
  }

  /** Repeats itself once when it is told another challenge. */
  async post(path: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    const answer = await this.#send('POST', path, form, await this.#headers(path))
    if (answer.challenge === undefined) return answer
    this.#challenge = answer.challenge
    return this.#send('POST', path, form, await this.#headers(path))
  }

  async #headers(path: string): Promise<Readonly<Record<string, string>>> {
    const { attester } = this.#product.attested
    const attestation = await new SignJWT({ cnf: { jwk: this.#key.jwk } })
      .setProtectedHeader({ alg: 'ES256', typ: 'oauth-client-attestation+jwt', kid: attester.kid })
      .setSubject(this.#who.clientId)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(attester.key)
    const proof = this.#who.isDpop
      ? new SignJWT({
          htm: 'POST',
          htu: this.#product.issuer.origin + path,
          nonce: this.#challenge,
        }).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: this.#key.jwk })
      : new SignJWT({ challenge: this.#challenge })
          .setAudience(this.#product.issuer.origin)
          .setProtectedHeader({ alg: 'ES256', typ: 'oauth-client-attestation-pop+jwt' })
    const signed = await proof.setJti(newJti()).setIssuedAt().sign(this.#key.privateKey)
    return {
      'oauth-client-attestation': attestation,
      [this.#who.isDpop ? 'dpop' : 'oauth-client-attestation-pop']: signed,
    }
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    form?: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const {
      statusCode,
      headers: got,
      body,
    } = await request(new URL(path, this.#product.issuer), {
      method,
      dispatcher: this.#agent,
      headers: { ...headers, ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
      ...(form && { body: new URLSearchParams(form).toString() }),
    })
    const told = got['oauth-client-attestation-challenge']
    const text = await body.text()
    return {
      status: statusCode,
      challenge: typeof told === 'string' ? told : undefined,
      json: text === '' ? {} : JSON.parse(text),
    }
  }
}

/** Pushes, lets the person allow, and says what redeems the code. */
async function codeOf(product: Product, who: ProductClient, instance: Instance) {
  const verifier = randomBytes(32).toString('base64url')
  const pushed = await instance.post('/par', {
    response_type: 'code',
    redirect_uri: who.redirectUri,
    scope: 'accounts offline_access',
    resource: product.audience,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'consent',
  })
  assert.equal(pushed.status, 201, JSON.stringify(pushed.json))
  const start = new URL('/authorize', product.issuer)
  start.searchParams.set('client_id', who.clientId)
  start.searchParams.set('request_uri', String(pushed.json.request_uri))
  const { browser, close } = newBrowser(product)
  const callback = await browser.walk(start, who.redirectUri, { ...product.user, consent: 'allow' })
  await close()
  return {
    grant_type: 'authorization_code',
    code: callback.searchParams.get('code') ?? '',
    redirect_uri: who.redirectUri,
    code_verifier: verifier,
  }
}

const hasPostgres = await postgresAnswers()

for (const store of ['sqlite', 'postgres'] as const satisfies readonly StoreKind[])
  describe(`attested clients on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let product: Product
    before(async () => {
      product = await startProduct(store)
    })
    after(async () => product.close())

    for (const mode of ['normal', 'combined'] as const)
      it(`walk the chain in the ${mode} mode, and what one instance was given is worth nothing to another`, async () => {
        const who = product.attested[mode]
        const phone = new Instance(product, who, await newProofKey())
        const tablet = new Instance(product, who, await newProofKey())
        try {
          assert.notEqual(await phone.fetchChallenge(), 'none yet')
          const redemption = await codeOf(product, who, phone)
          assert.equal((await tablet.post('/token', redemption)).json.error, 'invalid_grant')
          const tokens = await phone.post('/token', redemption)
          assert.equal(tokens.status, 200, JSON.stringify(tokens.json))
          assert.equal(tokens.json.token_type, mode === 'combined' ? 'DPoP' : 'Bearer')
          const refresh = { grant_type: 'refresh_token', refresh_token: String(tokens.json.refresh_token) }
          assert.equal((await tablet.post('/token', refresh)).json.error, 'invalid_grant')
          assert.equal((await phone.post('/token', refresh)).status, 200)
          assert.equal((await phone.post('/revoke', { token: refresh.refresh_token })).status, 200)
          assert.equal((await phone.post('/token', refresh)).json.error, 'invalid_grant')
        } finally {
          await Promise.all([phone.close(), tablet.close()])
        }
      })
  })
