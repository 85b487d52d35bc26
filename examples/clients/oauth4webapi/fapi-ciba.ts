import { setTimeout as sleep } from 'node:timers/promises'
import * as oauth from 'oauth4webapi'
import { clientIdOf, issuer, say, signingKey } from '../setup.ts'
import { openDesk, tell, withNonce } from './sign-in.ts'

// FAPI-CIBA: a signed request, and a user who answers on a device of their own.
const profile = 'fapi-ciba'
const key = await signingKey(profile)
const desk = await openDesk({ client_id: clientIdOf(profile) }, oauth.PrivateKeyJwt(key), 'dpop')
const { server, client, authentication, options } = desk
const parameters = {
  scope: 'openid profile',
  login_hint: process.env.USER_HINT ?? 'alice',
  binding_message: 'W4SCT',
}
const request = await oauth.issueRequestObject(server, client, parameters, key)
const asked = await oauth.processBackchannelAuthenticationResponse(
  server,
  client,
  await oauth.backchannelAuthenticationRequest(server, client, authentication, { request }, options),
)
say(`answer at ${new URL('/ciba', issuer).href}, and compare: ${parameters.binding_message}`)

for (let interval = asked.interval ?? 5; ; ) {
  await sleep(interval * 1000)
  const answer = await poll()
  if (typeof answer !== 'string') {
    await tell(desk, answer)
    break
  }
  if (answer === 'slow_down') interval += 5
}

/** @returns the tokens, or why there are none yet */
async function poll(): Promise<oauth.TokenEndpointResponse | 'authorization_pending' | 'slow_down'> {
  try {
    return await withNonce(async () =>
      oauth.processBackchannelAuthenticationGrantResponse(
        server,
        client,
        await oauth.backchannelAuthenticationGrantRequest(
          server,
          client,
          authentication,
          asked.auth_req_id,
          options,
        ),
      ),
    )
  } catch (cause) {
    const error = cause instanceof oauth.ResponseBodyError ? cause.error : undefined
    if (error === 'authorization_pending' || error === 'slow_down') return error
    throw cause
  }
}
