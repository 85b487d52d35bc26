import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import fc from 'fast-check'
import { parseCases, runCases, untestedPolicies } from '../cases.ts'
import { entityKey } from '../cedar/value.ts'
import { prepareEntities } from '../decide.ts'
import { parseQuestion } from '../question.ts'
import { question } from '../testing/token-questions.ts'
import { compileStoredPolicies, compileTokenPolicies, decideToken } from './compile.ts'
import { valuesOf } from './entities.ts'
import { factsOfDecision, factsOfQuestion, policyEvents, questionOfRecord } from './facts.ts'
import { cedarOf, type TokenQuestion } from './question.ts'
import { tokenSchema } from './schema.ts'
import { shippedPolicies, shippedTests } from './shipped.ts'

function compiled(text: string) {
  const set = compileTokenPolicies({ ...shippedPolicies, 'own.cedar': text })
  assert.ok(set.ok, JSON.stringify(set))
  return set.value
}

describe('questions of the authorization server', () => {
  it('the shipped policies permit every one of them, and their tests cover each policy', () => {
    const set = compiled('')
    fc.assert(
      fc.property(question, one => {
        const { decision, determining, errors } = decideToken(set, one)
        assert.deepEqual([decision, determining, errors], ['permit', [`shipped.${one.moment}`], []])
      }),
    )
    const results = Object.values(shippedTests).flatMap(file => {
      const cases = parseCases(set, JSON.parse(file))
      assert.ok(cases.ok, JSON.stringify(cases))
      return runCases(set, cases.value)
    })
    assert.deepEqual(
      results.flatMap(({ differences }) => differences),
      [],
    )
    assert.deepEqual(untestedPolicies(set, results), [])
  })

  it('a policy about attributes is tested as data, like any other', () => {
    const set = compiled(
      `@id("own.finance") forbid (principal, action == Action::"mint", resource)
       unless { context has attributes && context.attributes.texts.hasTag("department")
         && context.attributes.texts.getTag("department") == "finance" };`,
    )
    const file = JSON.parse(Object.values(shippedTests)[0] ?? '')
    const [mint] = file.tests.filter(({ name }: { name: string }) => name.endsWith('mint'))
    const holder = (type: string, tags: object) => ({
      ...{ uid: { type, id: 'asked' }, attrs: {}, parents: [], tags },
    })
    const ref = (type: string) => ({ __entity: { type, id: 'asked' } })
    const tested = (department: string) => {
      const attributes = {
        ...{ texts: ref('Texts'), numbers: ref('Numbers'), flags: ref('Flags'), lists: ref('Lists') },
      }
      const question = { ...mint.question, context: { ...mint.question.context, attributes } }
      const cases = parseCases(set, {
        entities: [
          ...file.entities,
          ...[holder('Texts', { department }), holder('Numbers', { level: 7 })],
          ...[holder('Flags', {}), holder('Lists', { groups: ['a'] })],
        ],
        tests: [{ name: 'own', question, expect: { decision: 'permit' } }],
      })
      assert.ok(cases.ok, JSON.stringify(cases))
      return runCases(set, cases.value)[0]?.decision.decision
    }
    assert.equal(tested('finance'), 'permit')
    assert.equal(tested('law'), 'deny')
  })

  it('a question comes back from its record as it was', () => {
    fc.assert(
      fc.property(question, fc.string(), (one, subject) => {
        const known = one.moment === 'register' ? undefined : (one.user.subject ?? subject)
        const record = {
          ...{ event: policyEvents[one.moment], at: one.asked.time, clientId: one.client.clientId },
          ...(known !== undefined && { subject: known }),
          facts: factsOfQuestion(one),
        }
        // Attributes are told by name only: without them it is asked again.
        const { attributes: told, ...rest } = { attributes: undefined, ...one }
        assert.deepEqual(questionOfRecord(record), structuredClone(rest))
        assert.deepEqual(record.facts.attributes, told && Object.keys(told).toSorted())
        assert.equal(questionOfRecord({ ...record, event: 'token.issued' }), undefined)
      }),
    )
  })

  it('are the same as values and as JSON', () => {
    const set = compiled('')
    fc.assert(
      fc.property(question, one => {
        const json = cedarOf(one)
        const values = valuesOf(set, one)
        const entities = prepareEntities(set, json.entities)
        assert.ok(values.ok && entities.ok)
        assert.deepEqual({ ok: true, value: values.value.question }, parseQuestion(json.question))
        for (const { uid } of json.entities as readonly { uid: { type: string; id: string } }[]) {
          const key = entityKey(uid.type, uid.id)
          assert.deepEqual(values.value.entities.store.get(key), entities.value.store.get(key))
        }
        const action = values.value.question.action.key
        assert.equal(values.value.entities.store.get(action), entities.value.store.get(action))
      }),
    )
  })

  it('cedar-wasm answers them as we do', () => {
    const policies = `
      @id("scope") forbid (principal, action == Action::"mint", resource in Scope::"payments")
        when { context.binding == "none" };
      @id("resource") forbid (principal, action, resource in Resource::"https://api.example")
        unless { principal.isPublic };
      @id("tags") forbid (principal, action in [Action::"authorize", Action::"mint"], resource)
        when { context has attributes && context.attributes.texts.hasTag("department")
          && context.attributes.texts.getTag("department") == "a" };
      @id("numbers") forbid (principal, action == Action::"authorize", resource)
        when { context has attributes && context.attributes.numbers.hasTag("level")
          && context.attributes.numbers.getTag("level") < 0 };
      @id("others") forbid (principal, action == Action::"mint", resource)
        when { context has attributes && context.attributes.flags.hasTag("vip") && context.attributes.lists.hasTag("groups")
          && context.attributes.flags.getTag("vip") && context.attributes.lists.getTag("groups").contains("ü") };
      @id("details") forbid (principal is Client, action, resource in DetailsType::"ü");
      @id("young") permit (principal, action == Action::"mint", resource)
        when { context has authAgeSeconds && context.authAgeSeconds < 1000 && context.asked.scopes.contains(Scope::"openid") };
      @id("self") forbid (principal == Client::"a", action == Action::"register", resource)
        when { context.redirectHosts.contains("a") || context.isUpdate };
      @id("somebody") forbid (principal, action == Action::"authorize", resource)
        when { context.user == User::"a" && context.amr.contains("pwd") };
      @id("call") forbid (principal, action == Action::"access", resource in Scope::"payments")
        when { context.operation == "ü" || (context.objectType == "a" && context.objectId like "http*") }
        unless { context has user && context has acr && context.binding != "none" };
      @id("risky") forbid (principal, action in [Action::"authorize", Action::"mint"], resource)
        when { context has risk && (context.risk.score > 90 || context.risk.unknown.contains("ü"))
          && context.risk.signals.contains("a") };`
    const set = compiled(policies)
    const parts = cedar.policySetTextToParts(policies + Object.values(shippedPolicies).join(''))
    assert.ok(parts.type === 'success')
    const staticPolicies = Object.fromEntries(
      parts.policies.map(policy => [/@id\("(.*?)"\)/.exec(policy)?.[1] ?? '', policy]),
    )
    const decisions = { allow: 0, deny: 0 }
    fc.assert(
      fc.property(question, one => {
        const json = cedarOf(one)
        const answer = cedar.isAuthorized({
          ...(json.question as unknown as Pick<
            cedar.AuthorizationCall,
            'principal' | 'action' | 'resource' | 'context'
          >),
          ...{ schema: tokenSchema.text, validateRequest: true, policies: { staticPolicies } },
          entities: json.entities as unknown as cedar.Entities,
        })
        assert.ok(answer.type === 'success', JSON.stringify(answer))
        const { decision, diagnostics } = answer.response
        decisions[decision]++
        const ours = decideToken(set, one)
        assert.equal(ours.decision, decision === 'allow' ? 'permit' : 'deny')
        assert.deepEqual(ours.determining, diagnostics.reason.toSorted())
      }),
      { numRuns: 300 },
    )
    assert.ok(decisions.allow > 5 && decisions.deny > 5, JSON.stringify(decisions))
  })

  describe('written before there was the moment `access`', () => {
    const older = {
      'own.cedar': `@id("own.grants") permit (principal, action, resource)
        unless { action == Action::"register" || context.grantType == "password" };`,
    }
    const sampled = (moment: TokenQuestion['moment']): TokenQuestion => {
      const [one] = fc.sample(
        question.filter(other => other.moment === moment),
        1,
      )
      return one ?? assert.fail()
    }

    it('are refused where they are submitted, and the way out is said', () => {
      const refused = compileTokenPolicies(older)
      assert.ok(!refused.ok)
      assert.match(JSON.stringify(refused.problems), /name the actions that each policy is for/)
      const wrong = compileTokenPolicies({ 'own.cedar': 'permit (principal, action, resource);' })
      assert.ok(!wrong.ok)
      assert.doesNotMatch(JSON.stringify(wrong.problems), /name the actions/)
    })

    it('decide what they know where they are stored, and deny the moment they do not know', () => {
      const stored = compileStoredPolicies(older)
      assert.ok(stored.ok)
      assert.equal(decideToken(stored.value, sampled('mint')).decision, 'permit')
      assert.equal(decideToken(stored.value, sampled('register')).decision, 'deny')
      const { decision, errors } = decideToken(stored.value, sampled('access'))
      assert.deepEqual([decision, errors.map(({ place }) => place)], ['deny', ['schema']])
    })

    it('and those that fit the schema of today are compiled by it, or not at all', () => {
      const both = {
        ...older,
        'own.cedar': older['own.cedar'].replace('action,', 'action == Action::"mint",'),
      }
      const named = compileStoredPolicies({ 'own.cedar': both['own.cedar'].replace(/unless[^;]*/, '') })
      assert.ok(named.ok)
      assert.equal(named.value.schemaVersion, compiled('').schemaVersion)
      const nothing = decideToken(named.value, sampled('access'))
      assert.deepEqual([nothing.decision, nothing.errors], ['deny', []])
      assert.equal(compileStoredPolicies({ 'own.cedar': 'permit (principal);' }).ok, false)
    })
  })

  for (const annotation of [
    '@max_lifetime("60")',
    '@drop_scope("a")',
    '@drop_details("a")',
    '@add_claim("a=b")',
  ])
    it(`${annotation} stands on policies for tokens only`, () => {
      for (const action of [
        'action',
        'action == Action::"authorize"',
        'action in [Action::"mint", Action::"register"]',
      ]) {
        const set = compileTokenPolicies({
          'own.cedar': `@id("o") ${annotation} permit (principal, ${action}, resource);`,
        })
        assert.match(JSON.stringify(set), /is for tokens/)
      }
      compiled(`@id("o") ${annotation} permit (principal, action == Action::"mint", resource);`)
    })

  it('@remember_consent stands on policies for what users allow only, and 0 of one policy wins', () => {
    for (const action of ['action', 'action == Action::"mint"']) {
      const set = compileTokenPolicies({
        'own.cedar': `@id("o") @remember_consent("60") permit (principal, ${action}, resource);`,
      })
      assert.match(JSON.stringify(set), /is for what users allow/)
    }
    const [one] = fc.sample(
      question.filter(({ moment }) => moment === 'authorize'),
      1,
    )
    assert.ok(one)
    const head = '(principal, action == Action::"authorize", resource)'
    for (const [seconds, expected] of [
      ['60', 60],
      ['0', 0],
    ] as const) {
      const set = compiled(
        `@id("a") @remember_consent("3600") permit ${head}; @id("b") @remember_consent("${seconds}") permit ${head};`,
      )
      assert.equal(decideToken(set, one).obligations.rememberConsentSeconds, expected)
    }
  })

  it('a token never says by policy for which tenant it is', () => {
    const set = compileTokenPolicies({
      'own.cedar':
        '@id("o") @add_claim("tenant_id=other") permit (principal, action == Action::"mint", resource);',
    })
    assert.match(JSON.stringify(set), /a value it cannot have/)
  })

  it('a decision as facts: every obligation, and what failed', () => {
    const set = compiled(
      `@id("a") @drop_details("pay") @add_claim("risk=low") @step_up("x y") @max_lifetime("5") permit (principal, action == Action::"mint", resource);`,
    )
    const [one] = fc.sample(
      question.filter(({ moment }) => moment === 'mint'),
      1,
    )
    assert.ok(one)
    assert.deepEqual(factsOfDecision(decideToken(set, one)), {
      decision: 'permit',
      determining: ['a', 'shipped.mint'],
      obligations: ['add_claim=risk=low', 'drop_details=pay', 'max_lifetime=5', 'step_up=x y'],
    })
    const torn = { ...one, client: { ...one.client, clientId: '\ud800' } }
    const failed = decideToken(set, torn)
    assert.equal(failed.decision, 'deny')
    assert.ok(Array.isArray(factsOfDecision(failed).failed))
  })
})
