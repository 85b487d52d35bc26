import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Decision, RemoteVerdict } from '@holdfast/policy'
import type { Reply } from '../../http/exchange.ts'
import type { RemoteEngines } from '../../ports.ts'
import type { ActivePolicies, RegisteredClient } from '../../snapshot/snapshot.ts'
import { callRoom } from '../access/call-room.ts'
import { registerRoom } from '../register/room.ts'
import { allowedCiba, askCiba, cibaClient, pollCiba } from '../testing/ciba.ts'
import { accounts, clientOf, payments } from '../testing/clients.ts'
import { detailTypes, openPayingWorld, reading } from '../testing/details.ts'
import { currentNonce, requestToken, textOf } from '../testing/flow.ts'
import { policiesOf, policiesWith } from '../testing/policies.ts'
import { goodMetadata, openRegistrationWorld } from '../testing/registration-world.ts'
import { alice, startOfWorld, type World } from '../testing/world.ts'

/**
 * Every moment at which this server asks policies, crossed with everything a policy can be attached to and with
 * everything that can go wrong. A policy that speaks for what is asked refuses it; the same policy about something else
 * lets it through; whoever cannot decide refuses.
 */

const details = [reading]
const asked = { authorization_details: JSON.stringify(details) }
const person = cibaClient({ authorizationDetailsTypes: detailTypes.map(({ name }) => name) })
const machine = clientOf({
  ...{ clientId: 'c_machine', grantTypes: ['client_credentials'], ownAuthorizationDetails: details },
  authorizationDetailsTypes: detailTypes.map(({ name }) => name),
})

const readingDocument = {
  ...{ resourceServer: 'accounts', title: 'Read', description: 'Read accounts.' },
  fields: [{ name: 'note', label: 'Note', kind: 'text', lengthMax: 20, required: true }],
}

const gateway = clientOf({
  ...{ clientId: 'c_gateway', scopes: ['access_evaluation'], introspects: [accounts] },
})

interface Answer {
  readonly isAllowed: boolean
  /** Rule of the refusal, from the audit. */
  readonly ruleId: string | undefined
  /** What is left of the moment in the audit. */
  readonly outcome: string | undefined
}

interface Moment {
  readonly name: string
  /** Name of the action. */
  readonly action: 'authorize' | 'mint' | 'access' | 'register'
  readonly client: string
  readonly ask: (
    policies: ActivePolicies | undefined,
    engines?: RemoteEngines,
    third?: boolean,
  ) => Promise<Answer>
  /** Further conditions that hold here, and that would elsewhere. */
  readonly conditions: readonly (readonly [what: string, holds: string, doesNot: string])[]
}

async function answerOf(world: World, reply: Reply, moment: Moment['action']): Promise<Answer> {
  const isAllowed = reply.status < 300
  const last = isAllowed ? undefined : (await world.audit()).findLast(({ ruleId }) => ruleId !== undefined)
  const record = (await world.audit()).findLast(({ event }) => event === `policy.${moment}`)
  return { isAllowed, ruleId: last?.ruleId, outcome: record?.outcome }
}

/** A gateway asks about a call with a token of the client, for the user, with the details. */
async function called(world: World): Promise<Answer> {
  const path = '/policies/access/v1/evaluation'
  const fields = { grant_type: 'client_credentials', scope: 'access_evaluation' }
  const accessToken = textOf(await requestToken(world, 'c_gateway', fields), 'access_token')
  const context = {
    ...{ client_id: 'c_pos', audience: [accounts], scopes: ['accounts'], binding: 'key', amr: ['pwd'] },
    authorization_details: details,
  }
  const reply = await world.send(callRoom, path, {
    body: JSON.stringify({
      ...{ subject: { type: 'user', id: alice }, action: { name: 'read' } },
      ...{ resource: { type: 'account', id: '7' }, context },
    }),
    headers: [
      ['content-type', 'application/json'],
      ['authorization', `DPoP ${accessToken}`],
      ['dpop', world.proof(path, { accessToken, nonce: currentNonce(world) })],
    ],
  })
  const { decision } = JSON.parse(String(reply.body)) as { readonly decision?: unknown }
  const record = await world.lastAudit('policy.access')
  const ruleId = record?.facts.failed === undefined ? 'policy.denied' : 'policy.failed'
  const isAllowed = reply.status === 200 && decision === true
  return { isAllowed, ruleId: isAllowed ? undefined : ruleId, outcome: record?.outcome }
}

