import { z } from 'zod'
import { adminGroups, adminScopes } from '../admin-scopes.ts'
import { isKindName, type KindName, kinds } from '../resources/index.ts'
import { waitingChange } from './answers/documents.ts'
import { answerOf } from './answers/index.ts'
import type { AdminDesk, AdminOperation } from './visit.ts'

type Json = Readonly<Record<string, unknown>>

/** The OpenAPI 3.1 document of a table of operations: made of the table and the schemas that enforce it. */
export function openApiOf(
  operations: readonly AdminOperation[],
  { audience, issuerUrl }: Pick<AdminDesk, 'audience' | 'issuerUrl'>,
): Json {
  const described = documentKindsOf(operations)
  const paths = Map.groupBy(operations, ({ path }) => path.replaceAll(/:(\w+)/g, '{$1}'))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast admin API',
      version: '1',
      description:
        'Every request carries an access token of the issuer, bound by DPoP or to a certificate. What needs two persons is answered with 202 and waits below `/admin/v1/changes`.',
    },
    servers: [{ url: audience }],
    security: [{ admin: [] }],
    tags: Object.entries(adminGroups).map(([name, { words }]) => ({ name, description: words })),
    paths: Object.fromEntries(
      [...paths].map(([path, own]) => [
        path,
        Object.fromEntries(own.map(operation => [operation.method.toLowerCase(), operationOf(operation)])),
      ]),
    ),
    components: {
      securitySchemes: {
        admin: {
          type: 'oauth2',
          description: 'RFC 9449: `Authorization: DPoP` with a proof; or RFC 8705.',
          flows: {
            authorizationCode: {
              authorizationUrl: `${issuerUrl}/authorize`,
              tokenUrl: `${issuerUrl}/token`,
              scopes: scopeWords,
            },
            clientCredentials: { tokenUrl: `${issuerUrl}/token`, scopes: scopeWords },
          },
        },
      },
      schemas: {
        Problem: problemSchema,
        Change: {
          ...answerComponent('Change', waitingChange),
          description: 'a change that waits for a second person',
        },
        ...Object.fromEntries(
          described.map(kind => [`${kind}Spec`, component(`${kind}Spec`, kinds[kind].spec)]),
        ),
        ...Object.fromEntries(
          operations.flatMap(operation => {
            const { id, body } = operation
            return body === undefined ? [] : [[`${id}Body`, bodySchemaOf(operation, body)]]
          }),
        ),
        ...Object.fromEntries(
          operations.map(operation => {
            const name = `${operation.id}Answer`
            return [name, answerComponent(name, answerOf(operation), described)]
          }),
        ),
      },
    },
  }
}

const scopeWords: Json = Object.fromEntries(
  adminScopes.map(scope => {
    const [, group = '', verb = ''] = /^admin\.(\w+):(\w+)$/.exec(scope) ?? []
    return [scope, `${verb} ${adminGroups[group as keyof typeof adminGroups].words}`]
  }),
)

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457',
  required: ['title', 'status'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    ruleId: { type: 'string', description: 'the rule that says no' },
    clauses: { type: 'array', items: { type: 'string' } },
    reference: { type: 'string', description: 'reference id of the audit' },
    problems: { type: 'array', items: { type: 'object' } },
  },
}

function operationOf(operation: AdminOperation): Json {
  const { id, summary, scopes, path, query, body, preconditions } = operation
  const group = scopes[0]?.match(/^admin\.(\w+):/)?.[1]
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) =>
      parameter('path', name ?? '', { type: 'string' }, true),
    ),
    ...(query === undefined ? [] : queryParameters(query)),
    ...(preconditions ? preconditionParameters : []),
  ]
  return {
    operationId: id,
    summary,
    ...(group !== undefined && { tags: [group] }),
    // Each alone may be what is needed, where the body decides which.
    security: scopes.length === 0 ? [{ admin: [] }] : scopes.map(scope => ({ admin: [scope] })),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${id}Body` } } },
      },
    }),
    responses: responsesOf(operation),
  }
}

/** The body of a document names its kind; what stands in `spec` is the schema of that kind. */
function bodySchemaOf({ id, path }: AdminOperation, body: z.ZodType): Json {
  const schema = component(`${id}Body`, body)
  const kind = id.startsWith('put') ? path.split('/')[3] : undefined
  if (kind === undefined) return schema
  const properties = schema.properties as Json
  return {
    ...schema,
    properties: { ...properties, kind: { const: kind }, spec: { $ref: `#/components/schemas/${kind}Spec` } },
  }
}

