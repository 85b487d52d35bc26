import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as oauth from 'openid-client'

// NODE_EXTRA_CA_CERTS=.holdfast/tls/ca.pem node examples/first-client/client.ts [folder]
const folder = process.argv[2] ?? 'my-client'
const { ISSUER = 'https://localhost:8443', API = 'https://localhost:8447' } = process.env

// 1. Who we are: the key that `register.ts` made. How our tokens are bound: a DPoP key made now, and never stored.
const jwk = JSON.parse(readFileSync(join(folder, 'key.json'), 'utf8')) as JsonWebKey & {
  readonly kid: string
}
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
const key = await crypto.subtle.importKey('jwk', jwk, ecdsa, false, ['sign'])
const config = await oauth.discovery(
  new URL(ISSUER),
  'my-client',
  { id_token_signed_response_alg: 'ES256' },
  oauth.PrivateKeyJwt({ key, kid: jwk.kid }),
)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))

// 2. Where the browser comes back to: a loopback port that happens to be free.
const { promise: cameBack, resolve: comeBack } = Promise.withResolvers<URL>()
const listener = createServer((request, response) => {
  const url = new URL(request.url ?? '/', redirectUri)
  if (url.pathname !== '/callback') return void response.writeHead(404).end()
  response.writeHead(200, { 'content-type': 'text/plain' }).end('Done; go back to the terminal.\n')
  comeBack(url)
})
await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`

// 3. Push the request. Only a reference goes through the browser.
const pkceCodeVerifier = oauth.randomPKCECodeVerifier()
const [expectedState, expectedNonce] = [oauth.randomState(), oauth.randomNonce()]
const url = await oauth.buildAuthorizationUrlWithPAR(
  config,
  {
    redirect_uri: redirectUri,
    scope: 'openid offline_access accounts:read',
    resource: API,
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    prompt: 'consent',
  },
  { DPoP },
)
process.stdout.write(`open this in a browser within a minute:\n${url.href}\n`)

// 4. Redeem the code. The library checks `iss`, `state`, `nonce` and the ID token.
const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
const callback = await cameBack
listener.close()
listener.closeAllConnections()
const tokens = await oauth.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
process.stdout.write(`signed in: ${tokens.claims()?.sub}\ngranted: ${tokens.scope}\n`)

// 5. Call the API. The library makes a fresh proof for every request, and repeats one that lacks a nonce.
const answer = await oauth.fetchProtectedResource(
  config,
  tokens.access_token,
  new URL(`${API}/accounts`),
  'GET',
  undefined,
  undefined,
  { DPoP },
)
process.stdout.write(`the API says ${answer.status}: ${await answer.text()}\n`)

// 6. Later: a new access token without the user. The refresh token stays the same; it is bound to this client.
const again = await oauth.refreshTokenGrant(config, tokens.refresh_token ?? '', { resource: API }, { DPoP })
process.stdout.write(`refreshed: ${again.expires_in} s more\n`)

// 7. Done: give it back.
await oauth.tokenRevocation(config, tokens.refresh_token ?? '')
process.stdout.write('revoked\n')
