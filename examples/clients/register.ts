import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@holdfast/server/clock.ts'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import { document, makeKey } from '../key.ts'
import { clientIdOf, folder, profiles, redirectUri } from './setup.ts'

// node examples/clients/register.ts: one client per profile, the key of each, and a certificate for FAPI 1.0.
const byKey = { token_endpoint_auth_method: 'private_key_jwt' }
const byDpop = { dpop_bound_access_tokens: true }
const signed = { request_object_signing_alg: 'ES256', authorization_signed_response_alg: 'ES256' }

/** What each profile wants registered beyond a name, an address, a scope and a key. */
const metadata: Readonly<Record<(typeof profiles)[number], object>> = {
  'oidc-baseline': { token_endpoint_auth_method: 'client_secret_basic', jwks: undefined },
  oauth21: { token_endpoint_auth_method: 'none', jwks: undefined, ...byDpop },
  'fapi2-security': { ...byKey, ...byDpop },
  'fapi2-message-signing': { ...byKey, ...byDpop, ...signed, response_modes: ['jwt'] },
  'fapi1-advanced': {
    ...{ ...byKey, ...signed, response_types: ['code', 'code id_token'] },
    ...{ tls_client_certificate_bound_access_tokens: true, use_mtls_endpoint_aliases: true },
  },
  'fapi-ciba': {
    ...{ ...byKey, ...byDpop, redirect_uris: undefined, response_types: undefined },
    grant_types: ['urn:openid:params:grant-type:ciba'],
    backchannel_token_delivery_mode: 'poll',
    backchannel_authentication_request_signing_alg: 'ES256',
  },
}

const documents = profiles.map(profile =>
  document('Client', clientIdOf(profile), {
    profile,
    metadata: {
      client_name: `Recipe for ${profile}`,
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      scope: 'openid profile',
      id_token_signed_response_alg: 'ES256',
      jwks: { keys: [makeKey(join(folder, `${profile}.json`), `${profile}-1`)] },
      ...metadata[profile],
    },
  }),
)
// Any certificate will do where the client proves itself by a key: its tokens are bound to this one.
const authority = await openDevelopmentCa('.holdfast/tls', systemClock.now())
const { certPem, keyPem } = await authority.clientCertificate('recipe', 'CN=recipe', 'self-signed')
writeFileSync(join(folder, 'certificate.pem'), certPem)
writeFileSync(join(folder, 'certificate.key'), keyPem, { mode: 0o600 })

const file = join(folder, 'clients.yaml')
writeFileSync(file, `${documents.join('\n---\n')}\n`)
process.stdout.write(`${file} registers them: holdfast apply -f ${file}\n`)
