import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { snapshotOfFiles } from '../control/documents.ts'
import type { AttributeSource } from './snapshot.ts'

const url = 'https://as.example'
const issuers = [
  {
    ...{ name: 'main', url, mtlsUrl: 'https://mtls.as.example', environment: 'production' as const },
    clientTrustAnchors: [],
    connections: [
      { name: 'crm', kind: 'http' as const },
      { name: 'people', kind: 'postgres' as const },
      { name: 'staff', kind: 'ldap' as const },
    ],
  },
]
const http = {
  ...{ source: 'http', keyedBy: 'subject', connection: 'crm', path: '/users/{key}' },
  attributes: { department: { type: 'string', at: '/department' } },
}
const sql = {
  ...{ source: 'sql', keyedBy: 'username', connection: 'people' },
  query: 'select level from people where id = $1',
  attributes: { level: { type: 'integer', column: 'level' } },
}
const table = {
  ...{ source: 'static', keyedBy: 'client', attributes: { owner: { type: 'string' } } },
  entries: { shop: { owner: 'team-7' } },
}
const directory = {
  ...{ source: 'directory', keyedBy: 'subject' },
  attributes: { email_address: { type: 'string', claim: 'email' } },
}

const ldap = {
  ...{ source: 'ldap', keyedBy: 'username', connection: 'staff', base: 'ou=people,dc=example', match: 'uid' },
  attributes: { office: { type: 'string', attribute: 'roomNumber' } },
}

type Documents = Readonly<Record<string, object>>

function compiled(sources: Documents, listed: readonly string[] = []) {
  const document = (kind: string, name: string, spec: object): string =>
    JSON.stringify({ apiVersion: 'holdfast/v1', kind, metadata: { name }, spec })
  const texts = [
    ...Object.entries(sources).map(([name, spec]) => document('AttributeSource', name, spec)),
    document('ResourceServer', 'api', { audience: 'https://api.example', attributes: listed }),
  ]
  return snapshotOfFiles([{ path: 'test.yaml', text: texts.join('\n---\n') }], issuers)
}
const good = (sources: Documents, listed?: readonly string[]): ReadonlyMap<string, AttributeSource> => {
  const snapshot = compiled(sources, listed)
  assert.ok(snapshot.ok, JSON.stringify(snapshot))
  return snapshot.value.issuers.get(url)?.attributeSources ?? assert.fail()
}
const refused = (sources: Documents, listed?: readonly string[]): string => {
  const snapshot = compiled(sources, listed)
  assert.ok(!snapshot.ok, 'it compiled')
  return snapshot.problems
    .map(({ document, field, message }) => `${document} ${field}: ${message}`)
    .join('\n')
}

