import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Client } from '../../snapshot/snapshot.ts'
import { accessToken, grant } from '../../store/contract/samples.ts'
import type { PageRequest } from '../page-api.ts'
import { recordsMax } from '../room-for-records.ts'
import {
  applied,
  type ControlWorld,
  day,
  done,
  exported,
  fill,
  issuerNow,
  openControlWorld,
  refusedWith,
  stores,
} from '../testing/control-world.ts'
import { binding, documentOf } from '../testing/documents.ts'
import {
  firstJwk,
  newJwk,
  onboardingDocuments,
  shopDocument,
  shopForm,
  shopMetadata,
} from '../testing/onboarded.ts'
import type { OnboardingChange } from './api.ts'
import { changeOnboarding, draftOnboarding, listOnboardings } from './onboardings.ts'
import { thumbprintOfJwk } from './registration.ts'
import { checkOnboarding } from './run-check.ts'
import { onboardingName } from './state.ts'

const unasked = { getJson: () => assert.fail('fetches') }

const draft = (world: ControlWorld, form: object = {}, days = 365) =>
  draftOnboarding({ as: 'bob', form: { ...shopForm, ...form }, days }, world.ports)

const step = (
  { ports }: ControlWorld,
  record: string,
  as: string,
  of: OnboardingChange['step'],
  more: Partial<OnboardingChange> = {},
) => changeOnboarding({ step: of, as, record, ...more }, ports)

const records = async (asked: PageRequest, { ports }: ControlWorld) =>
  (await done(listOnboardings(asked, ports))).onboardings

const check = ({ ports }: ControlWorld, record: string, as = 'bob') =>
  checkOnboarding({ as, record }, ports, unasked)

const certification = { against: 'FAPI 2.0 Security Profile', evidence: 'report 77', days: 300 }

/** From nothing to a client that is served. @returns name of the record */
async function onboarded(world: ControlWorld, form: object = {}, days = 365): Promise<string> {
  const { name } = await done(draft(world, form, days))
  await done(step(world, name, 'bob', 'submit'))
  const checked = await done(check(world, name))
  assert.deepEqual(checked.findings, [])
  const { approvalsMissing } = checked
  for (const as of ['alice', 'carol'].slice(0, approvalsMissing)) await done(step(world, name, as, 'approve'))
  if (checked.needsCertification) await done(step(world, name, 'alice', 'certify', { certification }))
  await done(step(world, name, 'bob', 'activate'))
  return name
}

async function shop(world: ControlWorld): Promise<Client> {
  const client = (await issuerNow(world)).clients.get('shop')
  assert.ok(client)
  return client
}

const withheld = async (world: ControlWorld): Promise<readonly (string | undefined)[]> => {
  const client = await shop(world)
  return [client.status, client.withheld?.kind]
}
const served = ['active', undefined]

const required = (t: TestContext, open?: (typeof stores)[number]['open']): Promise<ControlWorld> =>
  openControlWorld(t, onboardingDocuments(), open)

