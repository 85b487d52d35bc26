import { readFileSync } from 'node:fs'
import * as oauth from 'openid-client'

// NODE_EXTRA_CA_CERTS=.holdfast/tls/ca.pem node examples/gateways/nginx/call.ts
const { ISSUER = 'https://localhost:8443', AUDIENCE = 'https://localhost:8447' } = process.env
const { EXTERNAL_URL = 'https://localhost:8449' } = process.env

const jwk = JSON.parse(readFileSync('.holdfast/demo/demo-jwt-dpop.jwk.json', 'utf8')) as JsonWebKey & {
  readonly kid: string
}
const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const authentication = oauth.PrivateKeyJwt({ key, kid: jwk.kid })
const config = await oauth.discovery(new URL(ISSUER), 'demo-jwt-dpop', undefined, authentication)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))
const { access_token: token } = await oauth.clientCredentialsGrant(
  config,
  { scope: 'accounts:read', resource: AUDIENCE },
  { DPoP },
)

async function say(what: string, asked: Promise<Response>): Promise<void> {
  // The library throws for an answer with a challenge; the answer is what we want to see.
  const answer = await asked.catch((thrown: unknown) => {
    if (thrown instanceof oauth.WWWAuthenticateChallengeError) return thrown.response
    throw thrown
  })
  const challenge = answer.headers.get('www-authenticate') ?? ''
  const error = /error="(\w+)"/.exec(challenge)?.[1] ?? (challenge === '' ? '' : 'no token')
  process.stdout.write(`${what}: ${answer.status} ${answer.ok ? await answer.text() : error}\n`)
}
const url = new URL(`${EXTERNAL_URL}/accounts`)
await say(
  'with token and proof',
  oauth.fetchProtectedResource(config, token, url, 'GET', undefined, undefined, { DPoP }),
)
await say('with the token alone', fetch(url, { headers: { authorization: `Bearer ${token}` } }))
await say('with a header of our own', fetch(url, { headers: { 'x-user': 'admin' } }))
const elsewhere = await fetch(`${EXTERNAL_URL}//accounts`, { headers: { authorization: `DPoP ${token}` } })
await say('with another spelling', Promise.resolve(elsewhere))
