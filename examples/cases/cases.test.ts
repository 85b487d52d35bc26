import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { DecisionRecord } from '@holdfast/policy'
import { epochSeconds } from '@holdfast/protocol'
import { createResourceServer, inMemoryReplayMemory } from '@holdfast/resource-server'
import { testClock, testIssuer, testKey, testProof } from '@holdfast/resource-server/testing.ts'
import { casesApi, openPdp } from './api.ts'
import { type CaseFile, CaseFiles } from './case-files.ts'
import { subjectOf } from './people.ts'

/** A perfectly valid, bound token with every scope, in the hands of the wrong officer, at the wrong time. */
function openDesk(): Desk {
  const clock = testClock()
  const issuer = testIssuer({ clock })
  const key = testKey()
  const log: DecisionRecord[] = []
  const files = new CaseFiles()
  const api = createResourceServer({
    issuer: issuer.issuer,
    audience: issuer.audience,
    tokens: 'jwt',
    transport: 'terminated',
    fetch: issuer.fetch,
    clock,
    replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
  })
  const pdp = openPdp(record => log.push(record))
  const listener = casesApi({ api, pdp, files, now: clock.now })
  const act = async (
    who: string,
    method: string,
    path: string,
    { claims = {}, body }: Act = {},
  ): Promise<Told> => {
    const all = {
      sub: subjectOf(who),
      scope: 'cases:work cases:approve',
      cnf: { jkt: key.thumbprint },
      ...claims,
    }
    const token = issuer.mint(all)
    const proof = testProof({ key, method, url: issuer.audience + path, token, now: clock.now() })
    const server = createServer(listener)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
        method,
        headers: { authorization: `DPoP ${token}`, dpop: proof },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const challenge = response.headers.get('www-authenticate') ?? ''
      return { status: response.status, challenge, file: response.ok ? JSON.parse(text) : undefined }
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }
  return {
    log,
    files,
    advance: clock.advance,
    read: (who, id = '7') => act(who, 'GET', `/cases/${id}`),
    propose: (who, cents = 25_000, id = '7') =>
      act(who, 'POST', `/cases/${id}/proposal`, { body: { cents } }),
    approve: (who, id = '7') => act(who, 'POST', `/cases/${id}/approval`),
    pay: (who, amount = '250.00', { forCase = '7', acr }: { forCase?: string; acr?: string } = {}) => {
      const detail = { type: 'case_payout', case: forCase, amount: { currency: 'EUR', amount } }
      return act(who, 'POST', '/cases/7/payment', {
        claims: { authorization_details: [detail], ...(acr !== undefined && { acr }) },
      })
    },
    act,
  }
}

