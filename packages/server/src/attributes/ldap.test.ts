import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { identities } from '../http/testing/edge-world.ts'
import type { SourceOf } from '../snapshot/snapshot.ts'
import { type Connection, openConnections } from './connections.ts'
import { askSource } from './kinds/index.ts'
import type { Reach } from './kinds/kind.ts'
import { UnusableAnswer } from './unusable.ts'
import { attributesOf } from './value.ts'

const slapd = '/usr/sbin/slapd'
/** Where Debian has them. */
const hasSlapd = [
  slapd,
  '/usr/sbin/slapadd',
  '/etc/ldap/schema/core.schema',
  '/usr/lib/ldap/back_mdb.so',
].every(path => existsSync(path))
const suffix = 'dc=example,dc=org'
const admin = `cn=admin,${suffix}`
const reader = `cn=reader,${suffix}`

const person = (uid: string, more: readonly string[]): string =>
  [
    `dn: uid=${uid},ou=people,${suffix}`,
    ...['objectClass: inetOrgPerson', `uid: ${uid}`, `cn: ${uid}`, `sn: ${uid}`],
    ...more,
    '',
  ].join('\n')
const entries = [
  `dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n`,
  `dn: ou=people,${suffix}\nobjectClass: organizationalUnit\nou: people\n`,
  `dn: ${reader}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: read-only\n`,
  person('ada', [
    'departmentNumber: finance',
    'employeeNumber: 7',
    'carLicense: a',
    'carLicense: b',
    'title: TRUE',
  ]),
  person('bob', ['departmentNumber: law', 'departmentNumber: tax', 'title: perhaps', 'jpegPhoto:: /9j/4A==']),
  person('long', [`carLicense: ${'a'.repeat(60_000)}`]),
  person('longer', [`carLicense: ${'a'.repeat(66_000)}`]),
  person('two', []),
  person('other', ['uid: two']),
  person('three', []),
  person('third', ['uid: three']),
  person('fourth', ['uid: three']),
  `dn: uid=ghost,ou=people,${suffix}\nobjectClass: account\nuid: ghost\n`,
].join('\n')

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

async function untilItListens(port: number): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    const isThere = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (isThere) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  assert.fail('slapd does not listen')
}

