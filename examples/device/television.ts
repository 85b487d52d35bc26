import * as oauth from 'openid-client'

// NODE_EXTRA_CA_CERTS=.holdfast/tls/ca.pem node examples/device/television.ts
const { ISSUER = 'https://localhost:8443', API = 'https://localhost:8447' } = process.env

// 1. This set's own key. A real one keeps it where it cannot be copied, and for as long as it stays signed in.
const config = await oauth.discovery(
  new URL(ISSUER),
  'living-room-tv',
  { id_token_signed_response_alg: 'ES256' },
  oauth.None(),
)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))

// 2. Ask for a code, and show it.
const asked = await oauth.initiateDeviceAuthorization(config, {
  scope: 'openid offline_access accounts:read',
  resource: API,
})
process.stdout.write(`go to ${asked.verification_uri} and type ${asked.user_code}\n`)
process.stdout.write(`or open ${asked.verification_uri_complete}\n`)

// 3. Ask every few seconds until the person has answered. The library waits as the server tells it to.
const tokens = await oauth.pollDeviceAuthorizationGrant(config, asked, undefined, { DPoP })
process.stdout.write(`connected for ${tokens.claims()?.sub}: ${tokens.scope}\n`)

// 4. Call the API with the set's key.
const url = new URL(`${API}/accounts`)
const answer = await oauth.fetchProtectedResource(
  config,
  tokens.access_token,
  url,
  'GET',
  undefined,
  undefined,
  { DPoP },
)
process.stdout.write(`the API says ${answer.status}: ${await answer.text()}\n`)

// 5. A new access token without the person. The refresh token changes each time: keep the last one.
const again = await oauth.refreshTokenGrant(config, tokens.refresh_token ?? '', { resource: API }, { DPoP })
process.stdout.write(
  `refreshed, with ${again.refresh_token === tokens.refresh_token ? 'the same' : 'a new'} token\n`,
)
