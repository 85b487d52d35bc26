import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as oauth from 'openid-client'

// node examples/cases/act.ts <read|propose|approve|pay> <case> [EUR], as whoever signs in. NODE_EXTRA_CA_CERTS names the CA.
const [verb = 'read', id = '7', amount] = process.argv.slice(2)
const {
  ISSUER = 'https://localhost:8443',
  PORT = '8471',
  GATEWAY = 'https://localhost:8472',
  FOLDER = 'my-cases',
} = process.env
const jwk = JSON.parse(readFileSync(join(FOLDER, 'app.json'), 'utf8')) as JsonWebKey & {
  readonly kid: string
}
const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
const config = await oauth.discovery(
  new URL(ISSUER),
  'cases-app',
  { id_token_signed_response_alg: 'ES256' },
  oauth.PrivateKeyJwt({ key, kid: jwk.kid }),
)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))

const { promise: cameBack, resolve: comeBack } = Promise.withResolvers<URL>()
const listener = createServer((request, response) => {
  response.end('Done; go back to the terminal.\n')
  comeBack(new URL(request.url ?? '/', redirectUri))
})
await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`
const pkceCodeVerifier = oauth.randomPKCECodeVerifier()
const [expectedState, expectedNonce] = [oauth.randomState(), oauth.randomNonce()]
// Who pays says beforehand how much, for which case: it stands on the consent page and in the token.
const details = [{ type: 'case_payout', case: id, amount: { currency: 'EUR', amount } }]
const url = await oauth.buildAuthorizationUrlWithPAR(
  config,
  {
    redirect_uri: redirectUri,
    scope: 'openid cases:work cases:approve',
    resource: `https://localhost:${PORT}`,
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    ...(verb === 'pay' && amount !== undefined && { authorization_details: JSON.stringify(details) }),
  },
  { DPoP },
)
process.stdout.write(`open this in a browser within a minute:\n${url.href}\n`)
const callback = await cameBack
listener.close()
listener.closeAllConnections()
const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
const { access_token: token } = await oauth.authorizationCodeGrant(config, callback, checks, undefined, {
  DPoP,
})

const requests: Readonly<Record<string, readonly [method: string, path: string, body?: string]>> = {
  read: ['GET', ''],
  propose: ['POST', '/proposal', JSON.stringify({ cents: Math.round(Number(amount) * 100) })],
  approve: ['POST', '/approval'],
  pay: ['POST', '/payment'],
}
const [method, path, body] = requests[verb] ?? ['GET', '']
const target = new URL(`${GATEWAY}/cases/${id}${path}`)
const headers = new Headers(body === undefined ? {} : { 'content-type': 'application/json' })
try {
  const answer = await oauth.fetchProtectedResource(config, token, target, method, body, headers, { DPoP })
  process.stdout.write(`${verb} ${id}: ${answer.status} ${await answer.text()}\n`)
} catch (cause) {
  // The library throws for a challenge, which says what is missing.
  if (!(cause instanceof oauth.WWWAuthenticateChallengeError)) throw cause
  const { error = 'no token', acr_values: acrValues = '' } = cause.cause[0]?.parameters ?? {}
  process.stdout.write(`${verb} ${id}: ${cause.status} ${error} ${acrValues}\n`)
}
