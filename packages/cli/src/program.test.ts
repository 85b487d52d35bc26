import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { AdminApi, Answer, ApplyRequest, ApplyResult } from '@holdfast/server/control/admin-api.ts'
import type { Composition } from './composition.ts'
import { runCommandLine } from './program.ts'
import { openTerminal } from './terminal.ts'

const plan: ApplyResult = {
  changes: [
    {
      action: 'update',
      kind: 'Scope',
      name: 'accounts',
      issuer: 'https://localhost:8443',
      fields: [{ field: 'spec.title', from: '"Old"', to: '"New"' }],
    },
    { action: 'unchanged', kind: 'Client', name: 'shop', issuer: 'https://localhost:8443', fields: [] },
  ],
  narrowed: [{ issuer: 'https://localhost:8443', name: 'shop' }],
  dryRun: false,
  revision: 7,
  reference: 'reference-1',
}

const record = {
  at: 1_700_000_000,
  issuer: 'https://localhost:8443',
  event: 'request.refused',
  outcome: 'refused',
  requestId: '0f-abcdefghijklmnopqrstuv',
  ruleId: 'pkce.required',
  clauses: ['RFC7636-4.4.1'],
  error: 'invalid_request',
  reason: 'code_challenge is missing',
  facts: { method: 'POST' },
  chain: 'c',
  sequence: 3,
  previousHash: '',
  hash: '',
} as never

const no: Answer<never> = {
  ok: false,
  problem: {
    type: 'about:blank',
    title: 'the documents are not valid',
    status: 422,
    problems: [
      {
        document: 'Client/shop',
        field: 'spec.metadata.jwks',
        message: 'the key is not public',
        ruleId: 'client.jwks-public',
      },
    ],
  },
}
const broken: Answer<never> = {
  ok: false,
  problem: { type: 'about:blank', title: 'the store is away', status: 503 },
}

interface Ran {
  readonly exitCode: number
  readonly out: string
  readonly err: string
  readonly applied: readonly ApplyRequest[]
}

/** Runs a command line against an admin API of made-up answers. */
async function run(
  args: readonly string[],
  answers: Partial<AdminApi> = {},
  parts: Partial<Composition> = {},
): Promise<Ran> {
  const texts = { out: '', err: '' }
  const applied: ApplyRequest[] = []
  const api: AdminApi = {
    status: async () => broken,
    apply: async request => {
      applied.push(request)
      return { ok: true, value: plan }
    },
    rotateSecret: async () => broken,
    revokeSecret: async () => broken,
    secondFactors: async () => broken,
    resetSecondFactors: async () => broken,
    revokeAccess: async () => broken,
    revokeTenant: async () => broken,
    createRegistrationToken: async () => broken,
    registrationTokens: async () => broken,
    revokeRegistrationToken: async () => broken,
    renewRegistration: async () => broken,
    requestScopeGrant: async () => broken,
    changeScopeGrant: async () => broken,
    listScopeGrants: async () => broken,
    reportScopes: async () => broken,
    listApprovals: async () => broken,
    changeApproval: async () => broken,
    ...{ draftOnboarding: async () => broken, changeOnboarding: async () => broken },
    ...{ checkOnboarding: async () => broken, listOnboardings: async () => broken },
    ...{ dueOnboardings: async () => broken, onboardingFlags: async () => broken },
    submitPolicies: async () => broken,
    changePolicies: async () => broken,
    simulatePolicies: async () => broken,
    listPolicies: async () => broken,
    ...{ listKeys: async () => broken, rotateKeys: async () => broken, revokeKey: async () => broken },
    documents: async () => ({
      ok: true,
      value: {
        revision: 7,
        documents: [
          {
            kind: 'Client',
            name: 'shop',
            issuer: 'https://localhost:8443',
            document: { spec: { metadata: { dpop_bound_access_tokens: true } } },
          },
        ],
      },
    }),
    audit: async id => ({ ok: true, value: { records: id.startsWith('0f-') ? [record] : [] } }),
    verifyAudit: async () => ({ ok: true, value: { chains: [{ chain: 'c', records: 3, intact: true }] } }),
    explainClient: async clientId => ({
      ok: true,
      value: {
        clientId,
        issuer: 'https://localhost:8443',
        fields: [{ field: 'pkce', value: 'required', origins: ['issuer main'] }],
      },
    }),
    ...answers,
  }
  const composition: Composition = {
    ...{ version: '9.9.9', env: {}, adminDocuments: () => undefined },
    ...{ serve: async () => 0, gateway: async () => 0, drill: () => assert.fail('drills') },
    configuration: () => ({ ok: false, problems: ['holdfast.yaml listners: unknown key'] }),
    admin: async () => ({ api, via: 'store', close: async () => {} }),
    ...parts,
  }
  const terminal = openTerminal(
    { isTTY: false, write: text => (texts.out += text) },
    { write: text => (texts.err += text) },
    {},
  )
  const exitCode = await runCommandLine(args, composition, terminal)
  return { exitCode, ...texts, applied }
}

function documentFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'hf-cli-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'b.yaml'), 'b')
  writeFileSync(join(folder, 'a.yml'), 'a')
  writeFileSync(join(folder, 'notes.txt'), 'not a document')
  return folder
}

describe('holdfast on the command line', () => {
  test('an unknown command is wrong usage and gets a suggestion', async () => {
    const { exitCode, err } = await run(['aply'])
    assert.equal(exitCode, 2)
    assert.match(err, /apply/)
  })

  test('the help names every exit code', async () => {
    const { exitCode, out } = await run(['--help'])
    assert.equal(exitCode, 0)
    for (const code of [0, 1, 2, 3]) assert.match(out, new RegExp(`^ {2}${code} {2}`, 'm'))
  })

  test('the version is the package’s', async () => assert.equal((await run(['--version'])).out, '9.9.9\n'))

  test('apply sends every document of a folder in order and shows the plan', async t => {
    const { exitCode, out, applied } = await run(['apply', '-f', documentFile(t), '--dry-run', '--prune'])
    assert.equal(exitCode, 0)
    assert.deepEqual(
      applied[0]?.files.map(({ text }) => text),
      ['a', 'b'],
    )
    assert.equal(applied[0]?.dryRun, true)
    assert.equal(applied[0]?.prune, true)
    assert.match(out, /~ Scope\/accounts\n {4}spec\.title: "Old" -> "New"/)
  })

  test('apply without files, or with files that are not there, is wrong usage', async () => {
    assert.equal((await run(['apply'])).exitCode, 2)
    assert.equal((await run(['apply', '-f', 'not-there'])).exitCode, 2)
  })

  test('a refused apply lists each problem with its rule and exits 1', async t => {
    const { exitCode, err } = await run(['apply', '-f', documentFile(t)], { apply: async () => no })
    assert.equal(exitCode, 1)
    assert.match(err, /Client\/shop spec\.metadata\.jwks: the key is not public \[client\.jwks-public\]/)
  })

  test('a store that is away exits 3', async () => {
    assert.equal((await run(['clients', 'list'], { documents: async () => broken })).exitCode, 3)
    const admin = async () => {
      throw new Error('no store')
    }
    const { exitCode, err } = await run(['clients', 'list'], {}, { admin })
    assert.equal(exitCode, 3)
    assert.match(err, /no store/)
  })

  test('-o json is JSON and nothing else', async t => {
    const folder = documentFile(t)
    for (const args of [
      ['apply', '-f', folder],
      ['clients', 'list'],
      ['export'],
      ['audit', 'verify'],
      ['explain', 'pkce.required'],
      ['explain', '--client', 'shop'],
      ['explain', '0f-abcdefghijklmnopqrstuv'],
      ['doctor'],
    ]) {
      const { out, err } = await run([...args, '-o', 'json'])
      assert.doesNotThrow(() => JSON.parse(out), args.join(' '))
      assert.equal(err, '', args.join(' '))
    }
  })

  test('a broken audit chain exits 1 and names the record', async () => {
    const chains = [
      { chain: 'c', records: 4, intact: false, brokenAt: 5, reason: 'the content does not match its hash' },
    ]
    const { exitCode, out } = await run(['audit', 'verify'], {
      verifyAudit: async () => ({ ok: true, value: { chains } }),
    })
    assert.equal(exitCode, 1)
    assert.match(out, /BROKEN at record 5/)
  })

  test('a configuration that is wrong is wrong usage for config, and a finding for the doctor', async () => {
    const shown = await run(['config', 'show', '--origin'])
    assert.equal(shown.exitCode, 2)
    assert.match(shown.err, /listners/)
    const { exitCode, out } = await run(['doctor'])
    assert.equal(exitCode, 1)
    assert.match(out, /failed +configuration +holdfast\.yaml listners/)
  })
})

