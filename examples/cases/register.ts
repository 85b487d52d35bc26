import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { document, makeKey } from '../key.ts'
import { people } from './people.ts'

// node examples/cases/register.ts [folder]: everything the issuer, the gateway and the API must know.
const folder = process.argv[2] ?? 'my-cases'
const { ISSUER = 'https://localhost:8443', PORT = '8471', GATEWAY = 'https://localhost:8472' } = process.env
const audience = `https://localhost:${PORT}`

const documents = [
  document('Scope', 'cases:work', {
    title: 'Work on cases',
    description: 'Read your cases, propose and pay payouts.',
  }),
  document('Scope', 'cases:approve', {
    title: 'Approve payouts',
    description: 'Approve what colleagues proposed.',
  }),
  document('ResourceServer', 'cases', {
    audience,
    displayName: 'Cases',
    scopes: ['cases:work', 'cases:approve'],
  }),
  document('AuthorizationDetailsType', 'case_payout', {
    resourceServer: 'cases',
    title: 'Pay out money of a case',
    description: 'Pay at most this amount, for this case and no other.',
    fields: [
      { name: 'case', label: 'Case', kind: 'text', lengthMax: 64, required: true },
      {
        name: 'amount',
        label: 'Amount',
        kind: 'amount',
        currencies: ['EUR'],
        most: '50000.00',
        narrowing: 'at-most',
        required: true,
      },
    ],
  }),
  document('Client', 'cases-app', {
    resources: ['cases'],
    metadata: {
      client_name: 'Case desk',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      scope: 'openid cases:work cases:approve',
      authorization_details_types: ['case_payout'],
      token_endpoint_auth_method: 'private_key_jwt',
      dpop_bound_access_tokens: true,
      jwks: { keys: [makeKey(join(folder, 'app.json'), 'cases-app-1')] },
    },
  }),
  // The gateway asks the issuer about tokens for this API, and wants the answer signed: that is the phantom token. With a
  // token of its own it asks the issuer's policies about payments.
  document('Client', 'cases-gateway', {
    introspects: ['cases'],
    metadata: {
      client_name: 'Gateway of the cases',
      grant_types: ['client_credentials'],
      scope: 'access_evaluation',
      token_endpoint_auth_method: 'private_key_jwt',
      introspection_signed_response_alg: 'ES256',
      dpop_bound_access_tokens: true,
      jwks: { keys: [makeKey(join(folder, 'gateway.json'), 'cases-gateway-1')] },
    },
  }),
  // Somebody with an account here who is no officer.
  document('User', 'eve', { password: 'eve-is-an-example', claims: { name: 'eve' } }),
  ...people.map(({ name, subject }) =>
    document('User', name, { subject, password: `${name}-is-an-example`, claims: { name } }),
  ),
]
const file = join(folder, 'documents.yaml')
writeFileSync(file, `${documents.join('\n---\n')}\n`)

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
writeFileSync(join(folder, 'evidence.json'), JSON.stringify(privateKey.export({ format: 'jwk' })), {
  mode: 0o600,
})
writeFileSync(
  join(folder, 'trust.json'),
  JSON.stringify({ evidenceKey: publicKey.export({ format: 'jwk' }) }),
)
writeFileSync(
  join(folder, 'officers.json'),
  JSON.stringify(
    people.map(({ subject }) => ({ uid: { type: 'Officer', id: subject }, attrs: {}, parents: [] })),
  ),
)
const tls = (name: string): string => resolve('.holdfast/tls', name)
const edge = (name: string): string => resolve(import.meta.dirname, 'edge', name)
const { port } = new URL(GATEWAY)
const route = (method: string, path: string, scope: string, action: string, point = 'edge') => ({
  api: 'cases',
  methods: [method],
  path,
  scopes: [scope],
  decision: { point, action, subjectType: 'Officer', resource: { type: 'Case', id: '{id}' } },
})
writeFileSync(
  join(folder, 'gateway.yaml'),
  JSON.stringify(
    {
      externalUrl: GATEWAY,
      listener: { port: Number(port) },
      management: { port: Number(process.env.MANAGEMENT_PORT ?? 9002) },
      tls: { certificateFile: tls('server.pem'), privateKeyFile: tls('server.key') },
      issuer: { url: ISSUER, caFile: tls('ca.pem') },
      client: { clientId: 'cases-gateway', privateKeyFile: 'gateway.json' },
      evidenceKeyFile: 'evidence.json',
      auditFile: 'gateway-audit.jsonl',
      decisionPoints: [
        {
          name: 'edge',
          policies: {
            schemaFile: edge('edge.cedarschema'),
            policyFiles: [edge('edge.cedar')],
            entitiesFile: 'officers.json',
            givenTypes: ['Case'],
          },
        },
        { name: 'issuer', issuer: {} },
      ],
      apis: [
        {
          name: 'cases',
          audience,
          upstream: {
            url: audience,
            caFile: tls('ca.pem'),
            certificateFile: tls('clients/demo-gateway.pem'),
            privateKeyFile: tls('clients/demo-gateway.key'),
          },
        },
      ],
      routes: [
        route('GET', '/cases/{id}', 'cases:work', 'read'),
        route('POST', '/cases/{id}/proposal', 'cases:work', 'propose'),
        route('POST', '/cases/{id}/approval', 'cases:approve', 'approve'),
        route('POST', '/cases/{id}/payment', 'cases:work', 'pay', 'issuer'),
      ],
    },
    null,
    2,
  ),
)
process.stdout.write(`${file} registers all of it: holdfast apply -f ${file}\n`)
