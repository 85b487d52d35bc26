import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { accessToken, grant, issuer, session, start, statusEntry, user } from '../contract/samples.ts'
import { issuerKey } from '../issuer-revocations.ts'
import type { AccessTokenRecord } from '../records.ts'
import { statements } from '../statements.ts'
import { statusRange, statusStandingsOf } from '../status-entries.ts'
import { first } from './001-first.ts'
import { logout } from './003-logout.ts'
import { revocation } from './006-revocation.ts'
import { userStatus } from './011-user-status.ts'
import { statusRights } from './019-status-rights.ts'
import { type Migration, sqliteDialect } from './dialect.ts'
import { migrations, migrationsAfter, schemaVersion } from './index.ts'

test('migrations are numbered by their place, without gap', () => {
  assert.deepEqual(
    migrations.map(({ version }) => version),
    migrations.map((_, index) => index + 1),
  )
})

test('a new store takes every step, an old one those it lacks, a current one none', () => {
  assert.deepEqual(migrationsAfter(0), migrations)
  assert.deepEqual(migrationsAfter(schemaVersion), [])
  const [one] = migrations
  assert(one !== undefined)
  const two = { ...one, version: 2 }
  assert.deepEqual(migrationsAfter(1, [one, two]), [two])
})

test('a version from the future, or none at all, is refused and not guessed at', () => {
  for (const version of [schemaVersion + 1, -1, 0.5, Number.NaN]) {
    assert.throws(() => migrationsAfter(version), { code: 'store.version' })
  }
})

test('grants of before are found by session, but for those that outlive it', () => {
  const database = new DatabaseSync(':memory:')
  for (const text of first.statements(sqliteDialect)) database.exec(text)
  const bound = grant()
  const offline = { ...grant(), scopes: ['openid', 'offline_access'] }
  for (const record of [bound, offline])
    database
      .prepare('insert into grants (hash, body, expires_at) values (?, ?, ?)')
      .run(record.id, JSON.stringify(record), record.expiresAt)
  for (const text of logout.statements(sqliteDialect)) database.exec(text)
  const rows = database.prepare('select hash, sid from grants order by rowid').all()
  assert.deepEqual(
    rows.map(({ hash, sid }) => [hash, sid]),
    [
      [bound.id, bound.sid],
      [offline.id, null],
    ],
  )
  database.close()
})

test('a user who was disabled before still is, whatever else the record says', () => {
  const database = new DatabaseSync(':memory:')
  for (const text of first.statements(sqliteDialect)) database.exec(text)
  const active = { ...user('u_1', 'ann'), claims: { address: { status: 'disabled' } } }
  const disabled = { ...user('u_2', 'ben'), status: 'disabled' as const }
  for (const record of [active, disabled])
    database
      .prepare('insert into users (issuer, subject, username, body) values (?, ?, ?, ?)')
      .run(record.issuer, record.subject, record.username, JSON.stringify(record))
  for (const text of userStatus.statements(sqliteDialect)) database.exec(text)
  const rows = database.prepare('select subject, status from users order by subject').all()
  assert.deepEqual(
    rows.map(({ subject, status }) => [subject, status]),
    [
      ['u_1', 'active'],
      ['u_2', 'disabled'],
    ],
  )
  database.close()
})