describe('holdfast explain', () => {
  test('a rule says what it demands, where it stands and where it is tried', async () => {
    const { exitCode, out } = await run(['explain', 'client.redirect-uri-form'])
    assert.equal(exitCode, 0)
    assert.match(out, /^client\.redirect-uri-form {2}MUST/)
    assert.match(out, /RFC7591-2: /)
    assert.match(
      out,
      /specs\/rfc7591-client-metadata\/rules\.ts, tried in specs\/rfc7591-client-metadata\/rules\.test\.ts/,
    )
  })

  test('a refusal of a guard says its error, its clauses and where it is made', async () => {
    const { exitCode, out } = await run(['explain', 'code.replayed'])
    assert.equal(exitCode, 0)
    assert.match(out, /^code\.replayed {2}`invalid_grant`/)
    assert.match(out, /FAPI2-SP-FINAL-5\.3\.2\.2-9: /)
    assert.match(out, /token\/grants\/authorization-code\.ts/)
  })

  test('a clause says its text, its standing and the rules that carry it', async () => {
    const { out } = await run(['explain', 'RFC7591-2.1'])
    assert.match(out, /^RFC7591-2\.1 {2}MUST/)
    assert.match(out, /standing: a rule refuses what breaks it/)
    assert.match(out, /client\.response-types/)
  })

  test('a section stands for all its clauses', async () => {
    const { out } = await run(['explain', 'RFC9449-4.3'])
    assert.match(out, /RFC9449-4\.3-1 /)
    assert.match(out, /RFC9449-4\.3-2 /)
  })

  test('a reference id shows the record with rule and clause in words', async () => {
    const { exitCode, out } = await run(['explain', '0f-abcdefghijklmnopqrstuv'])
    assert.equal(exitCode, 0)
    assert.match(out, /request\.refused {2}refused {2}2023-11-14T22:13:20\.000Z/)
    assert.match(out, /rule pkce\.required: a code_challenge/)
    assert.match(out, /clause RFC7636-4\.4\.1: /)
  })

  test('a reference id without records exits 1', async () =>
    assert.equal((await run(['explain', 'zz-abcdefghijklmnopqrstuv'])).exitCode, 1))

  test('a word that is nothing exits 1 with what is like it', async () => {
    const { exitCode, err } = await run(['explain', 'redirect-uri'])
    assert.equal(exitCode, 1)
    assert.match(err, /client\.redirect-uri-form/)
  })

  test('a client shows each field and who decided it', async () => {
    const { out } = await run(['explain', '--client', 'shop'])
    assert.match(out, /pkce {2}required {2}issuer main/)
  })

  test('a request of a client is asked for by what it names', async () => {
    const asked: unknown[] = []
    const explainClient: AdminApi['explainClient'] = async (clientId, request) => {
      asked.push(request)
      return { ok: true, value: { clientId, issuer: 'https://localhost:8443', fields: [] } }
    }
    const names = ['--scope', 'read', 'pay', '--resource', 'bank', '--authorization-details', 'payment']
    await run(['explain', '--client', 'shop', ...names], { explainClient })
    const request = { issuer: undefined, scopes: ['read', 'pay'], resources: ['bank'], details: ['payment'] }
    assert.deepEqual(asked, [request])
  })

  test('nothing to explain is wrong usage', async () => assert.equal((await run(['explain'])).exitCode, 2))
})

