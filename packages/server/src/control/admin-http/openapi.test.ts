import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { adminScopes } from '../admin-scopes.ts'
import { kinds } from '../resources/index.ts'
import { openApiOf } from './openapi.ts'
import { adminOperations } from './operations.ts'
import { adminRoutes, openApiPath } from './routes.ts'
import type { AdminDesk } from './visit.ts'

type Json = Record<string, unknown>

const desk = {
  ...{ audience: 'https://admin.example', issuerUrl: 'https://as.example', highRiskAcr: 'x' },
  options: { ports: { store: {}, clock: { monotonicMs: () => 0 } } },
} as unknown as AdminDesk
const document = openApiOf(adminOperations, desk) as Json
const paths = document.paths as Readonly<Record<string, Readonly<Record<string, Json>>>>
const all = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

function schemaAt(path: string): unknown {
  const steps = ['components', 'schemas', ...path.split('/')]
  return steps.reduce<unknown>((at, step) => (at as Json | undefined)?.[step], document)
}

/** Every object of a value with the name it stands under. */
function* objectsIn(value: unknown, name = ''): Generator<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [name, value as Json]
  for (const [key, member] of Object.entries(value)) yield* objectsIn(member, key)
}

describe('the OpenAPI document', () => {
  test('has every route of the listener, and no other', () => {
    const routed = adminRoutes(desk)
      .filter(({ path }) => path !== openApiPath)
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    const described = all.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    assert.deepEqual(described.toSorted(), routed.toSorted())
    assert.equal(new Set(routed).size, routed.length)
  })

  test('is OpenAPI 3.1: its own fields, operations that differ, parameters of the path, answers', () => {
    assert.match(String(document.openapi), /^3\.1\.\d+$/)
    const known = ['openapi', 'info', 'servers', 'security', 'tags', 'paths', 'components']
    assert.deepEqual(Object.keys(document), known)
    const ids = all.map(({ operation }) => operation.operationId)
    assert.equal(new Set(ids).size, ids.length)
    for (const { path, method, operation } of all) {
      const seen = `${method} ${path}`
      const parameters = (operation.parameters ?? []) as readonly Json[]
      const inPath = parameters.filter(one => one.in === 'path')
      assert.deepEqual(
        inPath.map(one => one.name),
        [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]),
        seen,
      )
      assert.ok(inPath.every(one => one.required === true))
      for (const one of parameters) assert.ok(typeof one.schema === 'object' && one.schema !== null, seen)
      const places = parameters.map(one => `${one.in} ${one.name}`)
      assert.equal(new Set(places).size, places.length, seen)
      for (const [status, answer] of Object.entries(operation.responses as Readonly<Record<string, Json>>)) {
        assert.match(status, /^[2-5]\d\d$/)
        assert.equal(typeof answer.description, 'string', seen)
      }
      assert.equal(operation.requestBody === undefined, method === 'get' || method === 'delete', seen)
    }
  })

  test('points at nothing that is not there', () => {
    let count = 0
    for (const [, object] of objectsIn(document)) {
      if (typeof object.$ref !== 'string') continue
      count++
      const steps = object.$ref.split('/')
      assert.equal(steps[0], '#')
      const found = steps.slice(1).reduce<unknown>((at, step) => (at as Json | undefined)?.[step], document)
      assert.equal(typeof found, 'object', object.$ref)
    }
    assert.ok(count > 100, String(count))
  })

  test('names scopes that there are, and each of them', () => {
    const named = all.flatMap(({ operation }) =>
      (operation.security as readonly { readonly admin: readonly string[] }[]).flatMap(({ admin }) => admin),
    )
    const flows = (document.components as Json).securitySchemes as { admin: { flows: Record<string, Json> } }
    for (const flow of Object.values(flows.admin.flows))
      assert.deepEqual(Object.keys(flow.scopes as Json), adminScopes)
    for (const scope of named)
      assert.ok(
        adminScopes.some(known => known === scope),
        scope,
      )
    // To confirm takes the scope that the change names.
    const unnamed = adminScopes.filter(scope => !named.includes(scope) && !scope.endsWith(':approve'))
    assert.deepEqual(unnamed, [])
  })

  test('describes every answer, with the members that are always there', () => {
    const schemas = (document.components as Json).schemas as Readonly<Record<string, Json>>
    for (const { operation } of all) {
      const done = Object.entries(operation.responses as Readonly<Record<string, Json>>).filter(([status]) =>
        ['200', '201'].includes(status),
      )
      assert.ok(done.length > 0)
      for (const [, answer] of done)
        assert.deepEqual(answer.content, {
          'application/json': { schema: { $ref: `#/components/schemas/${operation.operationId}Answer` } },
        })
      const schema = schemas[`${operation.operationId}Answer`] ?? assert.fail(String(operation.operationId))
      if (operation.operationId === 'confirmChange') continue
      assert.ok((schema.required as readonly string[]).length > 0, String(operation.operationId))
    }
    const listKeys = 'listKeysAnswer/properties/keys/items/required'
    const always = ['issuer', 'kid', 'alg', 'state', 'createdAt', 'activeAt', 'waitsFor']
    assert.deepEqual(schemaAt(listKeys), always)
    // A later version may answer more.
    assert.equal(JSON.stringify(schemaAt('listKeysAnswer')).includes('additionalProperties'), false)
    const spec = schemaAt('listClientAnswer/properties/items/items/properties/document/properties/spec')
    assert.deepEqual(spec, { $ref: '#/components/schemas/ClientSpec' })
  })

  test('describes a document as the schema that holds it to its shape', () => {
    const schemas = (document.components as Json).schemas as Readonly<Record<string, Json>>
    const put = schemas.putClientBody?.properties as Json
    assert.deepEqual(put.kind, { const: 'Client' })
    assert.deepEqual(put.spec, { $ref: '#/components/schemas/ClientSpec' })
    const properties = schemas.ClientSpec?.properties as Json
    const { shape } = kinds.Client.spec
    assert.deepEqual(Object.keys(properties), Object.keys(shape))
    assert.equal(schemas.ClientSpec?.additionalProperties, false)
  })
})
