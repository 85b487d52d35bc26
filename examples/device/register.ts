import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { document } from '../key.ts'

// node examples/device/register.ts [folder]: the document that registers a television.
const folder = process.argv[2] ?? 'my-device'
const television = document('Client', 'living-room-tv', {
  // Many sets share this registration, so it has no key of its own: each set proves itself with a DPoP key.
  profile: 'oauth21',
  resources: ['demo-api'],
  metadata: {
    client_name: 'Living room television',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    dpop_bound_access_tokens: true,
    id_token_signed_response_alg: 'ES256',
    scope: 'openid offline_access accounts:read',
  },
})
mkdirSync(folder, { recursive: true, mode: 0o700 })
const file = join(folder, 'client.yaml')
writeFileSync(file, `${television}\n`)
process.stdout.write(`${file} registers it: holdfast apply -f ${file}\n`)
