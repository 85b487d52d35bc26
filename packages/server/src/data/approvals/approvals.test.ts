import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Reply } from '../../http/exchange.ts'
import type { Client, Scope } from '../../snapshot/snapshot.ts'
import { answerApproval, answerAs, atApprovalsAs, putMember } from '../testing/approvals.ts'
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
import { allowedCiba, answerShown, askCiba, atApprovals, cibaClient, pollCiba } from '../testing/ciba.ts'
import { clientOf } from '../testing/clients.ts'
import { allowedDevice, deviceClient, pollDevice } from '../testing/device.ts'
import { jsonOf, redeem, requestToken, seedCode, textOf } from '../testing/flow.ts'
import { policiesWith } from '../testing/policies.ts'
import { assertRefused } from '../testing/refused.ts'
import { alice, openWorld, type World, type WorldOptions } from '../testing/world.ts'
import { approvalKey, approvalLimits } from './approval.ts'

const atMint = '(principal, action == Action::"mint", resource)'
const atAuthorize = '(principal, action == Action::"authorize", resource)'
const wanted = (terms: string, where: string): WorldOptions['policies'] =>
  policiesWith(`@id("own.approval") ${terms} permit ${where};`)
const mintOnce = wanted('@require_approval("treasury")', atMint)
const authorizeOnce = wanted('@require_approval("treasury")', atAuthorize)

async function open(policies: WorldOptions['policies'], options: WorldOptions = {}): Promise<World> {
  const world = await openWorld({ ...options, ...(policies && { policies }) })
  await putMember(world, 'tess', ['treasury'])
  await putMember(world, 'tom', ['treasury', 'legal'])
  await putMember(world, 'lena', ['legal'])
  await putMember(world, 'bob', [])
  return world
}
const machine = (world: World): Promise<Reply> =>
  requestToken(world, 'c_bank', { grant_type: 'client_credentials', scope: 'accounts' })
const text = (page: Reply): string => String(page.body).replaceAll(/<[^>]+>/g, '')
const events = async (world: World, prefix: string): Promise<readonly string[]> =>
  (await world.audit()).map(({ event }) => event).filter(event => event.startsWith(prefix))

