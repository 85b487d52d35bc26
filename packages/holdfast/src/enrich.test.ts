import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import pg from 'pg'
import { Agent, request } from 'undici'
import { caPemOf } from './testing/demo-caller.ts'
import { listedClients } from './testing/demo-chain.ts'
import { openWorkshop, type Started, type Workshop } from './testing/product.ts'

const postgresUrl = process.env.HOLDFAST_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test'
const database = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 })
const hasPostgres = await database.connect().then(
  () => true,
  () => false,
)
const schema = `enrich_${randomBytes(6).toString('hex')}`
const audience = 'https://people.example'

const documents = [
  {
    kind: 'AttributeSource',
    metadata: { name: 'teams' },
    spec: {
      ...{ source: 'sql', keyedBy: 'client', connection: 'people', cacheSeconds: 0, policies: true },
      query: `select team, tier from ${schema}.clients where id = $1`,
      attributes: {
        team: { type: 'string', column: 'team' },
        team_tier: { type: 'integer', column: 'tier' },
      },
    },
  },
  {
    kind: 'ResourceServer',
    metadata: { name: 'people-api' },
    spec: { audience, accessTokenFormat: 'jwt', attributes: ['team'] },
  },
  {
    kind: 'Client',
    metadata: { name: 'asker' },
    spec: {
      resources: ['people-api'],
      metadata: {
        ...{ client_name: 'Asker', grant_types: ['client_credentials'] },
        ...{
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_certificate_bound_access_tokens: true,
        },
        tls_client_auth_subject_dn: 'CN=demo-pki-mtls,O=Holdfast Demo',
      },
    },
  },
]

describe('a token that says what a database knows', {
  skip: hasPostgres ? false : 'no PostgreSQL answers',
}, () => {
  let workshop: Workshop
  let started: Started
  let agent: Agent

  before(async () => {
    await database.query(`create schema ${schema}`)
    await database.query(`create table ${schema}.clients (id text, team text, tier bigint)`)
    await database.query(`insert into ${schema}.clients values ('asker', 'Ledger', 3)`)
    workshop = await openWorkshop()
    const urlFile = join(workshop.folder, 'people-url')
    writeFileSync(urlFile, `${postgresUrl}\n`, { mode: 0o600 })
    appendFileSync(
      join(workshop.folder, 'holdfast.yaml'),
      `connections: [{ name: people, kind: postgres, urlFile: people-url }]\n`,
    )
    started = await workshop.start()
    const file = join(workshop.folder, 'documents.yaml')
    const texts = documents.map(one => JSON.stringify({ apiVersion: 'holdfast/v1', ...one }))
    writeFileSync(file, texts.join('\n---\n'))
    const applied = await workshop.run(['apply', '-f', file])
    assert.equal(applied.exitCode, 0, applied.err)
    const pki = listedClients(workshop).find(({ clientId }) => clientId === 'demo-pki-mtls')
    const read = (path: string | undefined): string => readFileSync(path ?? '', 'utf8')
    agent = new Agent({
      connect: {
        ca: caPemOf(workshop),
        ...{ cert: read(pki?.certificateFile), key: read(pki?.certificateKeyFile) },
      },
    })
  })
  after(async () => {
    await agent?.close()
    await started?.stop('SIGKILL')
    workshop?.remove()
    await database.query(`drop schema if exists ${schema} cascade`)
    await database.end()
  })

  const token = async () => {
    const { statusCode, headers, body } = await request(`https://localhost:${workshop.ports.mtls}/token`, {
      ...{ dispatcher: agent, method: 'POST' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'asker',
        resource: audience,
      }).toString(),
    })
    return { status: statusCode, headers, body: (await body.json()) as Record<string, string> }
  }

  test('the API learns what it lists, read when the token is made', async () => {
    const { status, body } = await token()
    assert.equal(status, 200, JSON.stringify(body))
    const claims = decodeJwt(body.access_token ?? '')
    assert.deepEqual([claims.team, claims.team_tier], ['Ledger', undefined])
    await database.query(`update ${schema}.clients set team = 'Treasury'`)
    assert.equal(decodeJwt((await token()).body.access_token ?? '').team, 'Treasury')
  })

  test('two rows of one name are a failure, and no token is made; with one again it is', async () => {
    await database.query(`insert into ${schema}.clients values ('asker', 'Other', 1)`)
    const { status, headers, body } = await token()
    assert.deepEqual([status, body.error, headers['retry-after']], [503, 'temporarily_unavailable', '2'])
    await database.query(`delete from ${schema}.clients where team = 'Other'`)
    assert.equal((await token()).status, 200)
  })

  test('a source of which the configuration has no connection is not taken', async () => {
    const [source] = documents
    const file = join(workshop.folder, 'wrong.yaml')
    const spec = { ...source?.spec, connection: 'nowhere' }
    writeFileSync(file, JSON.stringify({ apiVersion: 'holdfast/v1', ...source, spec }))
    const applied = await workshop.run(['apply', '-f', file])
    assert.notEqual(applied.exitCode, 0)
    assert.match(applied.err, /nowhere/)
  })
})
