import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { document, makeKey } from '../key.ts'

// node examples/express-api/register.ts [jwt|opaque] [folder]: what the issuer must know about the API and its caller.
const format = process.argv[2] ?? 'jwt'
const folder = process.argv[3] ?? 'my-api'
const { AUDIENCE = 'https://localhost:8461' } = process.env

const client = (name: string, spec: object, metadata: object): string =>
  document('Client', name, {
    ...spec,
    metadata: {
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      dpop_bound_access_tokens: true,
      jwks: { keys: [makeKey(join(folder, `${name}.json`), `${name}-1`)] },
      ...metadata,
    },
  })

const documents = [
  document('Scope', 'notes:read', { title: 'Read notes', description: 'Read all notes of the team.' }),
  document('Scope', 'notes:write', {
    title: 'Write notes',
    description: 'Add notes in the name of the team.',
  }),
  document('ResourceServer', 'notes', {
    audience: AUDIENCE,
    displayName: 'Notes',
    scopes: ['notes:read', 'notes:write'],
    accessTokenFormat: format,
  }),
  // The API itself: it may ask the issuer about tokens, and about those for `notes` only.
  client('notes-api', { introspects: ['notes'] }, { client_name: 'Notes API' }),
  // Who calls it. It may read, and was never given the right to write.
  client('notes-reader', { resources: ['notes'] }, { client_name: 'Notes reader', scope: 'notes:read' }),
]
const file = join(folder, 'documents.yaml')
writeFileSync(file, `${documents.join('\n---\n')}\n`)
process.stdout.write(`${file} registers all of it: holdfast apply -f ${file}\n`)
