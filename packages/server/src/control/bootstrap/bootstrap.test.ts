import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { textOfProblem } from '../problem.ts'
import { type Bootstrap, loadBootstrap } from './bootstrap.ts'

type Environment = Readonly<Record<string, string>>

function load(t: TestContext, yaml: string | undefined, env: Environment = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'holdfast-bootstrap-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  if (yaml !== undefined) writeFileSync(join(cwd, 'holdfast.yaml'), yaml)
  return { cwd, answer: loadBootstrap({ cwd, env }) }
}

function loaded(
  t: TestContext,
  yaml: string | undefined,
  env: Environment = {},
): Bootstrap & { cwd: string } {
  const { cwd, answer } = load(t, yaml, env)
  assert.ok(answer.ok, answer.ok ? '' : answer.problems.map(textOfProblem).join('\n'))
  return { ...answer.value, cwd }
}

function problems(t: TestContext, yaml: string, env: Environment = {}): string {
  const { answer } = load(t, yaml, env)
  return answer.ok ? '' : answer.problems.map(textOfProblem).join('\n')
}

/** A reference to the environment, as it stands in the file. */
const from = (name: string) => `$\{${name}}`

/** A good engine but for this. */
function engineWith(change: string): string {
  const good = { name: 'fraud', kind: 'opa', url: "'https://a.example/'" }
  const kept = Object.entries(good).filter(([name]) => !new RegExp(`\\b${name}:`).test(change))
  return `{ ${[...kept.map(([name, value]) => `${name}: ${value}`), change].filter(Boolean).join(', ')} }`
}

const production = `
dataFolder: /var/lib/holdfast
issuers: [{ url: 'https://id.example', environment: production }]
tls: { certificateFile: tls.pem, privateKeyFile: tls.key }
keyEncryptionKeyFile: kek
`

