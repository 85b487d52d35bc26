import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { jwkThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import { readDocuments } from '@holdfast/server/control/documents.ts'
import { onboardingName } from '@holdfast/server/control/onboarding/state.ts'
import { fill } from '@holdfast/server/control/testing/control-world.ts'
import { newJwk, onboardingDocuments, shopForm } from '@holdfast/server/control/testing/onboarded.ts'
import { parse } from 'yaml'
import { type Administered, administered, run, temporaryFolder } from './testing/run.ts'

const day = 86_400

async function world(t: TestContext) {
  const administration = await administered(t, onboardingDocuments())
  const folder = temporaryFolder(t)
  const file = join(folder, 'onboarding.json')
  writeFileSync(file, JSON.stringify(shopForm))
  const onboard = (...args: readonly string[]) => administration.run('onboard', ...args)
  return { ...administration, folder, file, onboard }
}

const nameIn = (text: string): string => /(o-[A-Za-z0-9_-]{43})/.exec(text)?.[1] ?? ''
const certify = ['--against', 'FAPI 2.0', '--evidence', 'report 77', '--days', '300'] as const

async function onboarded(t: TestContext) {
  const here = await world(t)
  const { onboard, file } = here
  const name = nameIn((await onboard('draft', '-f', file, '--as', 'bob')).out)
  for (const args of [
    ['submit', name, '--as', 'bob'],
    ['check', name, '--as', 'bob'],
    ['approve', name, '--as', 'alice'],
    ['approve', name, '--as', 'carol'],
    ['certify', name, '--as', 'carol', ...certify],
    ['activate', name, '--as', 'bob'],
  ]) {
    const ran = await onboard(...args)
    assert.equal(ran.exitCode, 0, ran.err)
  }
  return { ...here, name }
}

describe('holdfast onboard', () => {
  test('lists and finds every record, however many pages they are', async t => {
    const { onboard, file, ...administration } = await world(t)
    const drafted = nameIn((await onboard('draft', '-f', file, '--as', 'bob')).out)
    await fill(administration, 'ClientOnboarding', 501, onboardingName)
    const listed = JSON.parse((await onboard('list', '-o', 'json')).out) as readonly { name: string }[]
    assert.equal(new Set(listed.map(({ name }) => name)).size, 501)
    for (const { name } of [...listed.slice(-1), { name: drafted }])
      assert.equal((await onboard('show', name)).exitCode, 0)
    const again = await onboard('draft', '-f', file, '--as', 'bob', '--if-changed')
    assert.match(again.out, new RegExp(`^unchanged {2}${drafted}`), again.err)
  })

  test('leads from a file to an active client, and says what comes next', async t => {
    const { onboard, file } = await world(t)
    const drafted = await onboard('draft', '-f', file, '--as', 'bob')
    assert.equal(drafted.exitCode, 0, drafted.err)
    const name = nameIn(drafted.out)
    assert.match(drafted.out, /^draft {2}shop .*\nnext: holdfast onboard submit o-/)
    assert.match((await onboard('submit', name, '--as', 'bob')).out, /next: holdfast onboard check/)
    const checked = await onboard('check', name, '--as', 'bob')
    assert.deepEqual([checked.exitCode, /nothing was found/.test(checked.out)], [0, true], checked.err)
    const own = await onboard('approve', name, '--as', 'bob')
    assert.equal(own.exitCode, 1)
    assert.match(own.err, /what they drafted or submitted \[onboarding\.own-request, HFO-4\]/)
    assert.match((await onboard('approve', name, '--as', 'alice')).out, /one more person has to approve/)
    assert.match(
      (await onboard('approve', name, '--as', 'carol')).out,
      /^approved.*\nsomebody has to certify it/,
    )
    assert.match((await onboard('certify', name, '--as', 'carol', ...certify)).out, /^certified/)
    const active = await onboard('activate', name, '--as', 'bob', '-o', 'json')
    assert.equal((JSON.parse(active.out) as { state: string }).state, 'active')

    assert.match((await onboard('list')).out, new RegExp(`${name} {2}active {2}shop {4}3 `))
    const shown = (await onboard('show', 'shop')).out
    for (const part of ['Shop GmbH, HRB 12345, DE', 'approved by', 'alice, carol', 'https://shop.example/cb'])
      assert.ok(shown.includes(part), part)
    assert.match(
      (await onboard('suspend', 'shop', '--as', 'alice', '--reason', 'seen elsewhere')).out,
      /^suspended/,
    )
    assert.match((await onboard('show', name)).out, /alice: seen elsewhere/)
    assert.equal((await onboard('resume', 'shop', '--as', 'alice')).exitCode, 1)
    assert.match((await onboard('resume', 'shop', '--as', 'carol')).out, /^active/)
    assert.match((await onboard('review', 'shop', '--as', 'alice')).out, /^active/)
    assert.match((await onboard('retire', 'shop', '--as', 'alice', '--reason', 'over')).out, /^retired/)
    assert.match((await onboard('remove', name, '--as', 'alice')).err, /remove the client first/)
  })

  test('a file that is wrong is told by field, and the person must be named', async t => {
    const { onboard, file, folder } = await world(t)
    const wrong = join(folder, 'wrong.yaml')
    writeFileSync(wrong, JSON.stringify({ ...shopForm, legalEntity: { nam: 'x' }, riskTier: 5 }))
    const ran = await onboard('draft', '-f', wrong, '--as', 'bob')
    assert.equal(ran.exitCode, 1)
    assert.match(ran.err, /legalEntity\.nam: unknown key.*did you mean `name`/)
    assert.match(ran.err, /riskTier/)
    assert.equal((await onboard('draft', '-f', file)).exitCode, 2)
    assert.equal((await onboard('draft', '-f', join(folder, 'none'), '--as', 'bob')).exitCode, 2)
    assert.equal((await onboard('draft', '-f', file, '--as', 'bob', '--days', '733')).exitCode, 2)
    assert.equal((await onboard('show', 'none')).exitCode, 1)
  })

  test('a pipeline drafts again only when something changed', async t => {
    const { onboard, file } = await onboarded(t)
    const again = await onboard('draft', '-f', file, '--as', 'ci', '--if-changed')
    assert.match(again.out, /^unchanged {2}o-\S+ {2}active/)
    writeFileSync(file, JSON.stringify({ ...shopForm, purpose: 'another' }))
    assert.match((await onboard('draft', '-f', file, '--as', 'ci', '--if-changed')).out, /^draft/)
  })

  test('says what is due, and when it is', async t => {
    const { onboard, pass, name } = await onboarded(t)
    assert.deepEqual(await onboard('due'), { exitCode: 0, out: 'WHEN  CLIENT  WHAT    TO DO\n', err: '' })
    const due = async (): Promise<readonly string[]> =>
      (JSON.parse((await onboard('due', '--days', '30', '-o', 'json')).out) as { what: string }[]).map(
        ({ what }) => what,
      )
    pass(150 * day)
    assert.deepEqual(await due(), ['review'])
    const reviewed = await onboard('review', name, '--as', 'alice')
    assert.equal(reviewed.exitCode, 0, reviewed.err)
    pass(120 * day)
    assert.deepEqual(await due(), ['certification'])
    pass(70 * day)
    assert.deepEqual(await due(), ['certification', 'review', 'key', 'onboarding'])
    const ran = await onboard('due')
    assert.equal(ran.exitCode, 1)
    assert.match(ran.out, new RegExp(`holdfast onboard certify ${name}`))
    assert.equal((await onboard('due', '--days', 'x')).exitCode, 2)
  })

  test('rotates a key by two persons', async t => {
    const { onboard, name, folder } = await onboarded(t)
    const key = join(folder, 'next.jwk')
    writeFileSync(key, JSON.stringify(newJwk('next')))
    const proposed = await onboard('rotate-key', 'shop', '--key', key, '--as', 'bob', '--overlap-days', '3')
    assert.equal(proposed.exitCode, 0, proposed.err)
    const [, thumbprint = ''] = /proposed key\s+(\S+) by bob/.exec((await onboard('show', name)).out) ?? []
    assert.equal((await onboard('approve-key', name, thumbprint, '--as', 'bob')).exitCode, 1)
    assert.equal((await onboard('approve-key', name, thumbprint, '--as', 'alice')).exitCode, 0)
    assert.match((await onboard('show', name)).out, /kid first {2}until 2023-/)
    assert.equal(
      (await onboard('rotate-key', 'shop', '--key', join(folder, 'none'), '--as', 'bob')).exitCode,
      2,
    )
  })
})

test('a thumbprint that begins with a dash is a thumbprint, before and after options', async t => {
  const { onboard, name, folder } = await onboarded(t)
  let next = newJwk('next')
  while (!jwkThumbprint(next as never).startsWith('-')) next = newJwk('next')
  const key = join(folder, 'next.jwk')
  writeFileSync(key, JSON.stringify(next))
  assert.equal((await onboard('rotate-key', 'shop', '--key', key, '--as', 'bob')).exitCode, 0)
  const thumbprint = jwkThumbprint(next as never)
  for (const args of [
    [name, thumbprint, '--as', 'bob'],
    [name, '--as', 'bob', '--', thumbprint],
  ]) {
    const { exitCode, err } = await onboard('approve-key', ...args)
    assert.deepEqual([exitCode, /unknown option/.test(err)], [1, false], err)
  }
  assert.equal((await onboard('approve-key', name, thumbprint, '--as', 'alice')).exitCode, 0)
})

describe('holdfast onboard flags', () => {
  async function refusals(
    { ports }: Administered,
    of: readonly { readonly ruleId: string; readonly clientId?: string; readonly count?: number }[],
  ): Promise<void> {
    for (const { ruleId, clientId = 'shop', count = 1 } of of)
      for (let index = 0; index < count; index++)
        await ports.store.commit([
          {
            kind: 'append-audit',
            record: {
              ...{ at: ports.clock.now(), issuer: ports.issuers[0]?.url ?? '', event: 'token.refused' },
              ...{ outcome: 'refused' as const, requestId: `r-${ruleId}-${index}`, ruleId, clauses: [] },
              facts: { client_id: clientId },
            },
          },
        ])
  }

  test('counts what good clients do not do, by client, and nothing else', async t => {
    const here = await onboarded(t)
    const { onboard, pass } = here
    assert.equal((await onboard('flags')).exitCode, 0)
    await refusals(here, [
      { ruleId: 'client-assertion.replay' },
      { ruleId: 'code.replayed', count: 2 },
      { ruleId: 'redirect-uri.registered' },
      { ruleId: 'client-auth.signature', count: 9 },
      { ruleId: 'scope.allowed', count: 19 },
      { ruleId: 'dpop.replay', clientId: 'nobody' },
    ])
    const flags = async (): Promise<unknown> => {
      const { clients } = JSON.parse((await onboard('flags', '-o', 'json')).out) as {
        clients: { client: string; flags: { flag: string; count: number; reference: string }[] }[]
      }
      return clients.map(({ client, flags: found }) => [client, found.map(one => `${one.flag} ${one.count}`)])
    }
    assert.deepEqual(await flags(), [['shop', ['replay 3', 'redirect 1']]])
    await refusals(here, [{ ruleId: 'client-auth.signature' }, { ruleId: 'onboarding.client' }])
    assert.deepEqual(await flags(), [
      ['shop', ['replay 3', 'redirect 1', 'authentication 10', 'held-back 1']],
    ])
    const shown = await onboard('flags', '--client', 'shop')
    assert.equal(shown.exitCode, 1)
    assert.match(shown.out, /shop +replay +3 .* r-code\.replayed-1 .*somebody has what the client sent/)
    pass(8 * day)
    assert.deepEqual(await flags(), [])
  })
})

describe('holdfast onboard template', () => {
  for (const name of ['fapi2', 'fapi2-mtls', 'machine', 'web'])
    test(`${name} prints a record and a Client document`, async () => {
      const record = await run(['onboard', 'template', name, '--id', 'acme'])
      assert.equal(record.exitCode, 0)
      const form = parse(record.out) as Record<string, unknown>
      assert.deepEqual(Object.keys(form).toSorted(), [
        'certificates',
        ...(name.startsWith('fapi2') ? ['certification'] : []),
        ...['client', 'evidence', 'incidentContact', 'legalEntity', 'purpose', 'reviewDays'],
        ...['riskTier', 'rotation', 'securityOwner'],
      ])
      assert.equal(form.client, 'acme')
      const document = await run(['onboard', 'template', name, '--client', '--id', 'acme'])
      const read = readDocuments([{ path: 'client.yaml', text: document.out }])
      assert.ok(read.ok, JSON.stringify(read))
      assert.deepEqual(
        read.value.map(({ kind, name: own }) => [kind, own]),
        [['Client', 'acme']],
      )
    })

  test('a record as printed is taken', async t => {
    const { onboard, folder } = await world(t)
    const file = join(folder, 'printed.yaml')
    writeFileSync(file, (await run(['onboard', 'template', 'fapi2', '--id', 'shop'])).out)
    const drafted = await onboard('draft', '-f', file, '--as', 'bob')
    assert.equal(drafted.exitCode, 0, drafted.err)
  })

  test('an unknown one names those there are', async () => {
    const ran = await run(['onboard', 'template', 'fapi'])
    assert.equal(ran.exitCode, 2)
    assert.match(ran.err, /fapi2, fapi2-mtls, machine, web/)
  })
})
