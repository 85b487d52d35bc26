import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import { newCertificateList, type TestListOptions } from '../../data/testing/certificate-lists.ts'
import { newAuthority, newPeerCertificate, type TestAuthority } from '../../data/testing/certificates.ts'
import { fakeClock, startOfWorld } from '../../data/testing/world.ts'
import { openCertificateLists } from './open-lists.ts'
import { listBytesMax } from './read-list.ts'

const issuer = 'https://as.example'
const at = (seconds: number): Date => new Date((startOfWorld + seconds) * 1000)
const day = 86_400

describe('lists of revoked client certificates', () => {
  let authority: TestAuthority
  let other: TestAuthority
  let certificate: X509Certificate
  let neighbour: X509Certificate
  before(async () => {
    authority = await newAuthority('CN=Lists CA')
    other = await newAuthority('CN=Other CA')
    const [one, two] = await Promise.all(
      ['CN=one', 'CN=two'].map(subject => newPeerCertificate({ subject, issuedBy: authority })),
    )
    certificate = new X509Certificate(one?.der ?? '')
    neighbour = new X509Certificate(two?.der ?? '')
  })

  const listOf = (more: Partial<TestListOptions> = {}, by = authority): Promise<Buffer> =>
    newCertificateList(by, { thisUpdate: at(-60), nextUpdate: at(day), ...more })

  /** Lists of an issuer in files, and what is said of them. */
  const opened = (t: TestContext, ...lists: readonly Buffer[]) => openedFor(t, [authority], lists)

  async function openedFor(t: TestContext, trusted: readonly TestAuthority[], lists: readonly Buffer[]) {
    const folder = mkdtempSync(join(tmpdir(), 'hf-lists-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const files = lists.map((_list, index) => join(folder, `${index}.crl`))
    const clock = fakeClock()
    const told: unknown[] = []
    const note = (event: string, fields = {}): void => void told.push({ event, ...fields })
    const put = (list: Buffer, index = 0): void => {
      const path = files[index] ?? ''
      // As who delivers lists should: whole, under another name, then renamed.
      writeFileSync(`${path}.next`, list)
      renameSync(`${path}.next`, path)
    }
    lists.forEach(put)
    const anchors = trusted.map(({ pem }) => pem)
    const open = await openCertificateLists({
      issuers: [{ issuer, policy: 'soft', anchors, files }],
      clock,
      log: { info: note, warn: note, error: note },
    })
    const anchor = new X509Certificate(authority.pem)
    const standing = (of = certificate): string => open.standing(issuer, anchor, of, clock.now()).standing
    const counts = (): Record<string, number> => {
      const found: Record<string, number> = {}
      const set = (
        _name: string,
        { standing: of = '' }: Readonly<Record<string, string>>,
        value: number,
      ): void => {
        found[of] = value
      }
      open.watch({ set })()
      return found
    }
    return { lists: open, look: open.look, put, clock, told, anchor, standing, counts }
  }

  test('what a list names is revoked, and what it does not name is good', async t => {
    const world = await opened(t, await listOf({ revoked: [certificate.serialNumber] }))
    assert.equal(world.standing(), 'revoked')
    assert.equal(world.standing(neighbour), 'good')
    assert.deepEqual(world.counts(), { fresh: 1, stale: 0, unusable: 0 })
    assert.deepEqual(world.told, [])
  })

  test('nobody knows of certificates of an authority without a list, or of an issuer without lists', async t => {
    const world = await openedFor(t, [authority, other], [await listOf({}, other)])
    assert.equal(world.standing(), 'unknown')
    assert.deepEqual(world.told, [{ event: 'client-certificates.no-list', issuer, authority: 'CN=Lists CA' }])
    const asked = (url: string): unknown =>
      world.lists.standing(url, world.anchor, certificate, world.clock.now())
    assert.deepEqual(asked(issuer), { policy: 'soft', standing: 'unknown' })
    assert.deepEqual(asked('https://elsewhere.example'), { policy: 'off', standing: 'unknown' })
  })

  test('until the second in which the next list is due it says what is good, and for ever what is revoked', async t => {
    const world = await opened(t, await listOf({ revoked: [certificate.serialNumber] }))
    world.clock.advance(day)
    assert.equal(world.standing(neighbour), 'good')
    world.clock.advance(1)
    assert.equal(world.standing(neighbour), 'unknown')
    assert.equal(world.standing(), 'revoked')
    await world.look()
    assert.deepEqual(world.counts(), { fresh: 0, stale: 1, unusable: 0 })
    assert.equal(world.told.length, 1)
    await world.look()
    assert.equal(world.told.length, 1, 'said again at once')
    world.clock.advance(3600)
    await world.look()
    assert.equal(world.told.length, 2)
  })

  test('a file that changes is read again: a certificate is revoked, and one that was held is given back', async t => {
    const world = await opened(t, await listOf())
    assert.equal(world.standing(), 'good')
    world.put(await listOf({ thisUpdate: at(-30), revoked: [certificate.serialNumber] }))
    await world.look()
    assert.equal(world.standing(), 'revoked')
    world.put(await listOf({ thisUpdate: at(-20) }))
    await world.look()
    assert.equal(world.standing(), 'good')
  })

  test('the last good list stays when its file is damaged, gone back, too large or gone', async t => {
    const revoking = await listOf({ revoked: [certificate.serialNumber] })
    const spoiled = Buffer.from(revoking)
    spoiled[spoiled.length - 1] = (spoiled.at(-1) ?? 0) ^ 1
    const instead: readonly (readonly [string, Buffer, RegExp])[] = [
      ['damaged', spoiled, /no trust anchor/],
      ['older', await listOf({ thisUpdate: at(-61) }), /older/],
      ['of the future', await listOf({ thisUpdate: at(day / 2) }), /future/],
      ['signed with SHA-1', await listOf({ hash: 'SHA-1' }), /SHA-1/],
      ['of nobody we trust', await listOf({}, await newAuthority('CN=Lists CA')), /no trust anchor/],
      ['too large', Buffer.alloc(listBytesMax + 1), /larger than 16777216 bytes/],
      ['cut off', revoking.subarray(0, 100), /does not fit/],
    ]
    const world = await opened(t, revoking)
    for (const [name, bytes, says] of instead) {
      world.clock.advance(3600)
      world.put(bytes)
      await world.look()
      assert.equal(world.standing(), 'revoked', name)
      assert.equal(world.standing(neighbour), 'good', name)
      assert.deepEqual(world.counts(), { fresh: 0, stale: 0, unusable: 1 }, name)
      assert.match(JSON.stringify(world.told.at(-1)), says)
      // What was good is good again, without a word.
      world.put(revoking)
      await world.look()
      assert.deepEqual(world.counts(), { fresh: 1, stale: 0, unusable: 0 }, name)
    }
    assert.equal(world.told.length, instead.length)
  })

  test('a list that begins within a minute is one of a clock that is ahead, a later one is none yet', async t => {
    const [ahead, later] = await Promise.all([60, 61].map(seconds => listOf({ thisUpdate: at(seconds) })))
    assert(ahead !== undefined && later !== undefined)
    assert.equal((await opened(t, ahead)).standing(), 'good')
    const world = await opened(t, later)
    assert.equal(world.standing(), 'unknown')
    world.clock.advance(1)
    await world.look()
    assert.equal(world.standing(), 'good')
  })

  test('an authority whose key may not sign lists has none', async t => {
    const usage = await newAuthority('CN=No lists', undefined, 'keyCertSign')
    const may = await newAuthority('CN=Lists', undefined, 'keyCertSign, cRLSign')
    for (const [by, expected] of [
      [usage, 'unusable'],
      [may, 'fresh'],
    ] as const) {
      const folder = mkdtempSync(join(tmpdir(), 'hf-lists-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const path = join(folder, 'a.crl')
      writeFileSync(path, await listOf({}, by))
      const silent = { info: () => {}, warn: () => {}, error: () => {} }
      const one = { issuer, policy: 'hard', anchors: [by.pem], files: [path] } as const
      const lists = await openCertificateLists({ issuers: [one], clock: fakeClock(), log: silent })
      const found: string[] = []
      lists.watch({ set: (_name, { standing = '' }, value) => void (value > 0 && found.push(standing)) })()
      assert.deepEqual(found, [expected])
    }
  })

  test('two lists of one authority: either revokes, and the fresher one says what is good', async t => {
    const world = await opened(
      t,
      await listOf({ nextUpdate: at(10), revoked: [certificate.serialNumber] }),
      await listOf({ nextUpdate: at(20) }),
    )
    assert.deepEqual([world.standing(), world.standing(neighbour)], ['revoked', 'good'])
    world.clock.advance(11)
    assert.equal(world.standing(neighbour), 'good')
  })
})
