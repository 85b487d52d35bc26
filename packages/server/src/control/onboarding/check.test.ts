import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { newAuthority, newPeerCertificate, type TestAuthority } from '../../data/testing/certificates.ts'
import { jwkOfCertificate } from '../../data/testing/clients.ts'
import { Fault } from '../../ports.ts'
import { type ControlWorld, day, done, openControlWorld, refusedWith } from '../testing/control-world.ts'
import { binding, documentOf } from '../testing/documents.ts'
import { firstJwk, newJwk, onboardingDocuments, shopDocument, shopForm } from '../testing/onboarded.ts'
import { changeOnboarding, draftOnboarding } from './onboardings.ts'
import { checkOnboarding } from './run-check.ts'

type Fetch = (url: string) => Promise<unknown>

const never: Fetch = () => assert.fail('fetches')

/** Drafts and submits the shop as registered here. @returns name of the record */
async function submitted(world: ControlWorld, form: object = {}): Promise<string> {
  const { name } = await done(
    draftOnboarding({ as: 'bob', form: { ...shopForm, ...form }, days: 365 }, world.ports),
  )
  await done(changeOnboarding({ step: 'submit', as: 'bob', record: name }, world.ports))
  return name
}

const checked = (world: ControlWorld, record: string, getJson = never) =>
  done(checkOnboarding({ as: 'bob', record }, world.ports, { getJson }))

/** Rule and field of everything that is found of a shop that is registered and described like this. */
async function found(
  t: TestContext,
  {
    client = shopDocument(),
    more = [],
    form = {},
    fetch = never,
  }: {
    readonly client?: string
    readonly more?: readonly string[]
    readonly form?: object
    readonly fetch?: Fetch
  },
): Promise<readonly string[]> {
  const world = await openControlWorld(t, [...onboardingDocuments().slice(0, -1), client, ...more])
  const { findings } = await checked(world, await submitted(world, form), fetch)
  for (const { reason, fix } of findings) assert.ok(reason !== '' && fix !== '')
  return findings.map(({ rule, field, level }) => `${rule} ${field} ${level}`)
}

const uri = 'https://shop.example/jwks.json'
const remote = shopDocument({ jwks: undefined, jwks_uri: uri })

describe('the check of keys', () => {
  test('behind a jwks_uri looks at what is really there', async t => {
    const asked: string[] = []
    const answer = { keys: [newJwk('a'), newJwk('b')] }
    const fetch: Fetch = async url => {
      asked.push(url)
      return answer
    }
    assert.deepEqual(await found(t, { client: remote, fetch }), [])
    assert.deepEqual(asked, [uri])
  })

  const answers: readonly (readonly [name: string, answer: () => unknown, findings: readonly string[]])[] = [
    [
      'nothing answers',
      () => {
        throw new Fault('outbound.failed', { detail: 'the answer has status 404' })
      },
      ['onboarding.jwks-uri jwks_uri error'],
    ],
    ['the answer is no key set', () => ({ keys: 'none' }), ['onboarding.jwks-uri jwks_uri error']],
    ['the set is empty', () => ({ keys: [] }), ['onboarding.keys jwks error']],
    [
      'there are 21 keys',
      () => ({ keys: Array.from({ length: 21 }, () => firstJwk) }),
      ['onboarding.jwks-uri jwks_uri error'],
    ],
    [
      'a private key is published',
      () => ({ keys: [{ ...firstJwk, d: 'AAAA' }] }),
      ['onboarding.keys jwks error', 'onboarding.key-public jwks_uri.keys[0] error'],
    ],
    [
      'two keys have one kid, and one says nothing of its use',
      () => ({ keys: [newJwk('a'), { ...newJwk('a'), use: undefined }] }),
      [
        'onboarding.key-id jwks_uri.keys[0] error',
        'onboarding.key-id jwks_uri.keys[1] error',
        'onboarding.key-use jwks_uri.keys[1] warning',
      ],
    ],
  ]
  for (const [name, answer, findings] of answers)
    test(`finds when ${name}`, async t => {
      assert.deepEqual(await found(t, { client: remote, fetch: async () => answer() }), findings)
    })

  test('a warning lets it pass', async t => {
    const world = await openControlWorld(t, [
      ...onboardingDocuments().slice(0, -1),
      shopDocument({ jwks: { keys: [{ ...firstJwk, use: undefined }] } }),
    ])
    const { passed, state, findings } = await checked(world, await submitted(world))
    assert.deepEqual([passed, state, findings.length], [true, 'checked', 1])
  })
})