describe('a token that others have to approve', () => {
  test('is refused with its reason, asked for once, and minted after the approval', async () => {
    await using world = await open(mintOnce)
    const refused = { status: 400, error: 'unauthorized_client', ruleId: 'policy.approval' } as const
    await assertRefused(world, await machine(world), refused)
    const [record, told] = [
      await world.lastAudit('approval.requested'),
      await world.lastAudit('token.refused'),
    ]
    assert.equal(record?.requestId, told?.requestId)
    assert.equal(record?.facts.approval, told?.facts.approval_name)
    assert.deepEqual([record?.facts.groups, record?.facts.scopes], [['treasury'], ['accounts']])
    await assertRefused(world, await machine(world), refused)
    assert.deepEqual(await events(world, 'approval.'), ['approval.requested'])

    const page = await answerAs(world, 'tess')
    assert.match(text(page), /You approved it\. The c_bank application can go on/)
    const given = await world.lastAudit('approval.given')
    assert.deepEqual(
      [given?.facts.person, given?.facts.group, given?.facts.by],
      ['u_tess', 'treasury', 'page'],
    )
    assert.equal((await machine(world)).status, 200)
    const [used, issued] = [await world.lastAudit('approval.used'), await world.lastAudit('token.issued')]
    assert.deepEqual([used?.requestId, used?.facts.persons], [issued?.requestId, ['u_tess']])
    assert.deepEqual((await world.lastAudit('policy.mint'))?.facts.approved_by, ['treasury'])

    // Once: the next token is asked for anew.
    await assertRefused(world, await machine(world), refused)
    assert.deepEqual(await events(world, 'approval.'), [
      ...['approval.requested', 'approval.given', 'approval.used', 'approval.requested'],
    ])
  })

  test('other content is another request: an approval of one buys nothing of the other', async () => {
    await using world = await open(mintOnce)
    await machine(world)
    await answerAs(world, 'tess')
    const other = await requestToken(world, 'c_bank', { grant_type: 'client_credentials', scope: 'payments' })
    await assertRefused(world, other, {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'policy.approval',
    })
    const names = (await world.audit()).flatMap(({ event, facts }) =>
      event === 'approval.requested' ? [facts.approval] : [],
    )
    assert.equal(new Set(names).size, 2)
    assert.equal((await machine(world)).status, 200)
  })

  for (const [terms, seconds, isOnce] of [
    ['', 900, true],
    ['@approval_within("60")', 60, true],
    ['@approval_for("3600")', 3600, false],
  ] as const)
    test(`an approval ${terms || 'whose policy says nothing'} serves ${isOnce ? 'once' : 'again'}, to its last second`, async () => {
      await using world = await open(wanted(`@require_approval("treasury") ${terms}`, atMint))
      await machine(world)
      const page = (await atApprovalsAs(world, 'tess'))[1]
      assert.match(text(page), isOnce ? /counts once, for at most/ : /counts again and again for/)
      await answerAs(world, 'tess')
      if (!isOnce) assert.equal((await machine(world)).status, 200)
      world.clock.advance(seconds - 1)
      assert.equal((await machine(world)).status, 200)
      world.clock.advance(1)
      await assertRefused(world, await machine(world), {
        ...{ status: 400, error: 'unauthorized_client', ruleId: 'policy.approval' },
      })
    })

  test('of 16 requests at the same moment a single approval serves one', async () => {
    await using world = await open(mintOnce)
    await machine(world)
    await answerAs(world, 'tess')
    const replies = await Promise.all(Array.from({ length: 16 }, () => machine(world)))
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    assert.deepEqual(
      (await events(world, 'approval.')).filter(event => event === 'approval.used'),
      ['approval.used'],
    )
    assert.ok((await world.audit()).some(({ ruleId }) => ruleId === 'policy.approval-gone'))
  })

  test('of 16 that need it at the same moment one asks, and all are refused', async () => {
    await using world = await open(mintOnce)
    const replies = await Promise.all(Array.from({ length: 16 }, () => machine(world)))
    assert.ok(replies.every(reply => jsonOf(reply).error === 'unauthorized_client'))
    assert.deepEqual(await events(world, 'approval.'), ['approval.requested'])
    assert.equal((await world.audit()).filter(({ event }) => event === 'token.refused').length, 16)
  })

  test('a code stays good while its token is not approved', async () => {
    await using world = await open(mintOnce)
    const { code } = await seedCode(world, 'c_bank')
    const reply = await redeem(world, 'c_bank', code)
    await assertRefused(world, reply, { status: 400, error: 'invalid_grant', ruleId: 'policy.approval' })
    await answerAs(world, 'tess')
    assert.equal((await redeem(world, 'c_bank', code)).status, 200)
  })

  test('a denial stands a quarter of an hour, and is told as one', async () => {
    await using world = await open(mintOnce)
    await machine(world)
    assert.match(text(await answerAs(world, 'tess', 'deny')), /You refused it/)
    assert.equal((await world.lastAudit('approval.denied'))?.facts.person, 'u_tess')
    const denied = { status: 400, error: 'unauthorized_client', ruleId: 'policy.approval-denied' } as const
    await assertRefused(world, await machine(world), denied)
    world.clock.advance(899)
    await assertRefused(world, await machine(world), denied)
    world.clock.advance(1)
    await assertRefused(world, await machine(world), { ...denied, ruleId: 'policy.approval' })
    assert.equal((await events(world, 'approval.')).filter(event => event === 'approval.requested').length, 2)
  })

  test('as many requests of one asker wait as may, and not one more', async () => {
    await using world = await open(mintOnce)
    await machine(world)
    const at = world.clock.now()
    const [first] = await world.store.listWaitingApprovals(world.issuer.url, undefined, at, 1)
    assert.ok(first)
    for (let count = 1; count < approvalLimits.ofAskerMax; count++) {
      const name = `a-${count}`
      const record = { ...first, key: approvalKey(world.issuer.url, name), name }
      await world.store.commit([{ kind: 'ask-approval', record, at, ofAskerMax: 100 }])
    }
    const other = await requestToken(world, 'c_bank', { grant_type: 'client_credentials', scope: 'payments' })
    await assertRefused(world, other, {
      status: 400,
      error: 'unauthorized_client',
      ruleId: 'policy.approval',
    })
    assert.equal((await world.lastAudit('token.refused'))?.facts.is_approval_asked, false)
    assert.equal((await events(world, 'approval.')).length, 1)
  })

  test('a forbid that asks for an approval goes away when it is there, and not otherwise', async () => {
    const gate = `@id("own.gate") @require_approval("treasury") forbid ${atMint}
      unless { context has approvedBy && context.approvedBy.contains("treasury") };
      @id("own.max") @max_lifetime("60") permit ${atMint};`
    await using world = await open(policiesWith(gate))
    await machine(world)
    await answerAs(world, 'tess')
    const reply = await machine(world)
    assert.deepEqual([reply.status, jsonOf(reply).expires_in], [200, 60])
    const stubborn = policiesWith(`@id("own.gate") @require_approval("treasury") forbid ${atMint};`)
    await using other = await open(stubborn)
    await machine(other)
    await answerAs(other, 'tess')
    await assertRefused(other, await machine(other), {
      ...{ status: 400, error: 'unauthorized_client', ruleId: 'policy.denied' },
    })
    assert.ok(!(await events(other, 'approval.')).includes('approval.used'))
  })

  test('where one policy forbids until one group approved and another permits after a second, both are asked', async () => {
    await using world = await open(
      policiesWith(`@id("own.gate") @require_approval("treasury") forbid ${atMint}
        unless { context has approvedBy && context.approvedBy.contains("treasury") };
        @id("own.legal") @require_approval("legal") permit ${atMint};`),
    )
    await machine(world)
    await answerAs(world, 'tess')
    await machine(world)
    await answerAs(world, 'lena')
    assert.equal((await machine(world)).status, 200)
    assert.equal((await events(world, 'approval.')).filter(event => event === 'approval.used').length, 2)
  })

  test('a policy that fails asks nobody', async () => {
    await using world = await open(
      policiesWith(`@id("own.approval") @require_approval("treasury") permit ${atMint};
        @id("own.broken") forbid ${atMint} when { context.lifetimeSeconds * 9007199254740991 * 1000 > 1 };`),
    )
    await assertRefused(world, await machine(world), {
      ...{ status: 400, error: 'unauthorized_client', ruleId: 'policy.failed' },
    })
    assert.deepEqual(await events(world, 'approval.'), [])
  })
})