test('what was there before is found by its owner', () => {
  const database = new DatabaseSync(':memory:')
  for (const migration of [first, logout])
    for (const text of migration.statements(sqliteDialect)) database.exec(text)
  const held = grant()
  const signedIn = session()
  const own = accessToken()
  const detached = { ...accessToken(), grantId: undefined }
  const exchanged = { ...accessToken(), act: { sub: 'client-2' } }
  const insert = (table: string, key: string, record: object, more = ''): void => {
    const columns = more === '' ? '' : ', idle_expires_at'
    const sql = `insert into ${table} (hash, body, expires_at${columns}) values (?, ?, 1${more})`
    database.prepare(sql).run(key, JSON.stringify(record))
  }
  insert('grants', held.id, held)
  insert('sessions', signedIn.hash, signedIn, ', 1')
  for (const record of [own, detached, exchanged]) insert('access_tokens', record.hash, record)
  for (const text of revocation.statements(sqliteDialect)) database.exec(text)
  const subject = `${held.issuer}\n${held.subject}`
  const client = `${held.issuer}\n${held.clientId}`
  const keysOf = (table: string, columns: string): readonly unknown[] =>
    database
      .prepare(`select ${columns} from ${table} order by rowid`)
      .all()
      .map(row => Object.values(row))
  assert.deepEqual(keysOf('grants', 'subject_key, client_key, managed_id'), [[subject, client, null]])
  assert.deepEqual(keysOf('sessions', 'subject_key'), [[`${signedIn.issuer}\n${signedIn.subject}`]])
  assert.deepEqual(keysOf('access_tokens', 'subject_key, client_key'), [
    [null, null],
    [subject, client],
    [subject, client],
  ])
  database.close()
})

test('a managed grant is found by its index and alive only once; other grants have no place in it', () => {
  const database = new DatabaseSync(':memory:')
  for (const migration of migrations)
    for (const text of migration.statements(sqliteDialect)) database.exec(text)
  const insert = database.prepare(
    "insert into grants (hash, body, expires_at, managed_id, revoked_at) values (?, '{}', 1, ?, ?)",
  )
  insert.run('plain-1', null, null)
  insert.run('plain-2', null, null)
  insert.run('ended', 'm', 1)
  insert.run('alive', 'm', null)
  assert.throws(() => insert.run('twin', 'm', null), /UNIQUE/)
  const question = statements['find-managed-grant'].replaceAll('$', '?')
  const plan = database.prepare(`explain query plan ${question}`).all('m')
  assert.ok(plan.some(({ detail }) => /INDEX grants_by_managed_id/.test(String(detail))))
  database.close()
})

test('an entry of a status list of before, or of an older node beside us, says what its token says', () => {
  const database = new DatabaseSync(':memory:')
  const migrate = ({ statements: texts }: Migration): void => {
    for (const text of texts(sqliteDialect)) database.exec(text)
  }
  for (const migration of migrations.slice(0, statusRights.version - 1)) migrate(migration)
  const { list } = statusEntry()
  const insertToken = database.prepare('insert into access_tokens (hash, body, expires_at) values (?, ?, ?)')
  // As version 18 wrote it, before the migration and after it.
  const insertEntry = database.prepare(`insert into status_entries
    (key, issuer, alg, token_hash, client_id, subject, grant_id, expires_at) values (?, ?, ?, ?, ?, ?, ?, ?)`)
  const write = (index: number, token: AccessTokenRecord): void => {
    insertToken.run(token.hash, JSON.stringify(token), token.expiresAt)
    const { hash, clientId, subject, expiresAt } = token
    insertEntry.run(`${list}\n${index}`, issuer, 'ES256', hash, clientId, subject, null, expiresAt)
  }
  const plain = { ...accessToken(), authorizationDetails: undefined, scopes: ['pay'] }
  const detailed = { ...accessToken(), scopes: ['read'] }
  write(1, plain as never)
  migrate(statusRights)
  write(2, detailed)
  insertEntry.run(`${list}\n3`, issuer, 'ES256', 'gone', 'client-1', 'user:1', null, start)
  const question = statements['list-statuses'].replaceAll('$', '?')
  const rows = database.prepare(question).all(...statusRange(list), issuer, start, issuerKey(issuer), 9)
  assert.deepEqual(
    statusStandingsOf(rows).map(({ isTokenRevoked, said }) => [isTokenRevoked, said]),
    [
      [false, { audience: plain.audience, scopes: ['pay'] }],
      [
        false,
        {
          audience: detailed.audience,
          scopes: ['read'],
          authorizationDetails: detailed.authorizationDetails,
        },
      ],
      [true, undefined],
    ],
  )
  database.close()
})
