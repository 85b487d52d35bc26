import * as oauth from 'openid-client'
import { clientIdOf, issuer, signingKey } from '../setup.ts'
import { finish, newSignIn } from './sign-in.ts'

// FAPI 2.0: the request is pushed, the client proves its key, the tokens are bound to a DPoP key.
const config = await oauth.discovery(
  issuer,
  clientIdOf('fapi2-security'),
  { id_token_signed_response_alg: 'ES256' },
  oauth.PrivateKeyJwt(await signingKey('fapi2-security')),
)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))
const { parameters, checks } = await newSignIn()
await finish(config, await oauth.buildAuthorizationUrlWithPAR(config, parameters, { DPoP }), checks, { DPoP })
