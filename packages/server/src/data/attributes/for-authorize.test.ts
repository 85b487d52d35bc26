import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Attributes } from '@holdfast/policy'
import {
  accessTokenType,
  tokenExchangeGrantType,
} from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import { sourceOf, telling } from '../testing/attributes.ts'
import { follow } from '../testing/authenticator.ts'
import {
  actionOf,
  type Browser,
  fieldOf,
  header,
  locationOf,
  openBrowser,
  pushedUrl,
} from '../testing/browser.ts'
import { answerShown, askCiba, atApprovals, cibaClient, pollCiba } from '../testing/ciba.ts'
import { accounts, clientOf } from '../testing/clients.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, openWorld, type World, type WorldOptions } from '../testing/world.ts'

/** What sources tell is read before a client may act for a user (decision 0088). */

const finance = `context has attributes && context.attributes.texts.hasTag("department") && context.attributes.texts.getTag("department") == "finance"`
const ownAt = (moment: 'authorize' | 'mint') =>
  `@id("own.finance") forbid (principal, action == Action::"${moment}", resource) unless { ${finance} };`
const policies = policiesWith(ownAt('authorize'))
const hr = sourceOf('hr', ['department', 'manager'], { isForPolicies: true })
const notTold = sourceOf('crm', ['tariff'])

const open = (told: Readonly<Record<string, Attributes | Error | undefined>>, more: WorldOptions = {}) => {
  const { asked, sources } = telling(told)
  return openWorld({ policies, attributeSources: [hr, notTold], sources, ...more }).then(
    world => [world, asked] as const,
  )
}

/** Signed in, where the request leads to: the consent page, or back to the client. */
async function atConsent(world: World): Promise<readonly [Browser, Reply, consentUrl: string]> {
  const browser = openBrowser(world)
  const login = await follow(browser, await browser.get(await pushedUrl(world)))
  const url = actionOf(login).replace(/login$/, 'consent')
  return [browser, await follow(browser, await browser.login(login)), url]
}
const allow = (browser: Browser, page: Reply): Promise<Reply> =>
  browser.post(actionOf(page), {
    ...{ csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown'), decision: 'allow' },
  })
const everything = { hr: { department: 'finance', manager: 'u_bob' }, crm: { tariff: 'gold' } }
const failure = new Error('it failed lately')

describe('attributes before a client may act for a user', () => {
  test('decide on the consent page; the record has names, and nothing has their values', async () => {
    const [world, asked] = await open(everything)
    await using _ = world
    const [browser, page] = await atConsent(world)
    assert.ok(String(page.body).includes('consent-form'))
    const callback = locationOf(await allow(browser, page))
    assert.equal((await redeem(world, 'c_bank', callback.searchParams.get('code') ?? '')).status, 200)
    assert.deepEqual((await world.lastAudit('policy.authorize'))?.facts.attributes, ['department', 'manager'])
    assert.deepEqual([...new Set(asked)], [`hr ${alice}`], 'a source that is not for policies is not asked')
    for (const told of ['finance', 'u_bob', 'gold'])
      for (const place of [String(page.body), callback.href, JSON.stringify(await world.audit())])
        assert.ok(!place.includes(told), told)
  })

  for (const [name, told] of [
    ['say something else', { hr: { department: 'law' } }],
    ['say nothing', { hr: {} }],
    ['know nobody of that name', { hr: undefined }],
  ] as const)
    test(`where they ${name}, the policy decides so, and the user sees no page`, async () => {
      const [world] = await open(told)
      await using _ = world
      const [, reply] = await atConsent(world)
      assert.equal(locationOf(reply).searchParams.get('error'), 'access_denied')
      assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'policy.denied')
    })

  test('what is required and not known is a refusal, as at the token', async () => {
    const attributes = new Map([['department', { type: 'string', isRequired: true } as const]])
    const [world] = await open({ hr: {} }, { attributeSources: [{ ...hr, attributes }] })
    await using _ = world
    const [, reply] = await atConsent(world)
    assert.equal(locationOf(reply).searchParams.get('error'), 'access_denied')
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'attributes.missing')
  })

  for (const [name, more] of [
    ['policies read them for tokens only', { policies: policiesWith(ownAt('mint')) }],
    ['no policy reads them', { policies: policiesWith('') }],
    ['no source is for policies', { policies: policiesWith(''), attributeSources: [notTold] }],
  ] as const)
    test(`nobody is asked where ${name}`, async () => {
      const [world, asked] = await open({ hr: failure, crm: failure }, more)
      await using _ = world
      const [browser, page] = await atConsent(world)
      assert.ok(locationOf(await allow(browser, page)).searchParams.has('code'))
      assert.deepEqual(asked, [])
      assert.equal((await world.lastAudit('policy.authorize'))?.facts.attributes, undefined)
    })

  test('a version in the shadow is told, too, and refuses nobody when a source fails', async () => {
    const shadowed = policiesWith('', ownAt('authorize'))
    for (const [told, differs] of [
      [everything, false],
      [{ hr: failure }, true],
    ] as const) {
      const [world, asked] = await open(told, { policies: shadowed })
      await using _ = world
      const [browser, page] = await atConsent(world)
      assert.ok(locationOf(await allow(browser, page)).searchParams.has('code'))
      assert.ok(asked.includes(`hr ${alice}`))
      assert.equal((await world.lastAudit('policy.shadow-differs')) !== undefined, differs)
    }
  })
})