for (const { name: storeName, skip, open } of stores)
  describe(`onboarding on ${storeName}`, { skip }, () => {
    test('from draft to active, suspended, resumed, retired: the client is served only in between', async t => {
      const world = await required(t, open)
      assert.deepEqual(await withheld(world), ['suspended', 'none'])
      const drafted = await done(draft(world))
      const { name } = drafted
      assert.deepEqual(
        [drafted.state, drafted.approvalsMissing, drafted.needsCertification],
        ['draft', 2, true],
      )
      await refusedWith(step(world, name, 'alice', 'approve'), /onboarding\.state/)
      assert.equal((await done(step(world, name, 'bob', 'submit'))).state, 'submitted')
      const { state, passed, findings } = await done(check(world, name))
      assert.deepEqual([state, passed, findings], ['checked', true, []])
      const first = await done(step(world, name, 'alice', 'approve'))
      assert.deepEqual([first.state, first.approvalsMissing], ['checked', 1])
      assert.equal((await done(step(world, name, 'carol', 'approve'))).state, 'approved')
      await refusedWith(step(world, name, 'bob', 'activate'), /onboarding\.certified/)
      assert.equal((await done(step(world, name, 'carol', 'certify', { certification }))).state, 'certified')
      assert.deepEqual(await withheld(world), ['suspended', 'none'])
      await done(step(world, name, 'bob', 'activate'))
      assert.deepEqual(await withheld(world), served)
      await done(step(world, 'shop', 'alice', 'suspend', { reason: 'its key was seen elsewhere' }))
      assert.deepEqual(await withheld(world), ['suspended', 'suspended'])
      await refusedWith(step(world, 'shop', 'alice', 'resume'), /onboarding\.second-person/)
      await done(step(world, 'shop', 'carol', 'resume'))
      assert.deepEqual(await withheld(world), served)
      await done(step(world, name, 'dave', 'retire', { reason: 'moved' }))
      assert.deepEqual(await withheld(world), ['suspended', 'retired'])
      await refusedWith(step(world, name, 'carol', 'resume'), /onboarding\.state/)
    })

    test('a suspension ends what the client has, in the commit that suspends it', async t => {
      const world = await required(t, open)
      const name = await onboarded(world)
      const { store } = world.ports
      const own = { issuer: binding.url, clientId: 'shop' }
      const records = {
        grant: { ...grant(), ...own },
        token: { ...accessToken(), ...own, grantId: undefined, subject: 'shop' },
      }
      await store.commit([
        { kind: 'insert-grant', record: records.grant },
        { kind: 'insert-access-token', record: records.token },
      ])
      await done(step(world, name, 'alice', 'suspend'))
      assert.notEqual((await store.findGrant(records.grant.id))?.revokedAt, undefined)
      assert.notEqual((await store.findAccessToken(records.token.hash))?.revokedAt, undefined)
      const told = (await store.listRevocations(0, 500)).map(({ what }) => what)
      assert.ok(told.length > 0, 'APIs are told by the feed')
    })

    test('every step stands in the audit with the person, and so does a refused one with its rule', async t => {
      const world = await required(t, open)
      const { store } = world.ports
      const { name, reference } = await done(draft(world))
      const [drafted] = await store.findAudit(reference, 10)
      assert.deepEqual(
        [drafted?.event, drafted?.clientId, drafted?.facts.person, drafted?.facts.onboarding],
        ['onboarding.drafted', 'shop', 'bob', name],
      )
      await done(step(world, name, 'bob', 'submit'))
      await done(check(world, name))
      await refusedWith(step(world, name, 'bob', 'approve'), /onboarding\.own-request/)
      const { reference: approval } = await done(step(world, name, 'alice', 'approve'))
      const refusal = `reference-${Number(approval.split('-')[1]) - 1}`
      const [refused] = await store.findAudit(refusal, 10)
      assert.deepEqual([refused?.outcome, refused?.ruleId], ['refused', 'onboarding.own-request'])
      const [approved] = await store.findAudit(approval, 10)
      assert.deepEqual([approved?.event, approved?.facts.person], ['onboarding.approved', 'alice'])
    })

    test('two approvals by one person at the same time are one', async t => {
      const world = await required(t, open)
      const { name } = await done(draft(world))
      await done(step(world, name, 'bob', 'submit'))
      await done(check(world, name))
      const both = await Promise.all(['alice', 'alice'].map(as => step(world, name, as, 'approve')))
      assert.deepEqual(both.map(({ ok }) => ok).toSorted(), [false, true])
    })
  })