describe('who may approve', () => {
  const both = wanted('@require_approval("treasury legal")', atMint)

  test('several groups: each answers, each by another person', async () => {
    await using world = await open(both)
    await machine(world)
    assert.match(
      text(await answerAs(world, 'tom')),
      /these have to answer: treasury|these have to answer: legal/,
    )
    const [, again] = await atApprovalsAs(world, 'tom')
    assert.match(text(again), /Nothing waits for you/)
    await assertRefused(world, await machine(world), {
      ...{ status: 400, error: 'unauthorized_client', ruleId: 'policy.approval' },
    })
    const rest = String((await world.lastAudit('approval.given'))?.facts.missing)
    await answerAs(world, rest === 'legal' ? 'lena' : 'tess')
    assert.equal((await machine(world)).status, 200)
    assert.equal((await world.lastAudit('approval.used'))?.facts.persons?.toString().split(',').length, 2)
  })

  test('who is in no group that is asked sees nothing, and cannot answer what somebody else was shown', async () => {
    const of = (scope: string, group: string): string =>
      `@id("own.${group}") @require_approval("${group}")
       permit (principal, action == Action::"mint", resource in Scope::"${scope}");`
    await using world = await open(policiesWith(of('accounts', 'treasury') + of('payments', 'legal')))
    await machine(world)
    await requestToken(world, 'c_bank', { grant_type: 'client_credentials', scope: 'payments' })
    const [, hers] = await atApprovalsAs(world, 'tess')
    assert.match(text((await atApprovalsAs(world, 'bob'))[1]), /Nothing waits for you/)
    const [browser, page] = await atApprovalsAs(world, 'lena')
    assert.match(text(page), /as a member of legal/)
    const stolen = { approval: fieldOf(hers, 'approval'), shown: fieldOf(hers, 'shown') }
    for (const decision of ['allow', 'deny'] as const) {
      assert.equal((await answerApproval(browser, page, decision, stolen)).status, 409)
      assert.equal((await world.lastAudit('approval.refused'))?.ruleId, 'approval.decided')
    }
    assert.deepEqual(await events(world, 'approval.given'), [])
    assert.deepEqual(await events(world, 'approval.denied'), [])
  })

  test('nobody approves what is for themselves', async () => {
    await using world = await open(mintOnce)
    await world.store.commit([
      {
        kind: 'put-user',
        record: {
          ...{ issuer: world.issuer.url, subject: alice, username: 'alice', passwordHash: 'fake:pw' },
          ...{ status: 'active', claims: {}, groups: ['treasury'] },
        },
      },
    ])
    const { code } = await seedCode(world, 'c_bank')
    await redeem(world, 'c_bank', code)
    const [, page] = await atApprovalsAs(world, 'alice')
    assert.match(text(page), /Nothing waits for you/)
    const [, other] = await atApprovalsAs(world, 'tess')
    assert.match(text(other), /asks alice to allow this/)
  })

  test('who left the group between look and answer answers nothing', async () => {
    await using world = await open(mintOnce)
    await machine(world)
    const [browser, page] = await atApprovalsAs(world, 'tess')
    await putMember(world, 'tess', ['legal'])
    assert.equal((await answerApproval(browser, page)).status, 409)
    assert.equal((await world.lastAudit('approval.refused'))?.ruleId, 'approval.decided')
  })

  test('of 16 answers at the same moment one counts', async () => {
    await using world = await open(mintOnce)
    await machine(world)
    const [browser, page] = await atApprovalsAs(world, 'tess')
    const replies = await Promise.all(
      Array.from({ length: 16 }, (_, index) => answerApproval(browser, page, index % 2 ? 'allow' : 'deny')),
    )
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    const answers = (await world.audit()).filter(({ event }) => /^approval\.(given|denied)$/.test(event))
    assert.equal(answers.length, 1)
  })

  test('what the page showed is what is approved: an edited name is asked again', async () => {
    await using world = await open(mintOnce)
    await machine(world)
    const [browser, page] = await atApprovalsAs(world, 'tess')
    const clients = world.issuer.clients as Map<string, Client>
    clients.set('c_bank', clientOf({ clientId: 'c_bank', clientName: 'Another name' }))
    const reply = await answerApproval(browser, page)
    assert.equal(reply.status, 409)
    assert.equal((await world.lastAudit('approval.refused'))?.ruleId, 'approval.changed')
    assert.match(text(reply), /Another name/)
  })

  test('an answer needs the CSRF token of its page and the browser it was shown to', async () => {
    await using world = await open(mintOnce)
    await machine(world)
    const [browser, page] = await atApprovalsAs(world, 'tess')
    for (const csrf of [undefined, '', 'x'])
      assert.equal((await answerApproval(browser, page, 'allow', { csrf })).status, 400)
    assert.equal((await answerApproval(openBrowser(world), page)).status, 400)
    assert.deepEqual(await events(world, 'approval.given'), [])
  })

  test('a level that the scopes ask of users is asked of who approves for them', async () => {
    const strong = 'urn:holdfast:acr:mfa'
    await using world = await open(mintOnce)
    const scopes = world.issuer.scopes as Map<string, Scope>
    const scope = scopes.get('accounts')
    assert.ok(scope)
    await machine(world)
    scopes.set('accounts', { ...scope, acr: strong })
    const reply = await answerAs(world, 'tess')
    assert.match(text(reply), /stronger sign-in than you have set up/)
    assert.deepEqual(await events(world, 'approval.given'), [])
    assert.equal((await world.lastAudit('approval.refused'))?.ruleId, 'approval.unreachable')
  })
})