describe('the check of redirect URIs, contacts and the record', () => {
  test('finds an address that another client has', async t => {
    const other = shopDocument().replace('name: shop', 'name: other')
    assert.deepEqual(await found(t, { more: [other] }), ['onboarding.redirect-shared redirect_uris[0] error'])
  })

  test('finds a contact that cannot be reached and a missing evidence', async t => {
    const form = { incidentContact: { name: 'Desk', email: 'desk' }, evidence: [] }
    assert.deepEqual(await found(t, { form }), [
      'onboarding.evidence evidence error',
      'onboarding.contact incidentContact error',
    ])
  })

  test('finds keys that are planned to live too long for the tier', async t => {
    const form = { rotation: { keyDays: 1000, overlapDays: 7 } }
    assert.deepEqual(await found(t, { form }), ['onboarding.rotation-plan rotation.keyDays error'])
  })

  test('finds what does not fit the complete profile of the tier', async t => {
    const issuer = documentOf('Issuer', 'main', '{onboarding: required, floor: oidc-baseline}')
    const client = documentOf(
      'Client',
      'shop',
      JSON.stringify({
        profile: 'oidc-baseline',
        resources: ['ledger'],
        metadata: {
          redirect_uris: ['https://shop.example/cb'],
          token_endpoint_auth_method: 'client_secret_basic',
          scope: 'accounts',
        },
      }),
    )
    const world = await openControlWorld(t, [issuer, ...onboardingDocuments().slice(1, -1), client])
    const { findings } = await checked(world, await submitted(world))
    const rules = findings.map(({ rule }) => rule)
    assert.ok(rules.includes('client.auth-method'), JSON.stringify(findings))
    assert.ok(rules.includes('client.sender-constraint'), JSON.stringify(findings))
    assert.match(
      findings[0]?.fix ?? '',
      /change `\w+` of the client so that it fits `tier-3-sensitive-write`/,
    )
  })
})

describe('the check of certificates', () => {
  const mutual = shopDocument({
    ...{ token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=shop,O=Shop' },
    ...{
      jwks: undefined,
      dpop_bound_access_tokens: undefined,
      tls_client_certificate_bound_access_tokens: true,
    },
  })
  const pemOf = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----`
  /** The clock of these tests stands in 2023. */
  const lives = { notBefore: new Date('2023-01-01T00:00:00Z'), notAfter: new Date('2024-11-01T00:00:00Z') }

  async function foundOf(t: TestContext, authority: TestAuthority, certificates: readonly string[]) {
    const world = await openControlWorld(t, onboardingDocuments().slice(0, -1))
    const trusting = { ...binding, clientTrustAnchors: [authority.pem] }
    const ports = { ...world.ports, issuers: [trusting] }
    const { apply } = await import('../apply.ts')
    await done(apply({ files: [{ path: 'c.yaml', text: mutual }], dryRun: false, prune: false }, ports))
    const { findings } = await checked(
      { ...world, ports },
      await submitted({ ...world, ports }, { certificates }),
    )
    return findings.map(({ rule }) => rule)
  }

  test('follows the chain, the dates and the subject', async t => {
    const long = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2040-01-01T00:00:00Z') }
    const authority = await newAuthority('CN=Bank CA', long)
    const foreign = await newAuthority('CN=Bank CA', long)
    const of = async (more: object, subject = 'CN=shop, O=Shop'): Promise<readonly string[]> => {
      const { der } = await newPeerCertificate({ subject, issuedBy: authority, ...lives, ...more })
      return await foundOf(t, authority, [pemOf(der)])
    }
    assert.deepEqual(await of({}), [])
    assert.deepEqual(await of({ issuedBy: foreign }), ['onboarding.certificate-chain'])
    assert.deepEqual(await of({ notAfter: new Date('2023-11-01T00:00:00Z') }), [
      'onboarding.certificate-dates',
    ])
    assert.deepEqual(await of({ notAfter: new Date('2023-12-01T00:00:00Z') }), [
      'onboarding.certificate-ends',
    ])
    assert.deepEqual(await of({}, 'CN=other, O=Shop'), ['onboarding.certificate-subject'])
    assert.deepEqual(await foundOf(t, authority, ['nonsense']), ['onboarding.certificate-form'])
    assert.deepEqual(await foundOf(t, authority, []), ['onboarding.certificate-present'])
  })
})

describe('the check of a certificate in the key set', () => {
  const self = (keys: readonly object[]): string =>
    shopDocument({
      ...{ token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys } },
      ...{ dpop_bound_access_tokens: undefined, tls_client_certificate_bound_access_tokens: true },
    })
  test('finds one that is of another key or outside its dates', async t => {
    const lives = { notBefore: new Date('2023-01-01T00:00:00Z'), notAfter: new Date('2024-11-01T00:00:00Z') }
    const peer = await newPeerCertificate({ subject: 'CN=self', ...lives })
    const labels = { kid: 'c', use: 'sig', alg: 'ES256' }
    const own: Readonly<Record<string, unknown>> = { ...jwkOfCertificate(peer), ...labels }
    assert.deepEqual(await found(t, { client: self([own]) }), [])
    const other = { ...newJwk('c'), x5c: own.x5c }
    assert.deepEqual(await found(t, { client: self([other]) }), [
      'onboarding.certificate-subject keys[0].x5c error',
    ])
    const late = await newPeerCertificate({
      subject: 'CN=self',
      ...lives,
      notAfter: new Date('2023-02-01T00:00:00Z'),
    })
    assert.deepEqual(await found(t, { client: self([{ ...jwkOfCertificate(late), ...labels }]) }), [
      'onboarding.certificate-dates keys[0].x5c error',
    ])
  })
})

describe('the check of a software statement', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const directory = documentOf(
    'SoftwareStatementIssuer',
    'directory',
    JSON.stringify({
      issuer: 'https://directory.example',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'd', alg: 'ES256', use: 'sig' }] },
    }),
  )
  const statement = (claims: object, key: KeyObject = privateKey): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${part({ alg: 'ES256', kid: 'd' })}.${part({ iss: 'https://directory.example', iat: 1_700_000_000, ...claims })}`
    const signature = createSign('sha256').update(input).sign({ key, dsaEncoding: 'ieee-p1363' })
    return `${input}.${signature.toString('base64url')}`
  }
  const of = (t: TestContext, softwareStatement: string) =>
    found(t, { more: [directory], form: { softwareStatement, evidence: [] } })

  test('counts as evidence when it is of a trusted issuer and about this client', async t => {
    const redirect_uris = ['https://shop.example/cb', 'https://shop.example/other']
    assert.deepEqual(await of(t, statement({ redirect_uris })), [])
  })
  test('finds one that says otherwise, that nobody signed and that nobody trusts', async t => {
    const finding = ['onboarding.statement softwareStatement error']
    assert.deepEqual(await of(t, statement({ redirect_uris: ['https://else.example/cb'] })), finding)
    assert.deepEqual(await of(t, statement({ client_name: 'Other' })), finding)
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    assert.deepEqual(await of(t, statement({}, other)), finding)
    assert.deepEqual(await of(t, statement({ iss: 'https://nobody.example' })), finding)
    assert.deepEqual(await of(t, 'nonsense'), finding)
  })
})

