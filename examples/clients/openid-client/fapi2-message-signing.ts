import * as oauth from 'openid-client'
import { clientIdOf, issuer, signingKey } from '../setup.ts'
import { finish, newSignIn } from './sign-in.ts'

// FAPI 2.0 Message Signing: as FAPI 2.0, and request and response are signed.
const key = await signingKey('fapi2-message-signing')
const config = await oauth.discovery(
  issuer,
  clientIdOf('fapi2-message-signing'),
  { id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256' },
  oauth.PrivateKeyJwt(key),
)
oauth.useJwtResponseMode(config)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))
const { parameters, checks } = await newSignIn()
const signed = await oauth.buildAuthorizationUrlWithJAR(config, parameters, key)
const request = signed.searchParams.get('request') ?? ''
await finish(config, await oauth.buildAuthorizationUrlWithPAR(config, { request }, { DPoP }), checks, {
  DPoP,
})
