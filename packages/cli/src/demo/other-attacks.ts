import * as oauth from 'openid-client'
import { authenticationOf, configure } from './actor.ts'
import { type Attempt, refusedBy } from './attack.ts'
import { type Cast, requestOf, type Walked } from './chain.ts'
import type { Thief } from './thief.ts'
import type { Expected } from './transcript.ts'

/** What a client gets that asks without its proof or certificate. Where the certificate is also how it authenticates, it is nobody. */
const unboundRefusals: Readonly<Record<string, Expected>> & { readonly 'demo-jwt-dpop': Expected } = {
  'demo-jwt-dpop': { status: 400, error: 'invalid_dpop_proof', ruleId: 'sender.proof-missing' },
  'demo-jwt-mtls': { status: 400, error: 'invalid_request', ruleId: 'sender.certificate-missing' },
  'demo-pki-mtls': { status: 401, error: 'invalid_client', ruleId: 'client-auth.certificate-missing' },
  'demo-own-mtls': { status: 401, error: 'invalid_client', ruleId: 'client-auth.self-signed-missing' },
}

/** The signed proof of who the client is, captured and sent again. */
export function assertionAttacks({ client }: Cast, { push }: Walked, thief: Thief): readonly Attempt[] {
  if (client.listed.keyFile === undefined) return []
  return [
    {
      id: 'assertion.replayed',
      act: 'assertion',
      title: 'A captured client assertion, sent a second time',
      expected: { status: 401, error: 'invalid_client', ruleId: 'client-assertion.replay' },
      run: () => thief.wire.send(push.url, { method: push.method, form: push.form }),
    },
  ]
}

/** Somebody talks the client, or its developer, into a weaker request. */
export function downgradeAttacks({ kit, client }: Cast, thief: Thief): readonly Attempt[] {
  const push = async (change: (request: Record<string, string>) => Record<string, string>) => {
    const request = change(await requestOf(kit, client, oauth.randomPKCECodeVerifier()))
    return await refusedBy(client.wire, () =>
      oauth.buildAuthorizationUrlWithPAR(client.config, request, client.options),
    )
  }
  const refused = { status: 400, error: 'invalid_request' }
  return [
    {
      id: 'downgrade.no-pkce',
      act: 'downgrade',
      title: 'A pushed request without PKCE',
      expected: { ...refused, ruleId: 'pkce.required' },
      run: () =>
        push(({ code_challenge: _challenge, code_challenge_method: _method, ...request }) => request),
    },
    {
      id: 'downgrade.plain-pkce',
      act: 'downgrade',
      title: 'A pushed request with PKCE that protects nothing (method plain)',
      expected: { ...refused, ruleId: 'pkce.method' },
      run: () => push(request => ({ ...request, code_challenge_method: 'plain' })),
    },
    {
      id: 'downgrade.redirect-uri',
      act: 'downgrade',
      title: 'A pushed request that sends the code to the thief',
      expected: { ...refused, ruleId: 'redirect-uri.registered' },
      run: () => push(request => ({ ...request, redirect_uri: 'https://thief.example/callback' })),
    },
    {
      id: 'downgrade.unpushed',
      act: 'downgrade',
      title: 'A request through the browser, not pushed',
      expected: { status: 303, error: 'invalid_request', ruleId: 'par.required' },
      run: async () => {
        const request = await requestOf(kit, client, oauth.randomPKCECodeVerifier())
        const url = oauth.buildAuthorizationUrl(client.config, request)
        return await thief.wire.send(url.href, { method: 'GET' })
      },
    },
    {
      id: 'downgrade.unbound',
      act: 'downgrade',
      title: 'A token that is bound to nothing, asked for by the client itself',
      expected: unboundRefusals[client.listed.clientId] ?? unboundRefusals['demo-jwt-dpop'],
      run: async () => {
        const config = await configure(kit, client.listed, thief.wire, await authenticationOf(client.listed))
        const parameters = { scope: 'accounts:read', resource: kit.api }
        return await refusedBy(thief.wire, () => oauth.clientCredentialsGrant(config, parameters))
      },
    },
  ]
}