describe('what a check changes', () => {
  const certification = { against: 'FAPI 2.0', evidence: 'report', days: 300 }

  async function certified(world: ControlWorld, fetch: Fetch): Promise<string> {
    const name = await submitted(world)
    await checked(world, name, fetch)
    for (const as of ['alice', 'carol'])
      await done(changeOnboarding({ step: 'approve', as, record: name }, world.ports))
    await done(changeOnboarding({ step: 'certify', as: 'carol', record: name, certification }, world.ports))
    return name
  }
  const activated = (world: ControlWorld, record: string) =>
    changeOnboarding({ step: 'activate', as: 'bob', record }, world.ports)

  test('one that failed keeps what was approved and keeps the client out; one that passes later lets it in', async t => {
    const world = await openControlWorld(t, [...onboardingDocuments().slice(0, -1), remote])
    const good: Fetch = async () => ({ keys: [firstJwk] })
    const name = await certified(world, good)
    const { state, passed } = await checked(world, name, async () => ({ keys: [] }))
    assert.deepEqual([state, passed], ['certified', false])
    await refusedWith(activated(world, name), /onboarding\.checked/)
    await checked(world, name, good)
    await done(activated(world, name))
  })

  test('a check that failed before the approvals takes the record back to be mended', async t => {
    const world = await openControlWorld(t, [...onboardingDocuments().slice(0, -1), remote])
    const name = await submitted(world)
    assert.equal((await checked(world, name, async () => ({ keys: [firstJwk] }))).state, 'checked')
    assert.equal((await checked(world, name, async () => ({}))).state, 'submitted')
    await refusedWith(
      changeOnboarding({ step: 'approve', as: 'alice', record: name }, world.ports),
      /onboarding\.state/,
    )
  })

  test('a check of last month is none', async t => {
    const world = await openControlWorld(t, [...onboardingDocuments().slice(0, -1), remote])
    const good: Fetch = async () => ({ keys: [firstJwk] })
    const name = await certified(world, good)
    world.pass(30 * day + 1)
    await refusedWith(activated(world, name), /checked too long ago/)
    await checked(world, name, good)
    await done(activated(world, name))
  })
})