/** A store that has room for no more requests for approval. */
const withoutRoom =
  (world: World): World['store']['commit'] =>
  async writes => {
    const index = writes.findIndex(({ kind }) => kind === 'ask-approval')
    return index < 0 ? await world.store.commit(writes) : { committed: false, guard: 'ask-approval', index }
  }

describe('a user whose request others have to approve', () => {
  const consentPage = async (world: World, browser: Browser): Promise<Reply> =>
    await follow(
      browser,
      await browser.login(await follow(browser, await browser.get(await pushedUrl(world)))),
    )
  const answer = (browser: Browser, page: Reply, decision = 'allow'): Promise<Reply> =>
    browser.post(actionOf(page), {
      ...{ csrf: fieldOf(page, 'csrf'), shown: fieldOf(page, 'shown'), decision },
    })

  test('is told before, waits on a page after, and goes on when it is approved', async () => {
    await using world = await open(authorizeOnce)
    const browser = openBrowser(world)
    const page = await consentPage(world, browser)
    assert.match(text(page), /Others have to approve this as well: treasury/)
    assert.deepEqual(await events(world, 'approval.'), [])
    const waiting = await follow(browser, await answer(browser, page))
    assert.match(text(waiting), /Waiting for approval.*Not answered yet: treasury/s)
    const url = actionOf(waiting)
    assert.equal(header(waiting, 'refresh'), `15; url=${url}`)
    const still = await browser.get(`${url}?still=yes`)
    assert.equal(header(still, 'refresh'), undefined)
    const before = (await world.audit()).length
    await browser.get(url)
    assert.equal((await world.audit()).length, before)

    await answerAs(world, 'tess')
    const approved = await browser.get(url)
    assert.match(text(approved), /have approved it\. Allow it now/)
    const code = locationOf(await answer(browser, approved)).searchParams.get('code') ?? ''
    assert.equal((await redeem(world, 'c_bank', code)).status, 200)
    const [used, issued] = [await world.lastAudit('approval.used'), await world.lastAudit('code.issued')]
    assert.equal(used?.requestId, issued?.requestId)
    assert.equal(used?.subject, alice)
  })

  test('may give up while waiting: the client learns access_denied', async () => {
    await using world = await open(authorizeOnce)
    const browser = openBrowser(world)
    const waiting = await follow(browser, await answer(browser, await consentPage(world, browser)))
    const reply = await answer(browser, waiting, 'deny')
    assert.equal(locationOf(reply).searchParams.get('error'), 'access_denied')
  })

  test('is refused when as many requests wait as may', async () => {
    await using world = await open(authorizeOnce)
    const browser = openBrowser(world)
    const page = await consentPage(world, browser)
    const full = { ...world.ports, store: { ...world.store, commit: withoutRoom(world) } }
    const send = world.send
    Object.assign(world, {
      send: (room: Parameters<typeof send>[0], path: string, options: Parameters<typeof send>[2]) =>
        room(world.exchange(path, options), path.endsWith('/consent') ? full : world.ports),
    })
    const callback = locationOf(await answer(browser, page))
    assert.equal(callback.searchParams.get('error'), 'access_denied')
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'approval.too-many')
  })

  test('is told when it is denied: the client learns access_denied', async () => {
    await using world = await open(authorizeOnce)
    const browser = openBrowser(world)
    const waiting = await follow(browser, await answer(browser, await consentPage(world, browser)))
    await answerAs(world, 'tess', 'deny')
    const reply = await browser.get(actionOf(waiting))
    assert.equal(locationOf(reply).searchParams.get('error'), 'access_denied')
    assert.equal((await world.lastAudit('consent.refused'))?.ruleId, 'policy.approval-denied')
  })

  test('finds the approval again in another request of the same content, and it serves one of two', async () => {
    await using world = await open(authorizeOnce)
    const [one, two] = [openBrowser(world), openBrowser(world)]
    const waiting = await follow(one, await answer(one, await consentPage(world, one)))
    await answerAs(world, 'tess')
    const second = await consentPage(world, two)
    assert.match(text(second), /have approved it/)
    const first = await one.get(actionOf(waiting))
    const replies = await Promise.all([answer(one, first), answer(two, second)])
    const codes = replies.filter(reply => locationOf(reply).searchParams.has('code'))
    assert.equal(codes.length, 1)
    assert.equal((await events(world, 'approval.used')).length, 1)
    assert.equal((await world.audit()).filter(({ event }) => event === 'code.issued').length, 1)
  })

  test('a stronger sign-in that policies want comes before anybody is asked', async () => {
    const mfa = 'urn:holdfast:acr:mfa'
    await using world = await open(
      policiesWith(`@id("own.both") @step_up("${mfa}") @require_approval("treasury") permit ${atAuthorize};`),
    )
    const browser = openBrowser(world)
    const callback = locationOf(await consentPage(world, browser))
    assert.equal(callback.searchParams.get('error'), 'unmet_authentication_requirements')
    assert.deepEqual(await events(world, 'approval.'), [])
  })
})