const openWith = (
  policies: ActivePolicies | undefined,
  remoteEngines: RemoteEngines | undefined,
  isThirdParty: boolean,
): Promise<World> =>
  openPayingWorld({
    clients: [person, machine, gateway],
    ...(policies && { policies }),
    ...(remoteEngines && { remoteEngines }),
    ...(isThirdParty && {
      registered: new Map(
        ['c_pos', 'c_machine'].map(clientId => [
          clientId,
          { clientId, registeredAt: startOfWorld } as RegisteredClient,
        ]),
      ),
    }),
  })

const party = ['a third party', 'principal.isSelfRegistered', '!principal.isSelfRegistered'] as const
const user = [
  'people',
  `context has user && context.user == User::"${alice}"`,
  '!(context has user)',
] as const

const moments: readonly Moment[] = [
  {
    ...{ name: 'whether a client may act for a user', action: 'authorize', client: 'c_pos' },
    ask: async (policies, engines, isThirdParty = false) => {
      await using world = await openWith(policies, engines, isThirdParty)
      return await answerOf(world, await askCiba(world, asked), 'authorize')
    },
    conditions: [party, ['a user', `context.user == User::"${alice}"`, 'context.user == User::"u_bob"']],
  },
  {
    ...{ name: 'before a token for a user is minted', action: 'mint', client: 'c_pos' },
    ask: async (policies, engines, isThirdParty = false) => {
      await using world = await openWith(policies, engines, isThirdParty)
      return await answerOf(world, await pollCiba(world, await allowedCiba(world, asked)), 'mint')
    },
    conditions: [party, user],
  },
  {
    ...{ name: 'before a token for a machine is minted', action: 'mint', client: 'c_machine' },
    ask: async (policies, engines, isThirdParty = false) => {
      await using world = await openWith(policies, engines, isThirdParty)
      const form = { grant_type: 'client_credentials', scope: 'accounts', resource: accounts, ...asked }
      return await answerOf(world, await requestToken(world, 'c_machine', form), 'mint')
    },
    conditions: [party, ['machines', user[2], user[1]]],
  },
  {
    ...{ name: 'whether a call may be made', action: 'access', client: 'c_pos' },
    ask: async (policies, engines, isThirdParty = false) => {
      await using world = await openWith(policies, engines, isThirdParty)
      return await called(world)
    },
    conditions: [
      party,
      user,
      ['an operation', 'context.operation == "read"', 'context.operation == "close"'],
      ['an object', 'context.objectId == "7"', 'context.objectId == "8"'],
    ],
  },
  {
    ...{ name: 'whether a client may register itself', action: 'register', client: '' },
    ask: async (policies, engines) => {
      await using world = await openRegistrationWorld({
        ...(engines && { remoteEngines: engines }),
        more: [['AuthorizationDetailsType', reading.type, readingDocument]],
      })
      const types = [reading.type]
      const token = await world.token({ policy: { authorizationDetailsTypes: types } })
      const exchange = world.exchange('/register', {
        headers: [['authorization', `Bearer ${token}`]],
        body: JSON.stringify({ ...goodMetadata, authorization_details_types: types }),
      })
      const { ports } = world
      const snapshot: typeof ports.snapshot = () => {
        const { revision, issuers } = ports.snapshot()
        const all = [...issuers].map(([url, one]) => [url, policies ? { ...one, policies } : one] as const)
        return { revision, issuers: new Map(all) }
      }
      return await answerOf(world, await registerRoom(exchange, { ...ports, snapshot }), 'register')
    },
    conditions: [
      ['a host', 'context.redirectHosts.contains("client.example")', 'context.redirectHosts.contains("x")'],
      [
        'a type of grant',
        'context.grantTypes.contains("client_credentials")',
        'context.grantTypes.isEmpty()',
      ],
      ['clients without a statement', '!context.hasSoftwareStatement', 'context.hasSoftwareStatement'],
      ['a profile', 'principal.profile like "*fapi2-security*"', 'principal.profile like "*oauth21*"'],
    ],
  },
]

