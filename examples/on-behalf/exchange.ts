import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as oauth from 'openid-client'

// NODE_EXTRA_CA_CERTS=.holdfast/tls/ca.pem node examples/on-behalf/exchange.ts [folder]
const folder = process.argv[2] ?? 'my-exchange'
const { ISSUER = 'https://localhost:8443', API = 'https://localhost:8447' } = process.env
const { AUDIENCE = 'https://localhost:8462' } = process.env

interface Party {
  readonly config: oauth.Configuration
  readonly DPoP: oauth.DPoPHandle
}

async function party(name: string): Promise<Party> {
  const jwk = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as JsonWebKey & {
    readonly kid: string
  }
  const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
  const key = await crypto.subtle.importKey('jwk', jwk, ecdsa, false, ['sign'])
  const authentication = oauth.PrivateKeyJwt({ key, kid: jwk.kid })
  const metadata = { id_token_signed_response_alg: 'ES256' }
  const config = await oauth.discovery(new URL(ISSUER), name, metadata, authentication)
  return { config, DPoP: oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256')) }
}

// 1. The application signs a person in and gets a token for the budget API, bound to the application's key.
const app = await party('budget-app')
const { promise: cameBack, resolve: comeBack } = Promise.withResolvers<URL>()
const listener = createServer((request, response) => {
  const url = new URL(request.url ?? '/', redirectUri)
  if (url.pathname !== '/callback') return void response.writeHead(404).end()
  response.writeHead(200, { 'content-type': 'text/plain' }).end('Done; go back to the terminal.\n')
  comeBack(url)
})
await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`
const pkceCodeVerifier = oauth.randomPKCECodeVerifier()
const [expectedState, expectedNonce] = [oauth.randomState(), oauth.randomNonce()]
const url = await oauth.buildAuthorizationUrlWithPAR(
  app.config,
  {
    redirect_uri: redirectUri,
    scope: 'openid accounts:read',
    resource: AUDIENCE,
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  },
  { DPoP: app.DPoP },
)
process.stdout.write(`open this in a browser within a minute:\n${url.href}\n`)
const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
const callback = await cameBack
listener.close()
listener.closeAllConnections()
const tokens = await oauth.authorizationCodeGrant(app.config, callback, checks, undefined, { DPoP: app.DPoP })

// 2. The application would now call the budget API. Here the API holds the token it was called with, verified.
const received = tokens.access_token

// 3. The API cannot use that token elsewhere: it is made out to the API and bound to the application's key. It asks for
//    one of its own, for the same person, with itself as the actor, bound to its own key.
const api = await party('budget-api')
const exchange = (
  parameters: Readonly<Record<string, string>>,
): ReturnType<typeof oauth.genericGrantRequest> =>
  oauth.genericGrantRequest(
    api.config,
    'urn:ietf:params:oauth:grant-type:token-exchange',
    {
      subject_token: received,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: API,
      ...parameters,
    },
    { DPoP: api.DPoP },
  )
const exchanged = await exchange({})
process.stdout.write(`exchanged: ${exchanged.scope}, ${exchanged.expires_in} s\n`)
const answer = await oauth.fetchProtectedResource(
  api.config,
  exchanged.access_token,
  new URL(`${API}/accounts`),
  'GET',
  undefined,
  undefined,
  { DPoP: api.DPoP },
)
process.stdout.write(`the demo API says ${answer.status}: ${await answer.text()}\n`)

// 4. It cannot grow: what the person did not allow the application, the API does not get either.
const wider = await exchange({ scope: 'accounts:read payments:write' }).catch((thrown: unknown) => thrown)
process.stdout.write(
  `more than was allowed: ${wider instanceof oauth.ResponseBodyError ? wider.error : 'granted'}\n`,
)
