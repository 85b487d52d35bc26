import * as oauth from 'oauth4webapi'
import { clientIdOf, signingKey } from '../setup.ts'
import { finish, newSignIn, openDesk, push } from './sign-in.ts'

// FAPI 2.0 Message Signing: as FAPI 2.0, and request and response are signed.
const profile = 'fapi2-message-signing'
const key = await signingKey(profile)
const desk = await openDesk(
  { client_id: clientIdOf(profile), authorization_signed_response_alg: 'ES256' },
  oauth.PrivateKeyJwt(key),
  'dpop',
)
const { server, client } = desk
const signIn = await newSignIn()
const parameters = { ...signIn.parameters, response_mode: 'jwt' }
const url = await push(desk, { request: await oauth.issueRequestObject(server, client, parameters, key) })
await finish(desk, url, signIn, (callback, state) =>
  oauth.validateJwtAuthResponse(server, client, callback, state),
)