describe('who may be served', () => {
  test('where onboarding is off, a client without a record is served, and one with a record is held to it', async t => {
    const world = await openControlWorld(t, onboardingDocuments('off'))
    assert.deepEqual(await withheld(world), served)
    const name = await onboarded(world)
    await done(step(world, name, 'alice', 'suspend'))
    assert.deepEqual(await withheld(world), ['suspended', 'suspended'])
    await done(step(world, name, 'alice', 'retire'))
    assert.deepEqual(await withheld(world), ['suspended', 'retired'])
    await refusedWith(step(world, name, 'alice', 'remove'), /what keeps the client from being served/)
  })

  test('there is room for so many records, and none for another one', async t => {
    const world = await required(t)
    await done(draft(world))
    await fill(world, 'ClientOnboarding', recordsMax - 1, onboardingName)
    await done(draft(world, { purpose: 'the last one' }))
    await refusedWith(draft(world, { purpose: 'another one' }), /there are 5000 of them/)
  })

  test('a draft that is retired ends nothing', async t => {
    const world = await openControlWorld(t, onboardingDocuments('off'))
    const { name } = await done(draft(world))
    await done(step(world, name, 'alice', 'retire'))
    assert.deepEqual(await withheld(world), served)
    await done(step(world, name, 'alice', 'remove'))
    assert.deepEqual(await records({}, world), [])
  })

  test('from the second it ends a client is not served, and it can be drafted again', async t => {
    const world = await required(t)
    const name = await onboarded(world, {}, 30)
    world.pass(30 * day - 1)
    assert.deepEqual(await withheld(world), served)
    world.pass(1)
    assert.deepEqual(await withheld(world), ['suspended', 'ended'])
    const [listed] = await records({ issuer: 'main' }, world)
    assert.equal(listed?.state, 'expired')
    await refusedWith(step(world, name, 'carol', 'review'), /onboarding\.state/)
    const next = await onboarded(world)
    assert.deepEqual(await withheld(world), served)
    const states = new Map((await records({ issuer: 'main' }, world)).map(one => [one.name, one.state]))
    assert.deepEqual([states.get(name), states.get(next)], ['retired', 'active'])
  })

  test('when the certification ends the client is not served until somebody certifies it again', async t => {
    const world = await required(t)
    const name = await onboarded(world)
    world.pass(300 * day - 1)
    assert.deepEqual(await withheld(world), served)
    world.pass(1)
    assert.deepEqual(await withheld(world), ['suspended', 'ended'])
    const [listed] = await records({ issuer: 'main' }, world)
    assert.equal(listed?.state, 'uncertified')
    await refusedWith(step(world, name, 'bob', 'certify', { certification }), /onboarding\.own-request/)
    await done(step(world, name, 'carol', 'certify', { certification }))
    assert.deepEqual(await withheld(world), served)
  })

  test('a low tier needs one person and no certification', async t => {
    const world = await openControlWorld(t, onboardingDocuments('required', 'tier-2-sensitive-read'))
    const { name, approvalsMissing, needsCertification } = await done(draft(world, { riskTier: 2 }))
    assert.deepEqual([approvalsMissing, needsCertification], [1, false])
    await done(step(world, name, 'bob', 'submit'))
    await done(check(world, name))
    await done(step(world, name, 'alice', 'approve'))
    await done(step(world, name, 'bob', 'activate'))
    assert.deepEqual(await withheld(world), served)
  })

  test('a tier below that of what the client may ask for is not submitted', async t => {
    const world = await required(t)
    const { name } = await done(draft(world, { riskTier: 2 }))
    await refusedWith(step(world, name, 'bob', 'submit'), /onboarding\.tier.*|tier 3/)
  })
})

