import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { type DemoKitClient, readDemoKit } from '@holdfast/cli'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import { signJws } from '@holdfast/protocol/jose/sign.ts'
import type { Workshop } from './product.ts'

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly nonce: string | undefined
}

export function listedClients({ folder }: Workshop): readonly DemoKitClient[] {
  return readDemoKit(join(folder, '.holdfast'))?.clients ?? []
}

/** Client credentials, then the demo API, as the client's registration says. @returns both answers */
export async function callDemoApi(
  workshop: Workshop,
  client: DemoKitClient,
): Promise<readonly [Answer, Answer]> {
  const { ports } = workshop
  const isMtls = client.certificateFile !== undefined
  const isDpop = !isMtls && client.clientId !== 'demo-oidc'
  const proofKey = isDpop ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : undefined
  const audience = `https://localhost:${ports.demoApi}`
  const tokenUrl = `https://localhost:${isMtls ? ports.mtls : ports.public}/token`
  const form = (): string =>
    new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'accounts:read',
      resource: audience,
      ...authentication(client, `https://localhost:${ports.public}`),
    }).toString()
  const ask = (nonce?: string): Promise<Answer> =>
    send(workshop, client, 'POST', tokenUrl, proofKey && proof(proofKey, 'POST', tokenUrl, { nonce }), form())
  const first = await ask()
  const token = first.body.error === 'use_dpop_nonce' ? await ask(first.nonce) : first
  const accessToken = String(token.body.access_token)
  const url = `${audience}/accounts`
  const call = (nonce?: string): Promise<Answer> =>
    send(workshop, client, 'GET', url, {
      authorization: `${String(token.body.token_type)} ${accessToken}`,
      ...(proofKey && proof(proofKey, 'GET', url, { ath: sha256(accessToken), nonce })),
    })
  const answer = await call()
  // A fresh API cannot know what it saw before it started, so it asks for a nonce of its own.
  return [token, answer.body.error === 'use_dpop_nonce' ? await call(answer.nonce) : answer]
}

function authentication(
  { clientId, keyFile }: DemoKitClient,
  issuer: string,
): Readonly<Record<string, string>> {
  if (keyFile === undefined) return { client_id: clientId }
  const jwk = JSON.parse(readFileSync(keyFile, 'utf8')) as Record<string, string>
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), iat: now, exp: now + 60 }
  const key = createPrivateKey({ format: 'jwk', key: jwk })
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: signJws({ alg: 'ES256', kid: jwk.kid ?? '' }, claims, key, 'ES256'),
  }
}

function proof(
  key: KeyObject,
  htm: string,
  htu: string,
  more: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const jwk = createPublicKey(key).export({ format: 'jwk' })
  const claims = { jti: randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000), ...more }
  return { dpop: signJws({ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims, key, 'ES256') }
}

function send(
  { folder }: Workshop,
  { certificateFile, certificateKeyFile }: DemoKitClient,
  method: string,
  url: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<Answer> {
  const tls = {
    ca: readFileSync(join(folder, '.holdfast/tls/ca.pem')),
    ...(certificateFile !== undefined && { cert: readFileSync(certificateFile) }),
    ...(certificateKeyFile !== undefined && { key: readFileSync(certificateKeyFile) }),
  }
  const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  return new Promise((done, fail) => {
    const outgoing = request(
      url,
      { method, headers: { ...headers, ...type }, ...tls, agent: false },
      response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => {
          const nonce = response.headers['dpop-nonce']
          done({
            status: response.statusCode ?? 0,
            body: JSON.parse(text) as Record<string, unknown>,
            nonce: Array.isArray(nonce) ? nonce[0] : nonce,
          })
        })
      },
    )
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}