describe('a directory that is asked over LDAP', { skip: hasSlapd ? false : 'no slapd here' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-ldap-'))
  let child: ChildProcess
  let directory: Extract<Connection, { kind: 'ldap' }>
  let password = 'read-only'

  before(async () => {
    const { ca, server } = await identities()
    const port = await freePort()
    mkdirSync(join(folder, 'data'))
    const files = { 'ca.pem': ca.certPem, 'server.pem': server.certPem, 'server.key': server.keyPem }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
    writeFileSync(
      join(folder, 'slapd.conf'),
      [
        ...['core', 'cosine', 'inetorgperson'].map(name => `include /etc/ldap/schema/${name}.schema`),
        ...[`pidfile ${folder}/pid`, 'modulepath /usr/lib/ldap', 'moduleload back_mdb'],
        ...[`TLSCACertificateFile ${folder}/ca.pem`, `TLSCertificateFile ${folder}/server.pem`],
        ...[`TLSCertificateKeyFile ${folder}/server.key`, 'database mdb', `suffix ${suffix}`],
        ...[`rootdn ${admin}`, 'rootpw secret', `directory ${folder}/data`],
        'access to attrs=userPassword by anonymous auth by * none',
        `access to * by dn.exact="${reader}" read by * none`,
        '',
      ].join('\n'),
    )
    writeFileSync(join(folder, 'entries.ldif'), entries)
    execFileSync('/usr/sbin/slapadd', ['-f', join(folder, 'slapd.conf'), '-l', join(folder, 'entries.ldif')])
    const url = `ldaps://localhost:${port}`
    child = spawn(slapd, ['-d', '0', '-f', join(folder, 'slapd.conf'), '-h', url], { stdio: 'ignore' })
    await untilItListens(port)
    const readPassword = async (): Promise<string> => password
    directory = { ...{ kind: 'ldap', name: 'people', url, readPassword }, bindDn: reader, caPem: ca.certPem }
  })
  after(async () => {
    const ended = child && new Promise(resolve => child.once('exit', resolve))
    child?.kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  })

  type LdapSource = Extract<SourceOf, { source: 'ldap' }>
  const source = (change: Partial<LdapSource> = {}): LdapSource => ({
    ...{ source: 'ldap', connection: 'people', base: `ou=people,${suffix}`, match: 'uid' },
    objectClass: 'inetOrgPerson',
    places: new Map([
      ['department', { attribute: 'departmentnumber', type: 'string' }],
      ['number', { attribute: 'employeeNumber', type: 'integer' }],
      ['cars', { attribute: 'carLicense', type: 'strings' }],
      ['vip', { attribute: 'title', type: 'boolean' }],
      ['photo', { attribute: 'jpegPhoto', type: 'string' }],
    ]),
    ...change,
  })
  const asked = async (
    key: string,
    spoil: Partial<LdapSource> = {},
    change: Partial<typeof directory> = {},
    ms = 5000,
  ) => {
    const connections = await openConnections([{ ...directory, ...change }])
    const reach: Reach = { ...connections, user: async () => undefined, deadlineMs: ms }
    try {
      return await askSource(source(spoil), key, reach)
    } finally {
      await connections.close()
    }
  }

  it('tells what an entry says, in the types that are asked for', async () => {
    const told = (await asked('ada')) ?? assert.fail()
    assert.deepEqual(['department', 'number', 'vip', 'photo', 'other'].map(told), [
      'finance',
      '7',
      true,
      undefined,
      undefined,
    ])
    assert.deepEqual([...((told('cars') as string[]) ?? [])].toSorted(), ['a', 'b'])
  })

  it('a value of another kind, and several where one is wanted, stay what they are: no attribute takes them', async () => {
    const told = (await asked('bob')) ?? assert.fail()
    assert.ok(Array.isArray(told('department')))
    for (const [claim, type] of [
      ['department', 'string'],
      ['vip', 'boolean'],
      ['photo', 'string'],
    ] as const)
      assert.throws(() => attributesOf(new Map([[claim, { type, isRequired: false }]]), told), /is no /)
    assert.equal(told('vip'), 'perhaps')
    assert.equal(typeof told('photo') === 'string', false)
  })

  it('knows nobody of a name that is not there, of another class, or made to be a filter', async () => {
    for (const key of [
      'cy',
      'ghost',
      '*',
      'a*',
      'ada)(uid=*',
      'ada\\2a',
      '',
      '\0',
      'ADA',
      'ada ',
      ' ada',
      'ａda',
    ])
      assert.equal(await asked(key), undefined, key)
  })

  it('entries of one name are a failure that is of this name alone', async () => {
    for (const key of ['two', 'three'])
      await assert.rejects(asked(key), error => {
        assert.ok(error instanceof UnusableAnswer)
        assert.match(error.message, /more than one entry/)
        return true
      })
  })

  it('reads an answer up to its bound, and one beyond it is a failure of this name alone', async () => {
    const told = (await asked('long')) ?? assert.fail()
    assert.deepEqual([told('cars')].flat().map(String)[0]?.length, 60_000)
    await assert.rejects(asked('longer'), error => {
      assert.ok(error instanceof UnusableAnswer)
      assert.match(error.message, /more than 65536 bytes/)
      return true
    })
    assert.ok(await asked('ada'))
  })

  it('an entry that does not show what it was found by is a failure', async () => {
    await assert.rejects(asked('ada', { match: 'userid' }), /does not show its `userid`/)
  })

  it('a wrong password, an empty one and one that cannot be read fail, and nothing tells it', async () => {
    for (const wrong of ['wrong-secret', '']) {
      password = wrong
      await assert.rejects(asked('ada'), (error: Error) => {
        assert.doesNotMatch(error.message, /wrong-secret/)
        return true
      })
    }
    password = 'read-only'
    const readPassword = (): Promise<string> => Promise.reject(new Error('ENOENT /run/secrets'))
    await assert.rejects(asked('ada', {}, { readPassword }), /^Error: its password cannot be read$/)
    // The directory lets this one see nothing.
    await assert.rejects(asked('ada', { base: `ou=nowhere,${suffix}` }), /the directory failed/)
  })

  it('without its authority, or under another name, it is not told our password', async () => {
    const { server: identity } = await identities()
    const heard: Buffer[] = []
    const other = createTlsServer({ cert: identity.certPem, key: identity.keyPem }, socket => {
      socket.on('data', (chunk: Buffer) => heard.push(chunk))
      socket.on('error', () => undefined)
    })
    await new Promise<void>(resolve => other.listen(0, '0.0.0.0', resolve))
    const { port } = other.address() as AddressInfo
    const url = `ldaps://localhost:${port}`
    await assert.rejects(asked('ada', {}, { url, caPem: undefined }, 300), /the directory failed/)
    await assert.rejects(asked('ada', {}, { url: `ldaps://127.0.0.2:${port}` }, 300), /the directory failed/)
    assert.equal(heard.length, 0)
    // The same place under its name, with its authority, does hear of us.
    await assert.rejects(asked('ada', {}, { url }, 300), /the directory failed/)
    assert.ok(Buffer.concat(heard).includes('read-only'))
    other.close()
  })

  it('one that says nothing is given up in time', async () => {
    const sockets: Socket[] = []
    const silent: Server = createServer(socket => sockets.push(socket))
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const url = `ldaps://localhost:${(silent.address() as AddressInfo).port}`
    const begun = performance.now()
    await assert.rejects(asked('ada', {}, { url }, 200))
    assert.ok(performance.now() - begun < 2000)
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
})