describe('the terminal', () => {
  const written = (isTTY: boolean, env: Readonly<Record<string, string>>) =>
    openTerminal({ isTTY, write: () => true }, { write: () => true }, env).strong('x')

  test('is bold only where somebody sees it and NO_COLOR is not set', () => {
    assert.notEqual(written(true, {}), 'x')
    assert.equal(written(false, {}), 'x')
    assert.equal(written(true, { NO_COLOR: '1' }), 'x')
    assert.notEqual(written(true, { NO_COLOR: '' }), 'x')
  })

  test('a rotated secret is shown once, with when it and the one before it end', async () => {
    const asked: unknown[] = []
    const made = {
      clientId: 'shop',
      issuer: 'i',
      secretId: 'id-1',
      secret: 'cs_x',
      expiresAt: 0,
      revision: 8,
    }
    const rotateSecret: AdminApi['rotateSecret'] = async request => {
      asked.push(request)
      return { ok: true, value: { ...made, previousUntil: 1_700_000_000, reference: 'r' } }
    }
    const text = await run(['clients', 'secret', 'rotate', 'shop'], { rotateSecret })
    assert.equal(text.exitCode, 0)
    assert.match(text.out, /cs_x/)
    assert.match(text.out, /expires {3}never/)
    assert.match(text.out, /2023-11-14T22:13:20/)
    const options = ['--overlap-hours', '0', '--lifetime-days', '90', '--issuer', 'main', '-o', 'json']
    const asJson = await run(['clients', 'secret', 'rotate', 'shop', ...options], { rotateSecret })
    assert.equal(JSON.parse(asJson.out).secret, 'cs_x')
    assert.deepEqual(asked, [
      { clientId: 'shop', overlapSeconds: 86_400 },
      { clientId: 'shop', issuer: 'main', overlapSeconds: 0, lifetimeSeconds: 7_776_000 },
    ])
    for (const bad of [
      ['--overlap-hours', '721'],
      ['--overlap-hours', '-1'],
      ['--lifetime-days', '0'],
    ]) {
      const refused = await run(['clients', 'secret', 'rotate', 'shop', ...bad], { rotateSecret })
      assert.equal(refused.exitCode, 2)
    }
    assert.equal((await run(['clients', 'secret', 'rotate', 'shop'])).exitCode, 3)
  })

  test('a token for registration carries its whole policy, and is shown once', async () => {
    const asked: unknown[] = []
    const made = {
      id: 'id-1',
      token: 'iat_x',
      issuer: 'i',
      uses: 20,
      expiresAt: 1_700_000_000,
      reference: 'r',
    }
    const createRegistrationToken: AdminApi['createRegistrationToken'] = async request => {
      asked.push(request)
      return { ok: true, value: made }
    }
    const options = [
      ...['--uses', '20', '--expires', '2', '--profile', 'oauth21', '--scopes', 'openid, accounts'],
      ...['--resources', 'bank', '--redirect-hosts', 'app.example,127.0.0.1', '--require-statement'],
      ...['--grant-types', 'authorization_code', '--note', 'partner', '--issuer', 'main'],
      ...['--detail-types', 'reading, payment'],
    ]
    const text = await run(['registration-tokens', 'create', ...options], { createRegistrationToken })
    assert.equal(text.exitCode, 0)
    assert.match(text.out, /iat_x.*2023-11-14T22:13:20/s)
    assert.deepEqual(asked, [
      {
        issuer: 'main',
        uses: 20,
        lifetimeSeconds: 7200,
        note: 'partner',
        policy: {
          profile: 'oauth21',
          scopes: ['openid', 'accounts'],
          grantTypes: ['authorization_code'],
          resources: ['bank'],
          authorizationDetailsTypes: ['reading', 'payment'],
          redirectHosts: ['app.example', '127.0.0.1'],
          softwareStatement: 'required',
        },
      },
    ])
    const asJson = await run(['registration-tokens', 'create', '-o', 'json'], { createRegistrationToken })
    assert.equal(JSON.parse(asJson.out).token, 'iat_x')
    for (const bad of [
      ['--uses', '0'],
      ['--uses', '10001'],
      ['--expires', '8761'],
      ['--expires', 'soon'],
    ]) {
      const refused = await run(['registration-tokens', 'create', ...bad], { createRegistrationToken })
      assert.equal(refused.exitCode, 2)
    }
    assert.equal((await run(['registration-tokens', 'create'])).exitCode, 3)
  })

  test('tokens for registration are listed and taken back, and a lost management token is replaced', async () => {
    const policy = {
      ...{ profile: 'fapi2-security', scopes: [], grantTypes: [], resources: [], redirectHosts: [] },
      softwareStatement: 'optional' as const,
    }
    const token = { id: 'id-1', issuer: 'i', uses: 3, usesLeft: 2, policy, note: 'for a partner' }
    const times = { issuedAt: 1, expiresAt: 1_700_000_000 }
    const registrationTokens: AdminApi['registrationTokens'] = async () => ({
      ok: true,
      value: {
        tokens: [
          { ...token, ...times },
          { ...token, ...times, id: 'id-2', revokedAt: 5 },
        ],
      },
    })
    const listed = await run(['registration-tokens', 'list'], { registrationTokens })
    assert.match(listed.out, /id-1 +2 of 3 +2023-11-14T22:13:20\.000Z +fapi2-security +for a partner/)
    assert.match(listed.out, /id-2 +2 of 3 +revoked/)
    const asJson = await run(['registration-tokens', 'list', '-o', 'json'], { registrationTokens })
    assert.equal(JSON.parse(asJson.out).length, 2)
    const revoked = await run(['registration-tokens', 'revoke', 'id-1'], {
      revokeRegistrationToken: async ({ id }) => ({ ok: true, value: { id, issuer: 'i', reference: 'r' } }),
    })
    assert.match(revoked.out, /revoked id-1/)
    const renewed = await run(['clients', 'registration-token', 'c_1', '--issuer', 'main'], {
      renewRegistration: async ({ clientId, issuer = '' }) => ({
        ok: true,
        value: {
          ...{ clientId, issuer, registrationAccessToken: 'rat_x', reference: 'r' },
          registrationClientUri: `https://as.example/register/${clientId}`,
        },
      }),
    })
    assert.match(renewed.out, /rat_x.*register\/c_1/s)
  })

  test('a secret is taken back by id, or all of them', async () => {
    const asked: unknown[] = []
    const revokeSecret: AdminApi['revokeSecret'] = async request => {
      asked.push(request)
      return {
        ok: true,
        value: { clientId: 'shop', issuer: 'i', revoked: ['id-1'], revision: 9, reference: 'r' },
      }
    }
    const all = await run(['clients', 'secret', 'revoke', 'shop'], { revokeSecret })
    assert.match(all.out, /revoked id-1/)
    await run(['clients', 'secret', 'revoke', 'shop', '--secret', 'id-1'], { revokeSecret })
    assert.deepEqual(asked, [{ clientId: 'shop' }, { clientId: 'shop', secretId: 'id-1' }])
    assert.equal(
      (await run(['clients', 'secret', 'revoke', 'shop'], { revokeSecret: async () => no })).exitCode,
      1,
    )
  })

  test('access of a user, a client or a grant ends by its name', async () => {
    const asked: unknown[] = []
    const revokeAccess: AdminApi['revokeAccess'] = async request => {
      asked.push(request)
      return { ok: true, value: { ...request, issuer: 'i', reference: 'reference-7' } }
    }
    const user = await run(['users', 'revoke', 'alice'], { revokeAccess })
    assert.match(user.out, /user alice: .*reference-7/)
    await run(['clients', 'revoke', 'shop', '--issuer', 'main'], { revokeAccess })
    const asJson = await run(['grants', 'revoke', 'g_1', '-o', 'json'], { revokeAccess })
    assert.equal(JSON.parse(asJson.out).name, 'g_1')
    assert.deepEqual(asked, [
      { of: 'user', name: 'alice' },
      { of: 'client', name: 'shop', issuer: 'main' },
      { of: 'grant', name: 'g_1' },
    ])
    const refused = await run(['users', 'revoke', 'nobody'], { revokeAccess: async () => no })
    assert.equal(refused.exitCode, 1)
    assert.equal((await run(['users', 'revoke', 'alice'])).exitCode, 3)
  })
})