describe('the bootstrap configuration', () => {
  test('tests may answer for users where a development server says so, and never in production', t => {
    assert.equal(loaded(t, undefined).testOnlyBackchannelAnswers, false)
    assert.equal(loaded(t, 'testOnlyBackchannelAnswers: true').testOnlyBackchannelAnswers, true)
    assert.match(
      problems(t, `${production}testOnlyBackchannelAnswers: true`),
      /testOnlyBackchannelAnswers.*is on: production asks the users themselves/,
    )
    assert.doesNotMatch(problems(t, production), /testOnlyBackchannelAnswers/)
  })

  test('the admin API over HTTPS is on in development, and in production where it is asked for', t => {
    const highRiskAcr = 'urn:holdfast:acr:mfa'
    const issuerUrl = 'https://localhost:8443'
    assert.deepEqual(loaded(t, undefined).admin, { issuerUrl, url: 'https://localhost:8445', highRiskAcr })
    assert.equal(loaded(t, 'admin: { enabled: false }').admin, undefined)
    assert.equal(loaded(t, 'listeners: { admin: { port: 1234 } }').admin?.url, 'https://localhost:1234')
    assert.equal(loaded(t, production).admin, undefined)
    const asked = loaded(t, `${production}admin: { url: 'https://admin.id.example', highRiskAcr: high }`)
    assert.deepEqual(asked.admin, {
      ...{ issuerUrl: 'https://id.example', url: 'https://admin.id.example', highRiskAcr: 'high' },
    })
    assert.deepEqual(asked.listeners.admin, { host: '127.0.0.1', port: 8445 })
    assert.match(
      problems(t, 'listeners: { admin: { port: 0 } }'),
      /listeners\.admin\.port.*`admin\.url` has to say/,
    )
    const named = loaded(t, "listeners: { admin: { port: 0 } }\nadmin: { url: 'https://localhost:1234' }")
    assert.equal(named.admin?.url, 'https://localhost:1234')
    assert.match(problems(t, 'admin: { issuer: other }'), /admin\.issuer.*there is no issuer `other`/)
    assert.match(problems(t, "admin: { url: 'https://a.example/x' }"), /admin\.url.*without a path/)
    assert.match(problems(t, "admin: { url: 'http://a.example' }"), /admin\.url/)
    assert.match(problems(t, 'admin: { highRiskAcr: a b }'), /highRiskAcr/)
  })

  test('a geography file lies beside the configuration, and nobody knows where networks are without', t => {
    assert.equal(loaded(t, undefined).geographyFile, undefined)
    assert.match(loaded(t, 'risk: { geographyFile: places.csv }').geographyFile ?? '', /^\/.*\/places\.csv$/)
    assert.match(problems(t, "risk: { geographyFile: '' }"), /risk\.geographyFile/)
    assert.match(problems(t, 'risk: { geography: places.csv }'), /risk\.geography: unknown key/)
  })

  test('without a file is the development start', t => {
    const { cwd, ...bootstrap } = loaded(t, undefined)
    assert.equal(bootstrap.environment, 'development')
    assert.equal(bootstrap.dataFolder, join(cwd, '.holdfast'))
    assert.deepEqual(bootstrap.issuers, [
      {
        name: 'main',
        url: 'https://localhost:8443',
        mtlsUrl: 'https://localhost:8444',
        environment: 'development',
        clientTrustAnchors: [],
        remoteEngines: [],
        connections: [],
      },
    ])
    const ports = Object.fromEntries(
      Object.entries(bootstrap.listeners).map(([name, { port }]) => [name, port]),
    )
    assert.deepEqual(ports, {
      public: 8443,
      mtls: 8444,
      gateway: 8446,
      demoApi: 8447,
      management: 9000,
      admin: 8445,
    })
    assert.deepEqual(bootstrap.store, { driver: 'sqlite', path: join(cwd, '.holdfast', 'holdfast.db') })
    assert.equal(bootstrap.demo, true)
  })

  test('a complete production file is accepted, without demo', t => {
    const bootstrap = loaded(t, production)
    assert.equal(bootstrap.environment, 'production')
    assert.equal(bootstrap.demo, false)
    assert.equal(bootstrap.tls?.certificateFile, join(bootstrap.cwd, 'tls.pem'))
  })

  test('HOLDFAST_DATA_DIR wins over the file and says so', t => {
    const bootstrap = loaded(t, 'dataFolder: elsewhere', { HOLDFAST_DATA_DIR: '/srv/data' })
    assert.equal(bootstrap.dataFolder, '/srv/data')
    const setting = bootstrap.settings.find(({ name }) => name === 'dataFolder')
    assert.equal(setting?.origin, 'HOLDFAST_DATA_DIR')
  })

  test('every setting says where it was set', t => {
    const { settings, cwd } = loaded(t, 'listeners:\n  public: { port: 9443 }\n')
    const origin = (wanted: string) => settings.find(({ name }) => name === wanted)?.origin
    assert.equal(origin('listeners.public.port'), `${join(cwd, 'holdfast.yaml')}:2`)
    assert.equal(origin('listeners.mtls.port'), 'default')
  })

  test('values come from the environment only inside the file, also numbers', t => {
    const yaml = `store: { driver: postgres, url: "postgres://u:${from('PASSWORD')}@db/h" }\nlisteners: { public: { port: "${from('PORT')}" } }`
    const bootstrap = loaded(t, yaml, { PASSWORD: 'p-secret', PORT: '9443' })
    assert.equal(bootstrap.listeners.public.port, 9443)
    assert.deepEqual(bootstrap.store, {
      driver: 'postgres',
      connectionString: 'postgres://u:p-secret@db/h',
      schema: undefined,
      bus: undefined,
    })
    assert.doesNotMatch(JSON.stringify(bootstrap.settings), /p-secret/)
    assert.match(JSON.stringify(bootstrap.settings), /holdfast\.yaml:1 \(PASSWORD\)/)
  })

  test('signing keys may lie in a device or in a key service, with every secret in a file', t => {
    const custody = (text: string) => {
      const { cwd, keyCustody } = loaded(t, `keys: { custody: ${text} }`)
      return { cwd, choice: keyCustody }
    }
    assert.deepEqual(custody('{ kind: software }').choice, { kind: 'software' })
    const device = custody('{ kind: pkcs11, modulePath: /lib/hsm.so, tokenLabel: main, pinFile: pin }')
    assert.deepEqual(device.choice, {
      ...{ kind: 'pkcs11', modulePath: '/lib/hsm.so', tokenLabel: 'main', pinFile: join(device.cwd, 'pin') },
      ...{ tool: 'pkcs11-tool', environment: {}, processesMax: 1 },
    })
    const service = custody(
      '{ kind: aws-kms, region: eu-central-1, accessKeyIdFile: id, secretAccessKeyFile: /key }',
    )
    assert.deepEqual(service.choice, {
      ...{ kind: 'aws-kms', region: 'eu-central-1', endpoint: 'https://kms.eu-central-1.amazonaws.com' },
      ...{
        accessKeyIdFile: join(service.cwd, 'id'),
        secretAccessKeyFile: '/key',
        sessionTokenFile: undefined,
      },
    })
  })

  test('engines elsewhere have a name, an address, a way to know us, and bounds', t => {
    const { cwd, remoteEngines, issuers, settings } = loaded(
      t,
      `remoteEngines:
  - { name: fraud, kind: opa, url: 'https://opa.internal:8181/v1/data/fraud', bearerFile: token, networks: [10.3.0.0/16, 'fd00::/8'] }
  - { name: other, kind: authzen, url: 'https://id.example/access/v1/evaluation', certificateFile: us.pem, privateKeyFile: /us.key,
      oauth: { tokenEndpoint: 'https://id.example/token', clientId: us }, deadlineMs: 250, failuresMax: 1, pauseMs: 100, tellsSubject: true, ignores: [trace] }
`,
    )
    assert.deepEqual(issuers[0]?.remoteEngines, ['fraud', 'other'])
    assert.deepEqual(remoteEngines, [
      {
        ...{ name: 'fraud', kind: 'opa', url: 'https://opa.internal:8181/v1/data/fraud' },
        ...{ bearerFile: join(cwd, 'token'), oauth: undefined, identityFiles: undefined, caFile: undefined },
        ...{ networks: ['10.3.0.0/16', 'fd00::/8'], deadlineMs: 200, failuresMax: 5, pauseMs: 2000 },
        ...{ tellsSubject: false, ignores: [] },
      },
      {
        ...{ name: 'other', kind: 'authzen', url: 'https://id.example/access/v1/evaluation' },
        ...{ bearerFile: undefined, caFile: undefined, networks: [] },
        oauth: { tokenEndpoint: 'https://id.example/token', clientId: 'us', scope: 'access_evaluation' },
        identityFiles: { certificate: join(cwd, 'us.pem'), privateKey: '/us.key' },
        ...{ deadlineMs: 250, failuresMax: 1, pauseMs: 100, tellsSubject: true, ignores: ['trace'] },
      },
    ])
    assert.ok(settings.some(({ name }) => name === 'remoteEngines[0].url'))
  })

  test('a connection that names issuers serves those, and one that names none serves every one', t => {
    const { issuers, connections } = loaded(
      t,
      `issuers:
  - { name: north, url: 'https://localhost:8443', environment: development }
  - { name: south, url: 'https://localhost:9443', environment: development }
connections:
  - { name: all, kind: postgres, urlFile: /a }
  - { name: both, kind: ldap, url: 'ldaps://a', bindDn: b, passwordFile: c, issuers: [south, north] }
  - { name: cold, kind: http, url: 'https://a.example', bearerFile: a, issuers: [north] }
`,
    )
    const all = { name: 'all', kind: 'postgres' }
    const both = { name: 'both', kind: 'ldap', issuers: ['south', 'north'] }
    assert.deepEqual(
      issuers.map(issuer => issuer.connections),
      [
        [all, both, { name: 'cold', kind: 'http', issuers: ['north'] }],
        [all, both],
      ],
    )
    assert.deepEqual(
      connections.map(({ name }) => name),
      ['all', 'both', 'cold'],
    )
  })

  test('attribute sources may name services and databases, with every secret in a file', t => {
    const { cwd, connections, issuers } = loaded(
      t,
      `connections:
  - { name: crm, kind: http, url: 'https://crm.internal:8443', bearerFile: token, networks: [10.3.0.0/16] }
  - { name: people, kind: postgres, urlFile: /run/people-url }
  - { name: staff, kind: ldap, url: 'ldaps://dc.internal:636', bindDn: 'cn=reader', passwordFile: pw, caFile: /ca.pem }
`,
    )
    assert.deepEqual(issuers[0]?.connections, [
      { name: 'crm', kind: 'http' },
      { name: 'people', kind: 'postgres' },
      { name: 'staff', kind: 'ldap' },
    ])
    assert.deepEqual(connections, [
      {
        ...{ kind: 'http', name: 'crm', url: 'https://crm.internal:8443', networks: ['10.3.0.0/16'] },
        ...{ bearerFile: join(cwd, 'token'), identityFiles: undefined, caFile: undefined },
      },
      { kind: 'postgres', name: 'people', urlFile: '/run/people-url' },
      {
        ...{ kind: 'ldap', name: 'staff', url: 'ldaps://dc.internal:636', bindDn: 'cn=reader' },
        ...{ passwordFile: join(cwd, 'pw'), caFile: '/ca.pem' },
      },
    ])
  })

  test('a secret may stand in a file of its own', t => {
    const cwd = mkdtempSync(join(tmpdir(), 'holdfast-bootstrap-'))
    t.after(() => rmSync(cwd, { recursive: true }))
    writeFileSync(join(cwd, 'url'), 'postgres://db/h\n')
    writeFileSync(join(cwd, 'holdfast.yaml'), 'store: { driver: postgres, urlFile: url }')
    const answer = loadBootstrap({ cwd, env: {} })
    assert.ok(answer.ok)
    assert.deepEqual(answer.value.store, {
      driver: 'postgres',
      connectionString: 'postgres://db/h',
      schema: undefined,
      bus: undefined,
    })
  })

  test('a bus has servers over TLS, or without it on loopback, and files relative to the configuration', t => {
    const cwd = mkdtempSync(join(tmpdir(), 'holdfast-bootstrap-'))
    t.after(() => rmSync(cwd, { recursive: true }))
    const busOf = (nats: string) => {
      const yaml = `store: { driver: postgres, url: 'postgres://db/h', bus: { nats: { ${nats} } } }`
      writeFileSync(join(cwd, 'holdfast.yaml'), yaml)
      const answer = loadBootstrap({ cwd, env: {} })
      return answer.ok && answer.value.store.driver === 'postgres' ? answer.value.store.bus : undefined
    }
    assert.deepEqual(busOf("servers: ['tls://nats:4222'], credentialsFile: creds, caFile: /ca.pem"), {
      servers: ['tls://nats:4222'],
      subject: 'holdfast',
      credentialsFile: join(cwd, 'creds'),
      caFile: '/ca.pem',
    })
    assert.equal(busOf("servers: ['nats://127.0.0.1:4222'], subject: a.b")?.subject, 'a.b')
    for (const wrong of [
      "servers: ['nats://nats:4222']",
      "servers: ['tls://user:pass@nats:4222']",
      "servers: ['tls://nats:4222', 'nats://127.0.0.1:4222']",
      'servers: []',
      "servers: ['tls://nats:4222'], subject: 'a.*'",
    ])
      assert.equal(busOf(wrong), undefined, wrong)
  })

  const refused: readonly (readonly [name: string, yaml: string, says: RegExp])[] = [
    ['an unknown key', 'listners: {}', /listners: unknown key \(did you mean `listeners`\?\)/],
    [
      'an unknown key inside',
      'listeners: { publik: {} }',
      /listeners\.publik: unknown key \(did you mean `public`\?\)/,
    ],
    ['a port that is none', 'listeners: { public: { port: 65536 } }', /listeners\.public\.port/],
    ['a variable that is not set', `dataFolder: "${from('NOWHERE')}"`, /`NOWHERE` is not set/],
    ['text that is no YAML', 'a: [', /holdfast\.yaml:1/],
    ['a key twice', 'dataFolder: a\ndataFolder: b', /unique/],
    [
      'a development issuer that others reach',
      "issuers: [{ url: 'https://id.example', environment: development }]",
      /issuers\[0\]\.url: .*not safe/,
    ],
    [
      'a production issuer on loopback',
      production.replace('id.example', 'localhost:8443'),
      /issuers\[0\]\.url/,
    ],
    [
      'plain http',
      "issuers: [{ url: 'http://localhost:8443', environment: development }]",
      /must be an https URL/,
    ],
    ['a slash at the end', "issuers: [{ url: 'https://id.example/' }]", /trailing slash/],
    ['a query', "issuers: [{ url: 'https://id.example?a=1' }]", /https URL/],
    [
      'production without certificate',
      production.replace(/tls:.*\n/, ''),
      /tls\.certificateFile: is not set/,
    ],
    ['another custody', 'keys: { custody: { kind: paper } }', /keys\.custody/],
    ['a device without PIN', 'keys: { custody: { kind: pkcs11, modulePath: a, tokenLabel: b } }', /pinFile/],
    [
      'a key service without TLS',
      "keys: { custody: { kind: aws-kms, region: eu-west-1, endpoint: 'http://a', accessKeyIdFile: a, secretAccessKeyFile: b } }",
      /must be https/,
    ],
    ...(
      [
        ['nobody known to it', '', /it must know who asks/],
        ['plain http', "bearerFile: a, url: 'http://a.example/'", /must be an https URL/],
        ['a query', "bearerFile: a, url: 'https://a.example/?a=b'", /must be an https URL/],
        ['another kind', 'bearerFile: a, kind: rego', /kind/],
        ['a name no policy can write', 'bearerFile: a, name: Fraud', /name/],
        ['a deadline longer than a decision', 'bearerFile: a, deadlineMs: 251', /deadlineMs/],
        ['no network', 'bearerFile: a, networks: [10.0.0.0/33]', /must be a prefix/],
        ['an address for a network', 'bearerFile: a, networks: [10.0.0.1]', /must be a prefix/],
        ['half an identity', 'certificateFile: a', /come together/],
        [
          'tokens without a certificate',
          'bearerFile: a, oauth: { tokenEndpoint: "https://a/t", clientId: us }',
          /`oauth` needs/,
        ],
        ['obligations ignored', 'bearerFile: a, ignores: [obligations]', /never ignored/],
      ] as const
    ).map(
      ([name, change, problem]) =>
        [`an engine with ${name}`, `remoteEngines: [${engineWith(change)}]`, problem] as const,
    ),
    [
      'two engines of one name',
      `remoteEngines: [${engineWith('bearerFile: a')}, ${engineWith('bearerFile: b')}]`,
      /a name stands twice/,
    ],
    ...(
      [
        ['a path', "url: 'https://a.example/b', bearerFile: a", /https origin/],
        ['plain http', "url: 'http://a.example', bearerFile: a", /https origin/],
        ['nobody known to it', "url: 'https://a.example'", /must know who asks/],
        ['half an identity', "url: 'https://a.example', bearerFile: a, privateKeyFile: b", /come together/],
      ] as const
    ).map(
      ([name, rest, problem]) =>
        [`a connection with ${name}`, `connections: [{ name: a, kind: http, ${rest} }]`, problem] as const,
    ),
    [
      'a directory without TLS',
      "connections: [{ name: a, kind: ldap, url: 'ldap://a', bindDn: b, passwordFile: c }]",
      /ldaps/,
    ],
    [
      'a connection for an issuer that is not there',
      'connections: [{ name: a, kind: postgres, urlFile: a, issuers: [main, mian] }]',
      /connections\[0\]\.issuers: .*`mian`.*`main`/,
    ],
    [
      'a connection for nobody',
      'connections: [{ name: a, kind: postgres, urlFile: a, issuers: [] }]',
      /connections\[0\]\.issuers/,
    ],
    [
      'two connections of one name',
      'connections: [{ name: a, kind: postgres, urlFile: a }, { name: a, kind: postgres, urlFile: b }]',
      /a name stands twice/,
    ],
    ['half a certificate', production.replace(', privateKeyFile: tls.key', ''), /come together/],
    [
      'production with a made-up key',
      production.replace(/keyEncr.*\n/, ''),
      /keyEncryptionKeyFile: is not set/,
    ],
    ['production without data folder', production.replace(/dataFolder.*\n/, ''), /dataFolder: is not set/],
    ['production with the demo', `${production}demo: true\n`, /demo: is on/],
    ['PostgreSQL without address', 'store: { driver: postgres }', /one of `url` and `urlFile`/],
    [
      'PostgreSQL with two addresses',
      'store: { driver: postgres, url: a, urlFile: b }',
      /one of `url` and `urlFile`/,
    ],
    [
      'both environments in one process',
      `issuers: [{ name: a, url: 'https://localhost:1', environment: development }, { name: b, url: 'https://b.example' }]`,
      /do not share a process/,
    ],
    [
      'an issuer twice',
      `issuers: [{ url: 'https://localhost:1', environment: development }, { url: 'https://localhost:1', environment: development }]`,
      /issuers\[1\]\.name: stands twice/,
    ],
    [
      'trust anchors that are not there',
      `issuers: [{ url: 'https://localhost:1', environment: development, clientTrustAnchorFiles: [gone.pem] }]`,
      /clientTrustAnchorFiles\[0\]: cannot read/,
    ],
    [
      'a trust anchor that is no certificate',
      `issuers: [{ url: 'https://localhost:1', environment: development, clientTrustAnchorFiles: [holdfast.yaml] }]`,
      /clientTrustAnchorFiles\[0\]: `holdfast\.yaml` is no certificate in PEM/,
    ],
  ]
  for (const [name, yaml, says] of refused)
    test(`${name} is refused`, t => assert.match(problems(t, yaml), says))

  test('a file that was named must be there', () => {
    const answer = loadBootstrap({ cwd: tmpdir(), env: {}, file: 'holdfast-not-there.yaml' })
    assert.equal(answer.ok, false)
  })
})
