import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { evidenceKeyOf, type Gateway, openGateway } from '@holdfast/gateway'
import { shippedPolicies, shippedTests } from '@holdfast/policy'
import { epochSeconds } from '@holdfast/protocol'
import { isJsonObject } from '@holdfast/protocol/wire/json.ts'
import {
  type AccessEvent,
  createResourceServer,
  decideBy,
  type Fetch,
  type IssuerDecisionOptions,
  inMemoryReplayMemory,
  issuerDecisionPoint,
} from '@holdfast/resource-server'
import { protect } from '@holdfast/resource-server/adapters/fetch.ts'
import { protect as protectNode } from '@holdfast/resource-server/adapters/node.ts'
import { testKey, testProof } from '@holdfast/resource-server/testing.ts'
import { systemClock } from '@holdfast/server/clock.ts'
import { changePolicies, submitPolicies } from '@holdfast/server/control/policy-sets.ts'
import { readAudit } from '@holdfast/server/control/read-audit.ts'
import { simulatePolicies } from '@holdfast/server/control/simulate-policies.ts'
import { openEntropy } from '@holdfast/server/entropy.ts'
import { openPasswords } from '@holdfast/server/passwords.ts'
import type { AuditRecord } from '@holdfast/server/store/records.ts'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import * as client from 'openid-client'
import { audience, documentOf } from './product/clients.ts'
import { dispatcherFor, fetchOver } from './product/dispatchers.ts'
import { bindingOf, type RunningNode, startNode } from './product/node.ts'
import { freePort, type PreparedProduct, postgresAnswers, prepareProduct } from './product/start.ts'
import { signIn } from './product/walk-openid-client.ts'

/** One version of the issuer's policies decides about consent, about the token and about each call with it. */

const hasPostgres = await postgresAnswers()
const evaluation = '/policies/access/v1/evaluation'
const mfa = 'urn:holdfast:acr:mfa'
const keys = {
  'accounts-gateway': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'accounts-api': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
}

const asking = Object.entries(keys).map(([name, { publicKey }]) =>
  documentOf('Client', name, {
    introspects: ['accounts'],
    metadata: {
      ...{ client_name: name, grant_types: ['client_credentials'], scope: 'access_evaluation' },
      ...{ dpop_bound_access_tokens: true, token_endpoint_auth_method: 'private_key_jwt' },
      introspection_signed_response_alg: 'ES256',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }] },
    },
  }),
)

/** The decision point of its own schema, which is asked with the same token. */
const accountsOnly = documentOf('DecisionPoint', 'accounts', {
  schema: 'entity user; entity account; action read appliesTo { principal: user, resource: account };',
  policies: { 'a.cedar': '@id("a") permit (principal == user::"ada", action, resource);' },
  givenTypes: ['user', 'account'],
})

const authenticationOf = (clientId: keyof typeof keys): IssuerDecisionOptions['authentication'] => ({
  method: 'private_key_jwt',
  ...{ clientId, alg: 'ES256', kid: 'k', privateKey: keys[clientId].privateKey },
})

/** Policies beside the shipped ones, with the test that each of them decides. */
function policiesWith(own: string, decides: string) {
  const [file = ''] = Object.values(shippedTests)
  const { entities, tests } = JSON.parse(file)
  const access = tests.find(({ name }: { readonly name: string }) => name.endsWith('access'))
  const expect = { decision: 'deny', determining: [decides] }
  const ownTests = JSON.stringify({ entities, tests: [{ ...access, name: 'own', expect }] })
  const shipped = JSON.stringify({
    entities,
    tests: tests.map((one: typeof access) => ({
      ...one,
      question: {
        ...one.question,
        context: { ...one.question.context, ...(one === access && { operation: 'list' }) },
      },
    })),
  })
  return {
    policies: { ...shippedPolicies, 'own.cedar': own },
    tests: { 'own.tests.json': ownTests, 'shipped.tests.json': shipped },
  }
}

const head = '(principal, action == Action::"access", resource) when { context.operation == "read" }'
const noReading = policiesWith(`@id("own.closed") forbid ${head};`, 'own.closed')
const stepUp = policiesWith(
  `@id("own.two-factors") @step_up("${mfa}") forbid ${head} unless { context has acr && context.acr == "${mfa}" };`,
  'own.two-factors',
)
const noShop = policiesWith(
  `@id("own.shop") forbid ${head.replace('principal', 'principal == Client::"web-shop"')};`,
  'own.shop',
)