function responsesOf({ id, status, preconditions, twoPersons, body, path, method }: AdminOperation): Json {
  const problem = (description: string): Json => ({
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  })
  const isWaiting = twoPersons !== undefined || preconditions || id === 'applyDocuments'
  const isMade = method === 'PUT' ? [200, 201] : [status]
  return {
    ...Object.fromEntries(
      isMade.map(code => [
        String(code),
        {
          description: 'done',
          ...((preconditions || (method === 'GET' && path.endsWith('/:name'))) && {
            headers: { etag: { schema: { type: 'string' } } },
          }),
          content: { 'application/json': { schema: { $ref: `#/components/schemas/${id}Answer` } } },
        },
      ]),
    ),
    ...(isWaiting && {
      202: {
        description: 'waits for a second person',
        headers: { location: { schema: { type: 'string' } } },
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Change' } } },
      },
    }),
    400: problem('the request does not fit'),
    401: problem('the token is not enough'),
    403: problem('scope, role or person are not enough'),
    ...(path.includes(':') && { 404: problem('there is none of this name') }),
    ...((isWaiting || path.includes('/changes/')) && { 409: problem('another state of things') }),
    ...(preconditions && {
      412: problem('the precondition does not hold'),
      428: problem('the precondition is missing'),
    }),
    ...(body !== undefined && { 413: problem('too large'), 422: problem('the content is not valid') }),
    429: problem('too many requests'),
    503: problem('not now'),
  }
}

const preconditionParameters: readonly Json[] = [
  parameter('header', 'If-Match', { type: 'string' }, false),
  parameter('header', 'If-None-Match', { const: '*' }, false),
]

function queryParameters(query: z.ZodType): readonly Json[] {
  const schema = schemaOf(query)
  const required = (schema.required ?? []) as readonly string[]
  return Object.entries((schema.properties ?? {}) as Readonly<Record<string, Json>>).map(([name, own]) =>
    parameter('query', name, own, required.includes(name)),
  )
}

function parameter(place: string, name: string, schema: Json, required: boolean): Json {
  return { name, in: place, required, schema }
}

/** JSON Schema of what is taken. */
function schemaOf(schema: z.ZodType): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as Json
  return rest
}

/** Of an answer: a later version may have more members, and documents have the schemas of their kinds. */
function answerComponent(name: string, schema: z.ZodType, described: readonly KindName[] = []): Json {
  const text = JSON.stringify(component(name, schema), (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const { additionalProperties, ...rest } = value as Json
    const own = additionalProperties === false ? rest : (value as Json)
    const { kind, spec } = (own.properties ?? {}) as { readonly kind?: Json; readonly spec?: Json }
    if (spec === undefined || !described.some(known => known === kind?.const)) return own
    const $ref = `#/components/schemas/${String(kind?.const)}Spec`
    return { ...own, properties: { ...(own.properties as Json), spec: { $ref } } }
  })
  return JSON.parse(text) as Json
}

/** The same as a component: what points at its own root finds it where it stands now. */
function component(name: string, schema: z.ZodType): Json {
  const text = JSON.stringify(schemaOf(schema))
  return JSON.parse(
    text.replaceAll('"$ref":"#/$defs/', `"$ref":"#/components/schemas/${name}/$defs/`),
  ) as Json
}

function documentKindsOf(operations: readonly AdminOperation[]): readonly KindName[] {
  return operations.flatMap(({ id, path }) => {
    const kind = path.split('/')[3] ?? ''
    return id.startsWith('put') && isKindName(kind) ? [kind] : []
  })
}
