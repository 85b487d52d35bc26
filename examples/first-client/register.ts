import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { document, makeKey } from '../key.ts'

// node examples/first-client/register.ts [folder]: makes the client's key and the document that registers it.
const folder = process.argv[2] ?? 'my-client'
const publicKey = makeKey(join(folder, 'key.json'), 'my-client-1')
const client = document('Client', 'my-client', {
  resources: ['demo-api'],
  metadata: {
    client_name: 'My first client',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback'],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid offline_access accounts:read',
    token_endpoint_auth_method: 'private_key_jwt',
    dpop_bound_access_tokens: true,
    jwks: { keys: [publicKey] },
  },
})
const file = join(folder, 'client.yaml')
writeFileSync(file, `${client}\n`)
process.stdout.write(`${file} registers it: holdfast apply -f ${file}\n`)
