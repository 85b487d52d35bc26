import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { document, makeKey } from '../key.ts'

// node examples/on-behalf/register.ts [folder]: an API, the application that calls it, and what the API may do for it.
const folder = process.argv[2] ?? 'my-exchange'
const { AUDIENCE = 'https://localhost:8462' } = process.env

const client = (name: string, spec: object, metadata: object): string =>
  document('Client', name, {
    ...spec,
    metadata: {
      token_endpoint_auth_method: 'private_key_jwt',
      dpop_bound_access_tokens: true,
      jwks: { keys: [makeKey(join(folder, `${name}.json`), `${name}-1`)] },
      ...metadata,
    },
  })

const documents = [
  document('ResourceServer', 'budget', {
    audience: AUDIENCE,
    displayName: 'Budget planner',
    scopes: ['accounts:read'],
  }),
  // The application the person uses. It knows the budget API and nothing behind it.
  client(
    'budget-app',
    { resources: ['budget'] },
    {
      client_name: 'Budget app',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      scope: 'openid accounts:read',
    },
  ),
  // The budget API, as a client: it may turn tokens made out to it into tokens for the demo API, and only read there.
  client(
    'budget-api',
    { resources: ['demo-api'], introspects: ['budget'], exchanges: { tokensFor: ['budget'] } },
    {
      client_name: 'Budget API',
      grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
      scope: 'accounts:read',
    },
  ),
]
const file = join(folder, 'documents.yaml')
writeFileSync(file, `${documents.join('\n---\n')}\n`)
process.stdout.write(`${file} registers all of it: holdfast apply -f ${file}\n`)