const denied: Answer = { isAllowed: false, ruleId: 'policy.denied', outcome: 'refused' }
const failed: Answer = { isAllowed: false, ruleId: 'policy.failed', outcome: 'refused' }
const permitted: Answer = { isAllowed: true, ruleId: undefined, outcome: 'accepted' }
const overflow = 'context.asked.time * 9007199254740991 > 0'

for (const { name, action, client, ask, conditions } of moments)
  describe(name, () => {
    const forbid = (head: string, when = 'true'): ActivePolicies =>
      policiesWith(`@id("own.no") forbid (${head}) when { ${when} };`)
    const attached = (principal: string, resource: string): string =>
      `${principal}, action == Action::"${action}", ${resource}`
    const whole = attached('principal', 'resource')
    const places: readonly (readonly [what: string, here: string, elsewhere: string])[] = [
      [
        'the issuer, and for another moment',
        whole,
        `principal, action == Action::"${action === 'register' ? 'mint' : 'register'}", resource`,
      ],
      ...(client === ''
        ? []
        : ([
            [
              'a client',
              attached(`principal == Client::"${client}"`, 'resource'),
              attached('principal == Client::"c_other"', 'resource'),
            ],
          ] as const)),
      [
        'a type of authorization details',
        attached('principal', 'resource in DetailsType::"account_reading"'),
        attached('principal', 'resource in DetailsType::"payment_initiation"'),
      ],
      [
        'a scope',
        attached('principal', 'resource in Scope::"accounts"'),
        attached('principal', 'resource in Scope::"payments"'),
      ],
      [
        'a resource',
        attached('principal', `resource in Resource::"${accounts}"`),
        attached('principal', `resource in Resource::"${payments}"`),
      ],
    ]
    test('permits what no policy speaks against', async () => {
      assert.deepEqual(await ask(undefined), permitted)
    })

    for (const [what, here, elsewhere] of places)
      test(`a policy for ${what}`, async () => {
        assert.deepEqual(await ask(forbid(here)), denied)
        assert.deepEqual(await ask(forbid(elsewhere)), permitted)
      })

    for (const [what, holds, doesNot] of conditions)
      test(`a policy for ${what}`, async () => {
        const isThird = what === party[0]
        assert.deepEqual(await ask(forbid(whole, holds), undefined, isThird), denied)
        assert.deepEqual(await ask(forbid(whole, doesNot), undefined, isThird), permitted)
      })

    const never = new Promise<never>(() => undefined)
    const broken: readonly (readonly [string, ActivePolicies])[] = [
      [
        'an engine that throws',
        policiesOf(() => {
          throw new Error('a bug')
        }),
      ],
      ['an engine that fails later', policiesOf(() => Promise.reject(new Error('gone')))],
      ['an engine that does not answer in time', policiesOf((): Promise<Decision> => never)],
      ['a policy that fails', forbid(whole, overflow)],
    ]
    for (const [what, policies] of broken)
      test(`${what} refuses`, async () => {
        const answer = await ask(only(action, policies))
        assert.deepEqual(answer, failed)
      })

    const engines: readonly (readonly [string, () => Promise<RemoteVerdict>])[] = [
      ['is down', async () => ({ verdict: 'failed', message: 'connection refused' })],
      ['breaks', () => Promise.reject(new Error('a bug'))],
      ['does not answer in time', () => never],
    ]
    for (const [what, answer] of engines)
      test(`a remote engine that ${what} refuses`, async () => {
        const policies = policiesWith(`@id("own.ask") @ask("fraud") permit (${whole});`)
        assert.deepEqual(await ask(policies, { ask: answer }), failed)
      })
  })

/** These policies at one moment, and the shipped ones at every other. */
function only(action: Moment['action'], policies: ActivePolicies): ActivePolicies {
  const shipped = policiesWith('')
  return {
    ...policies,
    decide: question => (question.moment === action ? policies : shipped).decide(question),
  }
}
