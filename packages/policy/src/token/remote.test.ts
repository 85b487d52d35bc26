import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readEvaluation } from '@holdfast/protocol/specs/authzen/rules.ts'
import { type JsonValue, parseJson, parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import fc from 'fast-check'
import type { Decision } from '../decision.ts'
import { noObligations, type Obligations } from '../obligations.ts'
import type { MintQuestion, TokenQuestion } from './question.ts'
import { evaluationOf, type RemoteVerdict, readVerdict, withVerdicts } from './remote.ts'

const mintQuestion: MintQuestion = {
  moment: 'mint',
  client: {
    ...{ clientId: 'shop', isPublic: false, isSelfRegistered: false },
    ...{ authMethod: 'private_key_jwt', profile: 'fapi2-security' },
  },
  asked: {
    ...{ environment: 'production', time: 1_800_000_000, tier: 'fapi2-security' },
    ...{ scopes: ['payments'], resources: ['https://api.example'], detailsTypes: [] },
  },
  grantType: 'authorization_code',
  user: { subject: 'u_ada', sid: 'session-1', acr: 'urn:mfa', amr: ['pwd', 'otp'], authAgeSeconds: 60 },
  ...{ binding: 'dpop', lifetimeSeconds: 300 },
  risk: { score: 25, signals: [{ name: 'new-device', weight: 25 }], unknown: ['unusual-hour'] },
}
const { binding: _binding, lifetimeSeconds: _lifetime, ...asked } = mintQuestion
const questions: readonly TokenQuestion[] = [
  mintQuestion,
  { ...asked, moment: 'authorize', user: { ...asked.user, subject: 'u_ada' } },
  {
    ...{ moment: 'register', client: mintQuestion.client, asked: mintQuestion.asked },
    ...{ grantTypes: ['client_credentials'], redirectHosts: ['shop.example'] },
    ...{ hasSoftwareStatement: false, initialToken: 'iat-1', isUpdate: false },
  },
  {
    ...{ moment: 'access', client: mintQuestion.client, asked: mintQuestion.asked, binding: 'dpop' },
    ...{ user: mintQuestion.user, operation: 'pay', object: { type: 'account', id: '7' } },
  },
]
const hidden = { issuer: 'https://as.example', withSubject: false }

describe('what a remote engine is told', () => {
  it('which groups approved, so that a deny for want of an approval is not one for ever', () => {
    const approved = evaluationOf({ ...mintQuestion, approvedBy: ['treasury'] }, hidden)
    assert.deepEqual(approved.context?.approvedBy, ['treasury'])
    assert.ok(!('approvedBy' in (evaluationOf(mintQuestion, hidden).context ?? {})))
  })

  it('an approval that it wants is one for each time, within what the policies say of theirs', () => {
    const own = { ...noObligations, approvalSeconds: 60, isApprovalReusable: true }
    const denied: RemoteVerdict = {
      verdict: 'deny',
      obligations: { ...noObligations, requireApproval: ['treasury'] },
    }
    const { obligations } = withVerdicts({ ...local, obligations: own }, new Map([['a', denied]]))
    assert.deepEqual(
      [obligations.requireApproval, obligations.approvalSeconds, obligations.isApprovalReusable],
      [['treasury'], 60, false],
    )
  })

  it('every moment is an evaluation that any AuthZEN decision point reads', () => {
    for (const question of questions) {
      const sent = JSON.stringify(evaluationOf(question, hidden))
      const read = readEvaluation(parseJsonObject(sent))
      assert.ok(read.ok, sent)
      assert.deepEqual(
        [read.value.subject.id, read.value.action.name, read.value.context.issuer],
        ['shop', question.moment, 'https://as.example'],
      )
      assert.deepEqual(JSON.parse(sent).resource.properties.scopes, ['payments'])
    }
  })

  it('of a call what is done, and to what', () => {
    const { context } = evaluationOf(questions.at(-1) ?? mintQuestion, hidden)
    const { operation, objectType, objectId, binding, hasUser, acr } = context
    assert.deepEqual(
      [operation, objectType, objectId, binding, hasUser, acr],
      ['pay', 'account', '7', 'dpop', true, 'urn:mfa'],
    )
  })

  it('how risky it looks, by name, where that was found out', () => {
    const told = { score: 25, signals: ['new-device'], unknown: ['unusual-hour'] }
    assert.deepEqual(
      questions.map(question => evaluationOf(question, hidden).context.risk),
      [told, told, undefined, undefined],
    )
    assert.ok(!('risk' in evaluationOf({ ...mintQuestion, risk: undefined }, hidden).context))
  })

  it('of a user that there is one, and who only where that was asked for; never the session', () => {
    for (const question of questions) {
      const sent = JSON.stringify(evaluationOf(question, hidden))
      assert.ok(!sent.includes('u_ada') && !sent.includes('session-1'), sent)
      const told = JSON.stringify(evaluationOf(question, { ...hidden, withSubject: true }))
      assert.equal(told.includes('u_ada'), question.moment !== 'register')
      assert.ok(!told.includes('session-1'))
    }
    const own = evaluationOf(
      { ...mintQuestion, user: { ...mintQuestion.user, subject: undefined } },
      { ...hidden, withSubject: true },
    )
    assert.deepEqual([own.context.hasUser, own.context.user], [false, undefined])
  })
})

const read = (
  answer: JsonValue | undefined,
  moment: TokenQuestion['moment'] = 'mint',
  ignored: string[] = [],
) => readVerdict(answer, moment, ignored)

describe('how its answer is read', () => {
  it('only a permit of which every condition is understood is one', () => {
    const permits: readonly JsonValue[] = [
      { decision: true },
      { decision: true, more: { members: 'are ignored' } },
      { decision: true, context: null },
      { decision: true, context: { id: '1', reason_admin: { en: 'fine' }, policy_version: 'x' } },
      { decision: true, context: { obligations: null } },
      { decision: true, context: { obligations: {} } },
    ]
    for (const answer of permits)
      assert.deepEqual(read(answer), { verdict: 'permit', obligations: noObligations })
    const failing: readonly (JsonValue | undefined)[] = [
      ...[undefined, null, true, 'permit', [], {}, { decision: 1 }, { decision: 'true' }, { decision: null }],
      { decision: true, context: [] },
      { decision: true, context: 'none' },
      { decision: true, context: { watermark: true } },
      { decision: true, context: { max_lifetime: 60 } },
      { decision: true, context: { acr_values: ['urn:mfa'] } },
      { decision: true, context: { obligations: [] } },
      { decision: true, context: { obligations: { watermark: true } } },
      { decision: true, context: { obligations: { max_lifetime: 60, watermark: true } } },
    ]
    for (const answer of failing) assert.equal(read(answer).verdict, 'failed', JSON.stringify(answer))
  })

  it('members that the operator says oblige nobody are left aside, and obligations never are', () => {
    const answer = { decision: true, context: { trace: 'x' } }
    assert.equal(read(answer).verdict, 'failed')
    assert.equal(read(answer, 'mint', ['trace']).verdict, 'permit')
    const obliging = { decision: true, context: { obligations: { watermark: true } } }
    assert.equal(read(obliging, 'mint', ['obligations']).verdict, 'failed')
  })

  it('obligations are those of a token, each within its bounds', () => {
    const obligations = {
      ...{ max_lifetime: 60, drop_scope: ['a', 'a'], drop_details: ['pay'], add_claim: { risk: 'low' } },
    }
    assert.deepEqual(read({ decision: true, context: { obligations } }), {
      verdict: 'permit',
      obligations: {
        ...noObligations,
        ...{ maxLifetimeSeconds: 60, dropScopes: ['a'], dropDetails: ['pay'], addClaims: { risk: 'low' } },
      },
    })
    const lists = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`)
    const edges: readonly (readonly [JsonValue, boolean])[] = [
      [{ max_lifetime: 1 }, true],
      [{ max_lifetime: 0 }, false],
      [{ max_lifetime: 1.5 }, false],
      [{ max_lifetime: '60' }, false],
      [{ max_lifetime: 31_536_000 }, true],
      [{ max_lifetime: 31_536_001 }, false],
      [{ drop_scope: lists(50) }, true],
      [{ drop_scope: lists(51) }, false],
      [{ drop_scope: 'a' }, false],
      [{ drop_scope: ['a b'] }, false],
      [{ drop_details: [7] }, false],
      [{ add_claim: { risk: 'x'.repeat(256) } }, true],
      [{ add_claim: { risk: 'x'.repeat(257) } }, false],
      [{ add_claim: { risk: 7 } }, false],
      [{ add_claim: { 'a=b': 'c' } }, false],
      ...['sub', 'aud', 'cnf', 'scope', 'exp', 'tenant_id', 'client_id', 'authorization_details'].map(
        name => [{ add_claim: { [name]: 'x' } }, false] as const,
      ),
    ]
    for (const [one, isRead] of edges)
      assert.equal(
        read({ decision: true, context: { obligations: one } }).verdict,
        isRead ? 'permit' : 'failed',
        JSON.stringify(one),
      )
  })

  it('what only a token can meet fails at every other moment', () => {
    const answer = { decision: true, context: { obligations: { max_lifetime: 60 } } }
    for (const moment of ['authorize', 'register', 'access'] as const)
      assert.equal(read(answer, moment).verdict, 'failed')
  })

  it('a deny stays one, with the way out that it names', () => {
    assert.deepEqual(read({ decision: false }), { verdict: 'deny', obligations: noObligations })
    const context = { acr_values: ['urn:mfa'], approval_required: ['legal'], watermark: true }
    assert.deepEqual(read({ decision: false, context }), {
      verdict: 'deny',
      obligations: { ...noObligations, stepUp: [['urn:mfa']], requireApproval: ['legal'] },
    })
    const odd = { acr_values: [7], approval_required: 'legal' }
    assert.deepEqual(read({ decision: false, context: odd }), { verdict: 'deny', obligations: noObligations })
  })

  it('whatever JSON it is, it is read, and permits only as a permit', () => {
    fc.assert(
      fc.property(fc.json(), text => {
        const answer = parseJson(text)
        const { verdict } = readVerdict(answer, 'mint', [])
        const isPermit =
          typeof answer === 'object' && answer !== null && 'decision' in answer && answer.decision === true
        if (!isPermit) assert.notEqual(verdict, 'permit')
      }),
    )
  })
})

const local: Decision = {
  ...{ decision: 'permit', determining: ['own.ask'], errors: [], version: 'v' },
  obligations: { ...noObligations, ask: ['a', 'b'], maxLifetimeSeconds: 300, addClaims: { risk: 'low' } },
}
const permit = (change: Partial<Obligations> = {}): RemoteVerdict => ({
  verdict: 'permit',
  obligations: { ...noObligations, ...change },
})
const deny = (change: Partial<Obligations> = {}): RemoteVerdict => ({
  verdict: 'deny',
  obligations: { ...noObligations, ...change },
})
const merged = (a: RemoteVerdict, b: RemoteVerdict): Decision =>
  withVerdicts(local, new Map([...[['a', a] as const], ['b', b] as const]))

describe('the decision after the engines', () => {
  it('all must permit, and the strictest of all obligations holds', () => {
    const both = merged(
      permit({ maxLifetimeSeconds: 60, dropScopes: ['x'] }),
      permit({ dropScopes: ['x', 'y'] }),
    )
    assert.deepEqual(
      [both.decision, both.determining, both.obligations.maxLifetimeSeconds, both.obligations.dropScopes],
      ['permit', ['own.ask'], 60, ['x', 'y']],
    )
    assert.equal(merged(permit({ maxLifetimeSeconds: 900 }), permit()).obligations.maxLifetimeSeconds, 300)
    const one = merged(permit(), deny())
    assert.deepEqual([one.decision, one.determining, one.errors], ['deny', ['remote:b'], []])
  })

  it('one that failed is an error, whatever the other says', () => {
    for (const other of [permit(), deny()]) {
      const { decision, errors } = merged({ verdict: 'failed', message: 'no answer' }, other)
      assert.deepEqual([decision, errors], ['deny', [{ place: 'remote:a', message: 'no answer' }]])
    }
  })

  it('two values for one claim contradict each other', () => {
    assert.equal(merged(permit({ addClaims: { risk: 'low', level: '1' } }), permit()).decision, 'permit')
    const torn = merged(permit({ addClaims: { risk: 'high' } }), permit())
    assert.deepEqual([torn.decision, torn.errors[0]?.place], ['deny', 'obligations'])
  })

  it('a way out leads somewhere only when every one that denies has one', () => {
    const way = { stepUp: [['urn:mfa']] }
    assert.deepEqual(merged(deny(way), permit()).obligations.stepUp, [['urn:mfa']])
    assert.deepEqual(merged(deny(way), deny()).obligations, noObligations)
    assert.deepEqual(merged(deny(way), deny({ requireApproval: ['legal'] })).obligations.requireApproval, [
      'legal',
    ])
  })

  it('it is never wider than what the policies alone allowed', () => {
    const names = fc.subarray(['a', 'b', 'c'])
    const obligations = fc.record({
      stepUp: fc.array(names.filter(list => list.length > 0)),
      maxLifetimeSeconds: fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
      ...{ dropScopes: names, dropDetails: names, requireApproval: names, ask: fc.constant([]) },
      approvalSeconds: fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
      isApprovalReusable: fc.boolean(),
      rememberConsentSeconds: fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined }),
      addClaims: fc.dictionary(fc.constantFrom('risk', 'level'), fc.constantFrom('low', 'high')),
    })
    const verdict = fc.oneof(
      fc.record({ verdict: fc.constant('permit' as const), obligations }),
      fc.record({ verdict: fc.constant('deny' as const), obligations }),
      fc.constant({ verdict: 'failed' as const, message: 'x' }),
    )
    fc.assert(
      fc.property(obligations, fc.array(verdict, { minLength: 1, maxLength: 3 }), (own, said) => {
        const before: Decision = { ...local, obligations: own }
        const after = withVerdicts(before, new Map(said.map((one, index) => [`e${index}`, one])))
        const isAllPermits = said.every(one => one.verdict === 'permit')
        if (!isAllPermits) assert.equal(after.decision, 'deny')
        if (after.decision === 'deny') return
        const { maxLifetimeSeconds: most = Number.POSITIVE_INFINITY } = own
        assert.equal(after.obligations.rememberConsentSeconds, own.rememberConsentSeconds)
        assert.ok((after.obligations.maxLifetimeSeconds ?? Number.POSITIVE_INFINITY) <= most)
        for (const name of ['stepUp', 'dropScopes', 'dropDetails', 'requireApproval'] as const)
          for (const entry of own[name]) assert.ok(after.obligations[name].some(one => one === entry))
      }),
    )
  })
})
