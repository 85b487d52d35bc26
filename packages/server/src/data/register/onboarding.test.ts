import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changeOnboarding, draftOnboarding } from '../../control/onboarding/onboardings.ts'
import { checkOnboarding } from '../../control/onboarding/run-check.ts'
import { shopForm } from '../../control/testing/onboarded.ts'
import { accounts } from '../testing/clients.ts'
import { jsonOf, requestToken } from '../testing/flow.ts'
import {
  goodMetadata,
  openRegistrationWorld,
  type RegistrationWorld,
  registeredIn,
} from '../testing/registration-world.ts'

/** A client that registered itself where onboarding is required. */

const required = { issuer: { onboarding: 'required' } }
const unasked = { getJson: () => assert.fail('fetches') }
type Step = Parameters<typeof changeOnboarding>[0]['step']

async function step(
  { control, ports }: RegistrationWorld,
  record: string,
  as: string,
  of: Step,
): Promise<void> {
  const changed = await changeOnboarding({ step: of, as, record }, control)
  assert.ok(changed.ok, JSON.stringify(changed))
  await ports.refreshSnapshot()
}

async function onboardedIn(world: RegistrationWorld, client: string): Promise<string> {
  const form = { ...shopForm, client, riskTier: 1, evidence: [] }
  const drafted = await draftOnboarding({ as: 'bob', form, days: 30 }, world.control)
  assert.ok(drafted.ok, JSON.stringify(drafted))
  const { name } = drafted.value
  await step(world, name, 'bob', 'submit')
  const checked = await checkOnboarding({ as: 'bob', record: name }, world.control, unasked)
  assert.ok(checked.ok && checked.value.passed, JSON.stringify(checked))
  await step(world, name, 'alice', 'approve')
  await step(world, name, 'bob', 'activate')
  return name
}

const ask = async (world: RegistrationWorld, clientId: string): Promise<unknown> => {
  const reply = await requestToken(world, clientId, { grant_type: 'client_credentials', resource: accounts })
  return reply.status === 200 ? 'ok' : jsonOf(reply).error
}

/** What it presents to change itself, with the token of the answer before. */
const changed = (clientId: string, metadata: object): object => ({
  client_id: clientId,
  ...goodMetadata,
  ...metadata,
})

describe('a client that registered itself', () => {
  test('manages itself and is not served until it is onboarded', async () => {
    await using world = await openRegistrationWorld(required)
    const { clientId, token } = await registeredIn(world)
    assert.equal(await ask(world, clientId), 'invalid_client')
    assert.equal((await world.manage('GET', clientId, token)).status, 200)
    await onboardedIn(world, clientId)
    assert.equal(await ask(world, clientId), 'ok')
  })

  test('gets nothing of what it adds afterwards, and nothing at all when it becomes something else', async () => {
    await using world = await openRegistrationWorld(required)
    const { clientId, token } = await registeredIn(world)
    await onboardedIn(world, clientId)
    const redirect_uris = [...goodMetadata.redirect_uris, 'https://client.example/other']
    const added = await world.manage('PUT', clientId, token, changed(clientId, { redirect_uris }))
    assert.equal(added.status, 200, String(added.body))
    assert.deepEqual(world.current().clients.get(clientId)?.redirectUris, goodMetadata.redirect_uris)
    assert.equal(await ask(world, clientId), 'ok')
    const next = String(jsonOf(added).registration_access_token)
    const other = await world.manage('PUT', clientId, next, changed(clientId, { client_name: 'Your bank' }))
    assert.equal(other.status, 200, String(other.body))
    assert.equal(await ask(world, clientId), 'invalid_client')
  })

  test('does not manage itself while it is suspended, and its deletion leaves a revision that is served', async () => {
    await using world = await openRegistrationWorld(required)
    const { clientId, token } = await registeredIn(world)
    const name = await onboardedIn(world, clientId)
    await step(world, name, 'alice', 'suspend')
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const body = method === 'PUT' ? changed(clientId, {}) : undefined
      const reply = await world.manage(method, clientId, token, body)
      assert.deepEqual([reply.status, jsonOf(reply).error], [403, 'access_denied'], method)
    }
    await step(world, name, 'carol', 'resume')
    assert.equal((await world.manage('DELETE', clientId, token)).status, 204)
    const { clientId: other } = await registeredIn(world)
    await onboardedIn(world, other)
    assert.equal(await ask(world, other), 'ok')
  })
})
