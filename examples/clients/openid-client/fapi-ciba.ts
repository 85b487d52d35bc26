import { SignJWT } from 'jose'
import * as oauth from 'openid-client'
import { clientIdOf, issuer, say, signingKey } from '../setup.ts'

// FAPI-CIBA: a signed request, and a user who answers on a device of their own.
const clientId = clientIdOf('fapi-ciba')
const { key, kid } = await signingKey('fapi-ciba')
const config = await oauth.discovery(
  issuer,
  clientId,
  { id_token_signed_response_alg: 'ES256' },
  oauth.PrivateKeyJwt({ key, kid }),
)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))

// The library signs requests for the browser only.
const bindingMessage = 'W4SCT'
const request = await new SignJWT({
  scope: 'openid profile',
  login_hint: process.env.USER_HINT ?? 'alice',
  binding_message: bindingMessage,
})
  .setProtectedHeader({ alg: 'ES256', kid })
  .setIssuer(clientId)
  .setAudience(config.serverMetadata().issuer)
  .setJti(crypto.randomUUID())
  .setIssuedAt()
  .setNotBefore('0s')
  .setExpirationTime('2m')
  .sign(key)
const asked = await oauth.initiateBackchannelAuthentication(config, { request })
say(`answer at ${new URL('/ciba', issuer).href}, and compare: ${bindingMessage}`)
const tokens = await oauth.pollBackchannelAuthenticationGrant(config, asked, undefined, { DPoP })
const user = await oauth.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '', { DPoP })
say(`signed in: ${user.sub}, ${user.name}, with a token of type ${tokens.token_type}`)
await oauth.tokenRevocation(config, tokens.access_token)