describe('what was approved', () => {
  test('what was registered beyond what was approved is not there', async t => {
    const world = await required(t)
    await onboarded(world)
    const other = newJwk('other')
    await done(
      applied(
        [
          shopDocument(
            {
              redirect_uris: ['https://shop.example/cb', 'https://evil.example/cb'],
              grant_types: [...shopMetadata.grant_types, 'urn:ietf:params:oauth:grant-type:token-exchange'],
              scope: 'openid accounts payments profile',
              post_logout_redirect_uris: ['https://evil.example/out'],
              jwks: { keys: [firstJwk, other] },
            },
            {
              resources: ['bank', 'ledger'],
              introspects: ['ledger'],
              allowedOrigins: ['https://evil.example'],
              exchanges: { tokensFor: ['bank'] },
            },
          ),
        ],
        world.ports,
      ),
    )
    const client = await shop(world)
    assert.equal(client.status, 'active')
    assert.deepEqual(client.redirectUris, ['https://shop.example/cb'])
    assert.deepEqual(client.grantTypes, shopMetadata.grant_types)
    assert.deepEqual(client.scopes, ['openid', 'accounts', 'payments'])
    assert.deepEqual(client.resources, ['https://api.example'])
    assert.deepEqual(
      [client.introspects, client.allowedOrigins, client.postLogoutRedirectUris, client.exchanges.tokensFor],
      [[], [], [], []],
    )
    assert.deepEqual(client.jwks?.keys, [firstJwk])
    const [listed] = await records({}, world)
    assert.ok(listed?.moved.includes('redirect_uris'))
    assert.ok(listed?.moved.includes('keys'))
  })

  const changes: readonly (readonly [name: string, metadata: object, spec: object])[] = [
    ['the way it authenticates', { token_endpoint_auth_method: 'self_signed_tls_client_auth' }, {}],
    ['its profile', {}, { profile: 'oauth21' }],
    ['where its keys are', { jwks: undefined, jwks_uri: 'https://shop.example/jwks' }, {}],
    [
      'how its tokens are bound',
      { dpop_bound_access_tokens: undefined, tls_client_certificate_bound_access_tokens: true },
      {},
    ],
    ['its name on the consent page', { client_name: 'Your bank' }, {}],
    ['who may act for it', {}, { mayAct: 'other' }],
  ]
  for (const [name, metadata, spec] of changes)
    test(`a client that changed ${name} is not served`, async t => {
      const other = shopDocument({ redirect_uris: ['https://other.example/cb'] }).replace(
        'name: shop',
        'name: other',
      )
      const issuer = documentOf('Issuer', 'main', '{onboarding: required, floor: oauth21}')
      const world = await openControlWorld(t, [...onboardingDocuments().slice(1), issuer, other])
      await onboarded(world)
      assert.deepEqual(await withheld(world), served)
      await done(applied([shopDocument(metadata, spec)], world.ports))
      assert.deepEqual(await withheld(world), ['suspended', 'changed'])
      await done(applied([shopDocument()], world.ports))
      assert.deepEqual(await withheld(world), served)
    })

  test('what may change unread: contacts, order, and less than approved', async t => {
    const world = await required(t)
    await onboarded(world)
    const less = { scope: 'accounts openid', contacts: ['new@shop.example'], software_version: '2' }
    await done(applied([shopDocument(less)], world.ports))
    assert.deepEqual(await withheld(world), served)
    assert.deepEqual((await shop(world)).scopes, ['accounts', 'openid'])
  })

  test('an approval counts for the content it was given for, and for no other', async t => {
    const world = await required(t)
    const { name } = await done(draft(world))
    await done(step(world, name, 'bob', 'submit'))
    await done(check(world, name))
    await done(step(world, name, 'alice', 'approve'))
    await done(applied([shopDocument({ redirect_uris: ['https://evil.example/cb'] })], world.ports))
    await refusedWith(step(world, name, 'carol', 'approve'), /onboarding\.registration/)
    const other = await done(draft(world))
    assert.notEqual(other.name, name)
    assert.equal(other.approvalsMissing, 2)
    await done(applied([shopDocument()], world.ports))
    await done(step(world, name, 'carol', 'approve'))
    await done(step(world, name, 'carol', 'certify', { certification }))
    await done(applied([shopDocument({ redirect_uris: ['https://evil.example/cb'] })], world.ports))
    await refusedWith(step(world, name, 'bob', 'activate'), /onboarding\.registration/)
  })

  test('a client with an active record is not deleted by files, nor is the record', async t => {
    const world = await required(t)
    const name = await onboarded(world)
    const other = shopDocument({ redirect_uris: ['https://other.example/cb'] }).replace(
      'name: shop',
      'name: other',
    )
    await refusedWith(applied([other], world.ports, true), /the client `shop` is not there: retire/)
    const [body = ''] = await exported('ClientOnboarding', world)
    await refusedWith(
      applied([body.replace('"active"', '"suspended"')], world.ports),
      /onboarding\.by-person/,
    )
    await refusedWith(applied([body.replace(name, `${name}x`)], world.ports), /onboarding\.by-person/)
    await done(applied([body], world.ports, true))
    const elsewhere = await required(t)
    await refusedWith(applied([body], elsewhere.ports), /onboarding\.by-person/)
  })

  test('steps by which somebody answers for the content name the record, not the client', async t => {
    const world = await required(t)
    await done(draft(world))
    await refusedWith(step(world, 'shop', 'bob', 'submit'), /name the record whole/)
    await refusedWith(step(world, 'nobody', 'bob', 'suspend'), /there is no such record/)
    await refusedWith(draft(world, { client: 'shpo' }), /there is no client `shpo` \(did you mean `shop`\?\)/)
  })
})