for (const store of ['sqlite', 'postgres'] as const)
  describe(`the three moments of policy on ${store}`, {
    skip: store === 'postgres' && !hasPostgres ? 'no PostgreSQL answers' : false,
  }, () => {
    let prepared: PreparedProduct
    let node: RunningNode
    let dispatcher: ReturnType<typeof dispatcherFor>
    let upstream: Server
    let gateway: Gateway
    let external: string
    let api: (request: Request) => Promise<Response>
    /** Whether questions reach the issuer; everything else does. */
    let isReachable = true
    const events: AccessEvent[] = []
    /** What the gateway sent with its questions. */
    const sent: Readonly<Record<string, string>>[] = []
    const passwords = openPasswords({ entropy: openEntropy() })

    before(async () => {
      prepared = await prepareProduct(store, { documents: [...asking, accountsOnly] })
      node = await startNode(prepared.config)
      dispatcher = dispatcherFor(prepared.product)
      const { issuer, folder } = prepared.config
      const over = fetchOver(dispatcher) as unknown as Fetch
      const fetch: Fetch = async (url, init) => {
        if (url.endsWith(evaluation)) {
          sent.push(init.headers)
          if (!isReachable) throw new Error('out of reach')
        }
        return await over(url, init)
      }
      const ca = await openDevelopmentCa(join(folder, 'tls'), systemClock.now())
      const own = await ca.clientCertificate('accounts-gateway', 'CN=accounts-gateway', 'issued')
      const port = await freePort()
      external = `https://localhost:${port}`
      const evidenceKey = evidenceKeyOf(
        generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as never,
      )
      const replayMemory = inMemoryReplayMemory({ completeSince: epochSeconds(0) })
      const behind = createResourceServer({
        ...{ issuer, audience, fetch, replayMemory },
        tokens: { gateway: { issuer: external, audience: 'accounts', keys: [evidenceKey.publicJwk] } },
      })
      upstream = createServer({ cert: ca.server.certPem, key: ca.server.keyPem }, (request, response) =>
        protectNode(
          behind,
          { scopes: ['accounts'] },
          (_request, answer) => void answer.end('{}'),
        )(request, response),
      )
      upstream.listen(0, 'localhost')
      await once(upstream, 'listening')
      const guard = { pauseMs: 100, timeoutMs: 2000 }
      const point = issuerDecisionPoint({
        ...{ issuer, fetch, ...guard, authentication: authenticationOf('accounts-gateway') },
      })
      gateway = await openGateway({
        ...{ externalUrl: external, issuer, evidenceKey, fetch, replayMemory, tls: ca.server },
        address: { host: '127.0.0.1', port },
        introspection: authenticationOf('accounts-gateway'),
        decisionPoints: new Map([['issuer', point]]),
        apis: [
          {
            ...{ name: 'accounts', audience, evidenceAudience: 'accounts' },
            upstream: {
              url: `https://localhost:${(upstream.address() as { readonly port: number }).port}`,
              ...{ caPem: ca.caPem, certPem: own.certPem, keyPem: own.keyPem },
            },
          },
        ],
        routes: [
          {
            ...{ api: 'accounts', methods: ['GET'], path: '/accounts/{id}', scopes: ['accounts'] },
            decision: { point: 'issuer', action: 'read', resource: { type: 'account', id: '{id}' } },
          },
        ],
        audit: event => void events.push(event),
        log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      })
      const sdk = createResourceServer({
        ...{ issuer, audience, fetch, replayMemory, transport: 'terminated' },
        tokens: { introspection: { authentication: authenticationOf('accounts-api') } },
        senderConstraint: 'required',
        audit: event => void events.push(event),
      })
      const asked = issuerDecisionPoint({
        ...{ issuer, fetch, ...guard, authentication: authenticationOf('accounts-api') },
      })
      const decide = decideBy<Request>(asked, () => ({
        action: { name: 'read' },
        resource: { type: 'account', id: '7' },
      }))
      api = protect(sdk, { scopes: ['accounts'], decide }, () => Response.json({}))
    })
    after(async () => {
      await gateway?.close()
      upstream?.closeAllConnections()
      upstream?.close()
      await node?.close()
      await dispatcher?.destroy()
      await prepared?.remove()
      passwords.close()
    })

    const control = () => {
      let references = 0
      const newReference = () => `control-${++references}`
      const issuers = [bindingOf(prepared.config)]
      return {
        ...{ store: node.store, clock: systemClock, entropy: openEntropy(), passwords, issuers },
        newReference,
      }
    }
    /** As `holdfast policy submit`, `approve`, `activate`. @returns the name of the version */
    const activate = async (content: ReturnType<typeof policiesWith>): Promise<string> => {
      const submitted = await submitPolicies({ set: 'tokens', ...content }, control())
      assert.ok(submitted.ok)
      const { name, state, problems } = submitted.value
      if (state !== 'retired') {
        assert.equal(state, 'checked', JSON.stringify(problems))
        assert.ok((await changePolicies({ step: 'approve', name }, control())).ok)
      }
      assert.ok((await changePolicies({ step: 'activate', name }, control())).ok)
      await node.refresh()
      return name
    }
    const rollback = async (): Promise<void> => {
      assert.ok((await changePolicies({ step: 'rollback' }, control())).ok)
      await node.refresh()
    }
    const audit = async (): Promise<readonly AuditRecord[]> => {
      const records: AuditRecord[] = []
      await readAudit(node.store, record => records.push(record))
      return records
    }
    const call = async (
      { config, tokens, options }: Awaited<ReturnType<typeof signIn>>,
      url: string,
    ): Promise<Response> => {
      try {
        return await client.fetchProtectedResource(
          ...([config, tokens.access_token, new URL(url), 'GET'] as const),
          ...([undefined, undefined, options] as const),
        )
      } catch (error) {
        assert.ok(error instanceof client.WWWAuthenticateChallengeError, String(error))
        return error.response
      }
    }
    const alice = async () => {
      const who = prepared.product.clients['private_key_jwt with DPoP']
      const send = fetchOver(dispatcher)
      const product = { ...prepared.product, close: async () => undefined }
      return await signIn(product, who, async (url, options) =>
        url.startsWith(audience) ? await api(new Request(url, options)) : await send(url, options),
      )
    }
    const everywhere = () => [`${external}/accounts/7`, audience] as const

    it('one business action leaves three records of one transaction, all of one version', async () => {
      const name = await activate(noShop)
      const user = await alice()
      assert.equal((await call(user, `${external}/accounts/7`)).status, 200)
      const records = await audit()
      const asked = records.findLast(({ event }) => event === 'policy.access')
      assert.ok(asked?.txn)
      const same = records.filter(({ event, txn }) => event.startsWith('policy.') && txn === asked.txn)
      assert.deepEqual(
        same.map(({ event }) => event),
        ['policy.authorize', 'policy.mint', 'policy.access'],
      )
      assert.deepEqual(new Set(same.map(({ facts }) => facts.policies)), new Set([name]))
      const { facts, subject, clientId, outcome } = asked
      assert.deepEqual([clientId, outcome, subject === undefined], ['jwt-dpop', 'accepted', false])
      assert.deepEqual(
        [facts.operation, facts.object_type, facts.object_id, facts.asked_by, facts.constraint],
        ['read', 'account', '7', 'accounts-gateway', 'dpop'],
      )
      assert.deepEqual(facts.determining, ['shipped.access'])
      // What was decided stands in the record of the gateway by the same version.
      assert.equal(events.at(-1)?.policyVersion, facts.policy_version)
      await rollback()
    })

    it('a version that is made active ends at once what was allowed, a roll-back brings it back', async () => {
      const user = await alice()
      for (const url of everywhere()) assert.equal((await call(user, url)).status, 200, url)
      await activate(noReading)
      for (const url of everywhere()) {
        assert.equal((await call(user, url)).status, 403, url)
        assert.equal(events.at(-1)?.ruleId, 'decision.denied')
      }
      const denied = (await audit()).findLast(({ event }) => event === 'policy.access')
      assert.deepEqual(
        [denied?.outcome, denied?.facts.determining, denied?.facts.asked_by],
        ['refused', ['own.closed'], 'accounts-api'],
      )
      await rollback()
      for (const url of everywhere()) assert.equal((await call(user, url)).status, 200, url)
    })

    it('what the policies want of the user becomes a challenge', async () => {
      const user = await alice()
      await activate(stepUp)
      for (const url of everywhere()) {
        const answer = await call(user, url)
        assert.equal(answer.status, 401, url)
        const challenge = answer.headers.get('www-authenticate') ?? ''
        assert.match(challenge, /error="insufficient_user_authentication"/)
        assert.match(challenge, new RegExp(`acr_values="${mfa}`))
        assert.equal(events.at(-1)?.ruleId, 'decision.step-up')
      }
      await rollback()
    })

    it('a draft is asked what was decided about calls', async () => {
      const simulated = await simulatePolicies({ policies: noReading.policies, days: 1 }, control())
      assert.ok(simulated.ok)
      const changes = simulated.value.changes.filter(({ moment }) => moment === 'access')
      assert.deepEqual(new Set(changes.flatMap(({ determining }) => determining)), new Set(['own.closed']))
      assert.ok(changes.some(({ before, after: now }) => before[0] === 'permit' && now[0] === 'deny'))
    })

    it('the token of a gateway is good for nothing without the key of its process', async () => {
      const user = await alice()
      assert.equal((await call(user, `${external}/accounts/7`)).status, 200)
      const { authorization = '', dpop = '' } = sent.at(-1) ?? {}
      assert.match(authorization, /^DPoP /)
      const token = authorization.slice(5)
      const url = prepared.config.issuer + evaluation
      const ask = async (headers: Readonly<Record<string, string>>): Promise<Response> => {
        const answer = await fetchOver(dispatcher)(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: '{}',
        })
        assert.equal(answer.status, 401)
        return answer
      }
      const key = testKey('ES256')
      const proof = (nonce: string) =>
        testProof({ key, method: 'POST', url, token, now: systemClock.now(), claims: { nonce } })
      const { headers } = await ask({ authorization, dpop: proof('old') })
      const stolen = await ask({ authorization, dpop: proof(headers.get('dpop-nonce') ?? '') })
      assert.match(stolen.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
      await ask({ authorization: `Bearer ${token}` })
      const replayed = await ask({ authorization, dpop })
      assert.match(replayed.headers.get('www-authenticate') ?? '', /error="invalid_dpop_proof"/)
    })

    it('the decision point of the issuer is asked by the same client, and decides by its own document', async () => {
      const { issuer } = prepared.config
      const fetch = fetchOver(dispatcher) as unknown as Fetch
      const authentication = authenticationOf('accounts-api')
      const url = `${issuer}/access/v1/evaluation`
      const point = issuerDecisionPoint({ issuer, fetch, authentication, url, timeoutMs: 2000 })
      const ask = (id: string) =>
        point.evaluate({
          ...{ subject: { type: 'user', id, properties: {} }, action: { name: 'read', properties: {} } },
          ...{ resource: { type: 'account', id: '7', properties: {} }, context: {} },
        })
      const decisions = [await ask('ada'), await ask('bob')].map(said => isJsonObject(said) && said.decision)
      assert.deepEqual(decisions, [true, false])
      const decided = (await audit()).filter(({ event }) => event === 'access.decided')
      assert.deepEqual(
        decided.map(({ clientId, subject, facts }) => [clientId, subject, facts.decision]),
        [
          ['accounts-api', 'ada', true],
          ['accounts-api', 'bob', false],
        ],
      )
    })

    it('without the issuer nobody is let in, and with it everybody is again', async () => {
      const user = await alice()
      isReachable = false
      for (const url of everywhere()) {
        assert.equal((await call(user, url)).status, 503, url)
        assert.equal(events.at(-1)?.ruleId, 'decision.unreachable')
      }
      isReachable = true
      for (const url of everywhere()) assert.equal((await call(user, url)).status, 200, url)
    })

    it('while the server is down nobody is let in; when it is back they are, with the same token', async () => {
      const user = await alice()
      for (const url of everywhere()) assert.equal((await call(user, url)).status, 200, url)
      await node.close()
      for (const url of everywhere()) assert.equal((await call(user, url)).status, 503, url)
      node = await startNode(prepared.config)
      for (const url of everywhere()) {
        let status = 503
        for (let round = 0; round < 200 && status === 503; round++) {
          await sleep(50)
          status = (await call(user, url)).status
        }
        assert.equal(status, 200, url)
      }
    })
  })
