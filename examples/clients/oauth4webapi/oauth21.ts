import * as oauth from 'oauth4webapi'
import { clientIdOf } from '../setup.ts'
import { authorizationUrl, finish, newSignIn, openDesk } from './sign-in.ts'

// OAuth 2.1, an application without a secret: PKCE, and a DPoP key of its own that its tokens are bound to.
const desk = await openDesk({ client_id: clientIdOf('oauth21') }, oauth.None(), 'dpop')
const signIn = await newSignIn()
await finish(desk, authorizationUrl(desk, signIn.parameters), signIn)