describe('attribute sources', () => {
  it('of every kind compile, each with its defaults', () => {
    const sources = good({ crm: http, hr: sql, staff: ldap, teams: table, users: directory }, [
      'department',
      'owner',
    ])
    assert.deepEqual([...sources.keys()], ['crm', 'hr', 'staff', 'teams', 'users'])
    const { onFailure, deadlineMs, cacheSeconds, unknownCacheSeconds, isForPolicies } =
      sources.get('crm') ?? assert.fail()
    assert.deepEqual(
      [onFailure, deadlineMs, cacheSeconds, unknownCacheSeconds, isForPolicies],
      ['deny', 500, 60, 5, false],
    )
  })

  it('of another content have another digest, and of the same the same', () => {
    const digest = (spec: object) => good({ crm: spec }).get('crm')?.digest
    assert.equal(digest(http), digest({ ...http }))
    assert.notEqual(digest(http), digest({ ...http, path: '/people/{key}' }))
  })

  const wrong: readonly (readonly [string, Documents, RegExp, (readonly string[])?])[] = [
    ['one attribute of two sources', { a: http, b: http }, /is told by `a`, too/],
    [
      'an API that lists what nobody tells',
      { crm: http },
      /ResourceServer\/api spec\.attributes\[0\]: .*departmen/,
      ['departmen'],
    ],
    ['a connection that is not there', { crm: { ...http, connection: 'crn' } }, /crn.*crm/],
    ['a connection of another kind', { crm: { ...http, connection: 'people' } }, /http connection/],
    ['an entry of no attribute', { t: { ...table, entries: { shop: { team: 'x' } } } }, /is not among/],
    ['an entry of another type', { t: { ...table, entries: { shop: { owner: 7 } } } }, /is no string/],
    ['no attribute', { crm: { ...http, attributes: {} } }, /names no attribute/],
    ...[
      'sub',
      'aud',
      'cnf',
      'scope',
      'exp',
      'client_id',
      'tenant_id',
      'act',
      'active',
      '__proto__x',
      'a b',
    ].map(
      name =>
        [
          `the attribute \`${name}\``,
          { crm: { ...http, attributes: { [name]: { type: 'string', at: '/a' } } } },
          /is not a name for an attribute|invalid key/i,
        ] as const,
    ),
    [
      'policies that are told nothing when it fails',
      { crm: { ...http, policies: true, onFailure: 'omit' } },
      /`onFailure` is `deny`/,
    ],
    [
      'something required that is left out',
      {
        crm: { ...http, onFailure: 'omit', attributes: { a: { type: 'string', at: '/a', required: true } } },
      },
      /`onFailure` is `deny`/,
    ],
    ['a deadline too long', { crm: { ...http, deadlineMs: 2001 } }, /deadlineMs/],
    ['a memory too long', { crm: { ...http, cacheSeconds: 901 } }, /cacheSeconds/],
    ['a table that is remembered', { t: { ...table, cacheSeconds: 1 } }, /cacheSeconds/],
    ['a path without a slash', { crm: { ...http, path: 'users/{key}' } }, /slash/],
    ['a path that leads up', { crm: { ...http, path: '/a/../{key}' } }, /canonical/],
    ['a path to another host', { crm: { ...http, path: '//other.example/{key}' } }, /canonical/],
    ['a path with a fragment', { crm: { ...http, path: '/{key}#a' } }, /canonical/],
    ['two keys', { crm: { ...http, path: '/{key}/{key}' } }, /canonical/],
    ['no pointer', { crm: { ...http, attributes: { a: { type: 'string', at: 'a' } } } }, /pointer/],
    ['a half escape', { crm: { ...http, attributes: { a: { type: 'string', at: '/a~2' } } } }, /pointer/],
    ['a query without a key', { hr: { ...sql, query: 'select level from people' } }, /\$1/],
    ['another key', { hr: { ...sql, query: 'select level from people where id = $12' } }, /\$1/],
    ['two statements', { hr: { ...sql, query: 'select $1; drop table people' } }, /semicolon/],
    ['a comment', { hr: { ...sql, query: 'select $1 -- level' } }, /comments/],
    ['no select', { hr: { ...sql, query: 'delete from people where id = $1' } }, /select/],
    ['a filter for an attribute', { staff: { ...ldap, match: 'uid)(cn' } }, /name of an attribute/],
    [
      'an attribute with options',
      { staff: { ...ldap, attributes: { a: { type: 'string', attribute: 'cn;binary' } } } },
      /name of an attribute/,
    ],
    ['a directory without base', { staff: { ...ldap, base: '' } }, /base/],
    ['a directory by another connection', { staff: { ...ldap, connection: 'crm' } }, /ldap connection/],
    ['a directory of clients', { users: { ...directory, keyedBy: 'client' } }, /keyedBy/],
  ]
  for (const [name, documents, problem, listed] of wrong)
    it(`${name}: refused`, () => assert.match(refused(documents, listed), problem))

  it('of 33, one is too many, and of 32 none is', () => {
    const many = (count: number): Documents =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [
          `s${index}`,
          { ...table, attributes: { [`a${index}`]: { type: 'string' } }, entries: {} },
        ]),
      )
    assert.equal(good(many(32)).size, 32)
    assert.match(refused(many(33)), /more than 32/)
  })
})
