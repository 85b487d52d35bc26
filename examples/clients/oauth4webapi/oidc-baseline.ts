import * as oauth from 'oauth4webapi'
import { clientIdOf } from '../setup.ts'
import { authorizationUrl, finish, newSignIn, openDesk } from './sign-in.ts'

// Plain OpenID Connect: a secret, made by `holdfast clients secret rotate recipe-oidc-baseline`; bearer tokens.
const desk = await openDesk(
  { client_id: clientIdOf('oidc-baseline') },
  oauth.ClientSecretBasic(process.env.SECRET ?? ''),
  'bearer',
)
const signIn = await newSignIn()
await finish(desk, authorizationUrl(desk, signIn.parameters), signIn)