interface Act {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

interface Told {
  readonly status: number
  readonly challenge: string
  readonly file: CaseFile | undefined
}

interface Desk {
  readonly log: DecisionRecord[]
  readonly files: CaseFiles
  readonly advance: (seconds: number) => void
  readonly read: (who: string, id?: string) => Promise<Told>
  readonly propose: (who: string, cents?: number, id?: string) => Promise<Told>
  readonly approve: (who: string, id?: string) => Promise<Told>
  readonly pay: (who: string, amount?: string, more?: { forCase?: string; acr?: string }) => Promise<Told>
  readonly act: (who: string, method: string, path: string, more?: Act) => Promise<Told>
}

/** The policies that decided last. */
const deciding = ({ log }: Desk): readonly string[] => log.at(-1)?.determining ?? []

describe('a case goes its way', () => {
  it('is proposed by one, approved by another, and paid', async () => {
    const desk = openDesk()
    assert.equal((await desk.propose('ada')).file?.state, 'proposed')
    assert.equal((await desk.approve('ben')).file?.state, 'approved')
    assert.equal((await desk.pay('ada')).file?.state, 'paid')
    assert.deepEqual(
      desk.log.map(({ action, decision }) => `${action} ${decision}`),
      ['propose true', 'approve true', 'pay true'],
    )
  })
})

describe('a perfectly valid token', () => {
  it('cannot cross a tenant', async () => {
    const desk = openDesk()
    assert.equal((await desk.read('dora')).status, 403)
    assert.deepEqual(deciding(desk), ['cases.own-tenant'])
    assert.equal((await desk.read('ada', '8')).status, 403)
    await desk.propose('ada')
    assert.equal((await desk.approve('dora')).status, 403)
    assert.equal(desk.files.find('7')?.state, 'proposed')
  })

  it('cannot touch an unassigned case', async () => {
    const desk = openDesk()
    for (const attempt of [desk.read('cleo'), desk.propose('cleo'), desk.propose('ben')])
      assert.equal((await attempt).status, 403)
    assert.equal(desk.files.find('7')?.state, 'open')
  })

  it('cannot approve its own work', async () => {
    const desk = openDesk()
    await desk.propose('ada')
    assert.equal((await desk.approve('ada')).status, 403)
    assert.deepEqual(deciding(desk), ['cases.not-own-work'])
    assert.equal((await desk.approve('cleo')).status, 403)
    assert.equal((await desk.approve('ben')).status, 200)
  })

  it('cannot use a stale approval', async () => {
    const desk = openDesk()
    await desk.propose('ada')
    await desk.approve('ben')
    desk.advance(901)
    assert.equal((await desk.pay('ada')).status, 403)
    assert.deepEqual(deciding(desk), ['cases.fresh-approval'])
  })

  it('can use an approval of exactly a quarter of an hour', async () => {
    const desk = openDesk()
    await desk.propose('ada')
    await desk.approve('ben')
    desk.advance(900)
    assert.equal((await desk.pay('ada')).status, 200)
  })

  it('cannot act in the wrong state', async () => {
    const desk = openDesk()
    for (const attempt of [desk.approve('ben'), desk.pay('ada')]) assert.equal((await attempt).status, 403)
    await desk.propose('ada')
    for (const attempt of [desk.propose('ada'), desk.pay('ada')]) assert.equal((await attempt).status, 403)
    await desk.approve('ben')
    assert.equal((await desk.approve('ben')).status, 403)
    await desk.pay('ada')
    assert.equal((await desk.pay('ada')).status, 403)
  })

  it('cannot pay more than was allowed, nor for another case, nor without a word about it', async () => {
    const desk = openDesk()
    await desk.propose('ada', 25_000)
    await desk.approve('ben')
    assert.equal((await desk.pay('ada', '249.99')).status, 403)
    assert.deepEqual(deciding(desk), ['cases.allowed-amount'])
    assert.equal((await desk.pay('ada', '250.00', { forCase: '8' })).status, 403)
    assert.equal((await desk.act('ada', 'POST', '/cases/7/payment')).status, 403)
    assert.equal((await desk.pay('ada', '250.00')).status, 200)
  })

  it('cannot pay much without two factors, and is told so', async () => {
    const desk = openDesk()
    await desk.propose('ada', 100_001)
    await desk.approve('ben')
    const refused = await desk.pay('ada', '2000.00', { acr: 'urn:holdfast:acr:pwd' })
    assert.equal(refused.status, 401)
    assert.match(
      refused.challenge,
      /insufficient_user_authentication.*acr_values="urn:holdfast:acr:mfa urn:holdfast:acr:phr"/,
    )
    // The challenge is only for who could pay after it.
    assert.equal((await desk.pay('dora', '2000.00')).status, 403)
    assert.equal((await desk.pay('ada', '2000.00', { acr: 'urn:holdfast:acr:mfa' })).status, 200)
  })

  it('cannot do what its scope does not say, whoever holds it', async () => {
    const desk = openDesk()
    await desk.propose('ada')
    const claims = { scope: 'cases:work' }
    assert.equal((await desk.act('ben', 'POST', '/cases/7/approval', { claims })).status, 403)
    assert.equal(desk.log.at(-1)?.action, 'propose', 'nobody had to decide')
  })

  it('finds no case that is not there, and changes nothing with what is no amount', async () => {
    const desk = openDesk()
    assert.equal((await desk.read('ada', '9')).status, 403)
    for (const cents of [0, -1, 1.5, '250']) {
      const told = await desk.act('ada', 'POST', '/cases/7/proposal', { body: { cents } })
      assert.equal(told.status, 400)
    }
    assert.equal(desk.files.find('7')?.state, 'open')
  })

  it('is used twice at once, and only one changes the case', async () => {
    const desk = openDesk()
    await desk.propose('ada')
    await desk.approve('ben')
    const told = await Promise.all(Array.from({ length: 16 }, () => desk.pay('ada')))
    assert.equal(told.filter(({ status }) => status === 200).length, 1)
    for (const { status } of told) assert.ok([200, 403, 409].includes(status))
  })

  it('of somebody who works nowhere is refused', async () => {
    const desk = openDesk()
    const claims = { sub: 'u_case_officer_eve' }
    assert.equal((await desk.act('ada', 'GET', '/cases/7', { claims })).status, 403)
  })
})
