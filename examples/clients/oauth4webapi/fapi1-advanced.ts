import * as oauth from 'oauth4webapi'
import { clientIdOf, fetchWithCertificate, signingKey } from '../setup.ts'
import { finish, newSignIn, openDesk, push } from './sign-in.ts'

// FAPI 1.0 Advanced: a signed request, `code id_token` back, tokens bound to the certificate.
const profile = 'fapi1-advanced'
const key = await signingKey(profile)
const desk = await openDesk(
  { client_id: clientIdOf(profile), use_mtls_endpoint_aliases: true },
  oauth.PrivateKeyJwt(key),
  fetchWithCertificate(),
)
const { server, client, options } = desk
const signIn = await newSignIn()
const parameters = { ...signIn.parameters, response_type: 'code id_token' }
const url = await push(desk, { request: await oauth.issueRequestObject(server, client, parameters, key) })
await finish(desk, url, signIn, (callback, state) => {
  const { nonce = '' } = signIn.parameters
  return oauth.validateDetachedSignatureResponse(server, client, callback, nonce, state, undefined, options)
})