describe('a client that polls', () => {
  test('CIBA: goes on waiting for the user and for others, and is answered after both', async () => {
    await using world = await open(authorizeOnce, { clients: [cibaClient()] })
    const authReqId = textOf(await askCiba(world), 'auth_req_id')
    const [browser, page] = await atApprovals(world)
    const asked = await answerShown(browser, page)
    assert.match(text(asked), /Others have to approve .* as well, and were asked: treasury/)
    world.clock.advance(5)
    assert.equal(jsonOf(await pollCiba(world, authReqId)).error, 'authorization_pending')
    await answerAs(world, 'tess')
    await answerShown(browser, asked)
    world.clock.advance(5)
    assert.equal((await pollCiba(world, authReqId)).status, 200)
    assert.equal(
      (await world.lastAudit('approval.used'))?.requestId,
      (await world.lastAudit('ciba.approved'))?.requestId,
    )
  })

  test('CIBA: what was denied is refused before the user is disturbed again', async () => {
    await using world = await open(authorizeOnce, { clients: [cibaClient()] })
    await askCiba(world)
    const [browser, page] = await atApprovals(world)
    const asked = await answerShown(browser, page)
    await answerAs(world, 'tess', 'deny')
    await answerShown(browser, asked)
    assert.equal((await world.lastAudit('ciba.denied'))?.ruleId, 'policy.approval-denied')
    const reply = await askCiba(world)
    await assertRefused(world, reply, {
      status: 403,
      error: 'access_denied',
      ruleId: 'policy.approval-denied',
    })
  })

  for (const kind of ['CIBA', 'device'] as const)
    test(`${kind}: a token that waits for approval is authorization_pending, and comes by itself`, async () => {
      await using world = await open(mintOnce, { clients: [cibaClient(), deviceClient()] })
      const isCiba = kind === 'CIBA'
      const value = isCiba ? await allowedCiba(world) : await allowedDevice(world)
      const poll = (): Promise<Reply> => (isCiba ? pollCiba(world, value) : pollDevice(world, value))
      world.clock.advance(5)
      assert.equal(jsonOf(await poll()).error, 'authorization_pending')
      world.clock.advance(1)
      assert.equal(jsonOf(await poll()).error, 'slow_down')
      await answerAs(world, 'tess')
      world.clock.advance(30)
      assert.equal((await poll()).status, 200)
    })
})
