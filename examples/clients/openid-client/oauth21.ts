import * as oauth from 'openid-client'
import { clientIdOf, issuer } from '../setup.ts'
import { finish, newSignIn } from './sign-in.ts'

// OAuth 2.1, an application without a secret: PKCE, and a DPoP key of its own that its tokens are bound to.
const config = await oauth.discovery(
  issuer,
  clientIdOf('oauth21'),
  { id_token_signed_response_alg: 'ES256' },
  oauth.None(),
)
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))
const { parameters, checks } = await newSignIn()
await finish(config, oauth.buildAuthorizationUrl(config, parameters), checks, { DPoP })