describe('keys that change', () => {
  const next = newJwk('next')
  const rotation = { jwk: next }

  test('a new key needs another person, works beside the old one, and the old one ends at its second', async t => {
    const world = await required(t)
    const name = await onboarded(world)
    await done(applied([shopDocument({ jwks: { keys: [firstJwk, next] } })], world.ports))
    const kids = async (): Promise<readonly unknown[]> =>
      ((await shop(world)).jwks?.keys ?? []).map(({ kid }) => kid)
    assert.deepEqual(await kids(), ['first'])
    await done(step(world, 'shop', 'bob', 'rotate-key', { rotation }))
    const thumbprint = thumbprintOfJwk(next)
    await refusedWith(step(world, name, 'bob', 'approve-key', { thumbprint }), /onboarding\.second-person/)
    await refusedWith(
      step(world, name, 'alice', 'approve-key', { thumbprint: thumbprintOfJwk(firstJwk) }),
      /another key waits/,
    )
    assert.deepEqual(await kids(), ['first'])
    await done(step(world, name, 'alice', 'approve-key', { thumbprint }))
    assert.deepEqual(await kids(), ['first', 'next'])
    world.pass(7 * day - 1)
    assert.deepEqual(await kids(), ['first', 'next'])
    world.pass(1)
    assert.deepEqual(await kids(), ['next'])
    await done(applied([shopDocument({ jwks: { keys: [next] } })], world.ports))
    const [listed] = await records({}, world)
    assert.deepEqual([listed?.moved, await withheld(world)], [[], served])
  })

  test('a suspended client gets another key before it is resumed, and the old one is no more', async t => {
    const world = await required(t)
    const name = await onboarded(world)
    await done(applied([shopDocument({ jwks: { keys: [firstJwk, next] } })], world.ports))
    await done(step(world, 'shop', 'alice', 'suspend', { reason: 'its key was seen elsewhere' }))
    await done(step(world, 'shop', 'bob', 'rotate-key', { rotation: { jwk: next, overlapDays: 0 } }))
    await done(step(world, name, 'carol', 'approve-key', { thumbprint: thumbprintOfJwk(next) }))
    await done(step(world, 'shop', 'carol', 'resume'))
    const client = await shop(world)
    assert.deepEqual([client.status, client.jwks?.keys], ['active', [next]])
  })

  test('an approved key does not carry in a certificate that nobody approved', async t => {
    const world = await required(t)
    await onboarded(world)
    const carrying = { ...firstJwk, x5c: ['MIIB'] }
    assert.notEqual(thumbprintOfJwk(carrying), thumbprintOfJwk(firstJwk))
    await done(applied([shopDocument({ jwks: { keys: [carrying] } })], world.ports))
    assert.deepEqual((await shop(world)).jwks?.keys, [])
  })

  test('an overlap may be shorter than planned and not longer; a weak or private key is none', async t => {
    const world = await required(t)
    const name = await onboarded(world)
    const propose = (more: object) =>
      step(world, name, 'bob', 'rotate-key', { rotation: { ...rotation, ...more } })
    await refusedWith(propose({ overlapDays: 8 }), /more than the 7 days/)
    await refusedWith(propose({ jwk: { kty: 'oct', k: 'c2VjcmV0' } }), /is not public/)
    await refusedWith(propose({ jwk: { ...next, crv: 'secp256k1' } }), /not a valid|weak/)
    await refusedWith(propose({ jwk: firstJwk }), /has this key already/)
    await refusedWith(propose({ replaces: [thumbprintOfJwk(next)] }), /the client has no key/)
    await done(propose({ overlapDays: 0 }))
    await done(applied([shopDocument({ jwks: { keys: [firstJwk, next] } })], world.ports))
    await done(step(world, name, 'alice', 'approve-key', { thumbprint: thumbprintOfJwk(next) }))
    assert.deepEqual(
      (await shop(world)).jwks?.keys.map(({ kid }) => kid),
      ['next'],
    )
  })

  test('a key for encryption does not end those that sign', async t => {
    const world = await required(t)
    const name = await onboarded(world)
    const enc = newJwk('enc', 'enc')
    await done(step(world, name, 'bob', 'rotate-key', { rotation: { jwk: enc } }))
    await done(step(world, name, 'alice', 'approve-key', { thumbprint: thumbprintOfJwk(enc) }))
    const [listed] = await records({ issuer: binding.url }, world)
    assert.deepEqual(
      listed?.keys.map(({ kid, until }) => [kid, until]),
      [
        ['first', undefined],
        ['enc', undefined],
      ],
    )
  })
})
