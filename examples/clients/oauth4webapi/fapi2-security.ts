import * as oauth from 'oauth4webapi'
import { clientIdOf, signingKey } from '../setup.ts'
import { finish, newSignIn, openDesk, push } from './sign-in.ts'

// FAPI 2.0: the request is pushed, the client proves its key, the tokens are bound to a DPoP key.
const profile = 'fapi2-security'
const desk = await openDesk(
  { client_id: clientIdOf(profile) },
  oauth.PrivateKeyJwt(await signingKey(profile)),
  'dpop',
)
const signIn = await newSignIn()
await finish(desk, await push(desk, signIn.parameters), signIn)
