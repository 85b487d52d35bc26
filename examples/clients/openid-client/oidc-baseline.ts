import * as oauth from 'openid-client'
import { clientIdOf, issuer } from '../setup.ts'
import { finish, newSignIn } from './sign-in.ts'

// Plain OpenID Connect: a secret, made by `holdfast clients secret rotate recipe-oidc-baseline`; bearer tokens.
const config = await oauth.discovery(
  issuer,
  clientIdOf('oidc-baseline'),
  { id_token_signed_response_alg: 'ES256' },
  oauth.ClientSecretBasic(process.env.SECRET),
)
const { parameters, checks } = await newSignIn()
await finish(config, oauth.buildAuthorizationUrl(config, parameters), checks)
