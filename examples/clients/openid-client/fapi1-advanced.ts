import * as oauth from 'openid-client'
import { clientIdOf, fetchWithCertificate, issuer, signingKey } from '../setup.ts'
import { finish, newSignIn } from './sign-in.ts'

// FAPI 1.0 Advanced: a signed request, `code id_token` back, tokens bound to the certificate.
const key = await signingKey('fapi1-advanced')
const config = await oauth.discovery(
  issuer,
  clientIdOf('fapi1-advanced'),
  { id_token_signed_response_alg: 'ES256', use_mtls_endpoint_aliases: true },
  oauth.PrivateKeyJwt(key),
  { [oauth.customFetch]: fetchWithCertificate() },
)
oauth.useCodeIdTokenResponseType(config)
oauth.enableDetachedSignatureResponseChecks(config)
const { parameters, checks } = await newSignIn()
const signed = await oauth.buildAuthorizationUrlWithJAR(config, parameters, key)
const request = signed.searchParams.get('request') ?? ''
await finish(config, await oauth.buildAuthorizationUrlWithPAR(config, { request }), checks)