describe('a source that fails before a client may act for a user', () => {
  test('shows a page to try again, spends nothing, and asks no policy; then the same page goes on', async () => {
    const told: { hr: Attributes | Error } = { hr: failure }
    const [world] = await open(told)
    await using _ = world
    const [browser, page, url] = await atConsent(world)
    assert.equal(page.status, 503)
    assert.equal(header(page, 'retry-after'), '2')
    assert.match(String(page.body), /id="error-code">temporarily_unavailable</)
    assert.ok(!String(page.body).includes(failure.message))
    const refused = await world.lastAudit('consent.refused')
    assert.deepEqual(
      [refused?.ruleId, refused?.subject, refused?.facts.source, refused?.facts.failed],
      ['attributes.unavailable', alice, 'hr', failure.message],
    )
    assert.equal(await world.lastAudit('policy.authorize'), undefined)

    told.hr = everything.hr
    const consent = await browser.get(url)
    assert.ok(String(consent.body).includes('consent-form'))
    told.hr = failure
    assert.equal((await allow(browser, consent)).status, 503)
    told.hr = everything.hr
    assert.ok(locationOf(await allow(browser, consent)).searchParams.has('code'))
  })

  test('a client that asks without a browser is told to try again, and nobody is disturbed', async () => {
    const told: { hr: Attributes | Error } = { hr: failure }
    const [world] = await open(told, { clients: [cibaClient({ outstandingRequestsMax: 1 })] })
    await using _ = world
    for (let turn = 0; turn < 2; turn++) {
      const reply = await askCiba(world)
      await assertRefused(world, reply, {
        ...{ status: 503, error: 'temporarily_unavailable', ruleId: 'attributes.unavailable' },
      })
      assert.equal(header(reply, 'retry-after'), '2')
    }
    told.hr = { department: 'law' }
    await assertRefused(world, await askCiba(world), {
      ...{ status: 403, error: 'access_denied', ruleId: 'policy.denied' },
    })
  })

  test('a user who answers elsewhere is shown the page to try again, and the request still waits', async () => {
    const told: { hr: Attributes | Error } = { hr: everything.hr }
    const [world] = await open(told, { clients: [cibaClient()] })
    await using _ = world
    const authReqId = textOf(await askCiba(world), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    told.hr = failure
    const reply = await answerShown(browser, page)
    assert.deepEqual([reply.status, header(reply, 'retry-after')], [503, '2'])
    assert.equal((await world.lastAudit('ciba.refused'))?.ruleId, 'attributes.unavailable')
    assert.equal(jsonOf(await pollCiba(world, authReqId)).error, 'authorization_pending')
    told.hr = everything.hr
    assert.equal((await answerShown(browser, page)).status, 200)
    world.clock.advance(5)
    assert.equal((await pollCiba(world, authReqId)).status, 200)
  })
})

test('where nobody asked the user, both moments read what was asked for once', async () => {
  const exchanger = clientOf({
    clientId: 'c_exchanger',
    grantTypes: [tokenExchangeGrantType],
    exchanges: { tokensOf: ['c_bank'], tokensFor: [accounts] },
  })
  const [world, asked] = await open(everything, { clients: [exchanger] })
  await using _ = world
  const first = await redeem(world, 'c_bank', (await seedCode(world, 'c_bank')).code)
  asked.length = 0
  const reply = await requestToken(world, 'c_exchanger', {
    grant_type: tokenExchangeGrantType,
    subject_token: textOf(first, 'access_token'),
    ...{ subject_token_type: accessTokenType, resource: accounts },
  })
  assert.equal(reply.status, 200, String(reply.body))
  assert.deepEqual(asked, [`hr ${alice}`])
  const last = (await world.lastAudit('token.issued'))?.requestId
  const told = (await world.audit()).filter(
    ({ requestId, event }) => requestId === last && event.startsWith('policy.'),
  )
  assert.deepEqual(
    told.map(({ event, facts }) => [event, facts.attributes]),
    [
      ['policy.authorize', ['department', 'manager']],
      ['policy.mint', ['department', 'manager']],
    ],
  )
})
