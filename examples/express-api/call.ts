import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as oauth from 'openid-client'

// NODE_EXTRA_CA_CERTS=.holdfast/tls/ca.pem node examples/express-api/call.ts [folder]
const folder = process.argv[2] ?? 'my-api'
const { ISSUER = 'https://localhost:8443', AUDIENCE = 'https://localhost:8461' } = process.env

const jwk = JSON.parse(readFileSync(join(folder, 'notes-reader.json'), 'utf8')) as JsonWebKey & {
  readonly kid: string
}
const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const authentication = oauth.PrivateKeyJwt({ key, kid: jwk.kid })
const config = await oauth.discovery(new URL(ISSUER), 'notes-reader', undefined, authentication)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))
const { access_token: token } = await oauth.clientCredentialsGrant(
  config,
  { scope: 'notes:read', resource: AUDIENCE },
  { DPoP },
)
process.stdout.write(`the token is ${token.split('.').length === 3 ? 'a JWT' : 'opaque'}\n`)

const url = new URL(`${AUDIENCE}/notes`)
async function say(what: string, asked: Promise<Response>): Promise<void> {
  // The library throws for an answer with a challenge; the answer is what we want to see.
  const answer = await asked.catch((thrown: unknown) => {
    if (thrown instanceof oauth.WWWAuthenticateChallengeError) return thrown.response
    throw thrown
  })
  const challenge = answer.headers.get('www-authenticate')
  const error =
    challenge === null ? await answer.text() : (/error="(\w+)"/.exec(challenge)?.[1] ?? 'no token')
  process.stdout.write(`${what}: ${answer.status} ${error}\n`)
}
const call = (method: string): Promise<Response> =>
  oauth.fetchProtectedResource(config, token, url, method, undefined, undefined, { DPoP })

await say('read', call('GET'))
await say('write', call('POST'))
await say('without token', fetch(url))
await say('token alone', fetch(url, { headers: { authorization: `Bearer ${token}` } }))
