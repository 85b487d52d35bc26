import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { opensslAuthority, opensslList } from '../../data/testing/openssl-list.ts'
import { DerError } from './der.ts'
import { readList } from './read-list.ts'
import { isSignedBy } from './verify-list.ts'

/** An element of DER. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  const size = body.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const seq = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents)
const utc = (text: string): Buffer => der(0x17, Buffer.from(text))
const generalized = (text: string): Buffer => der(0x18, Buffer.from(text))
const integer = (hex: string): Buffer => der(2, Buffer.from(hex, 'hex'))
const yes = der(1, Buffer.from([0xff]))
const no = der(1, Buffer.from([0]))
const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex')
const otherAlgorithm = Buffer.from('300a06082a8648ce3d040303', 'hex')
const extension = (oid: string, ...critical: readonly Buffer[]): Buffer =>
  seq(der(6, Buffer.from(oid, 'hex')), ...critical, der(4, Buffer.from('0500', 'hex')))
const reason = '551d15'
const partition = '551d1c'

const parts = {
  version: [integer('01')] as readonly Buffer[],
  algorithm,
  issuer: seq(),
  thisUpdate: utc('261122000000Z'),
  nextUpdate: [utc('261123000000Z')] as readonly Buffer[],
  entries: [] as readonly Buffer[],
  extensions: [] as readonly Buffer[],
  after: [] as readonly Buffer[],
}

function listOf(more: Partial<typeof parts>, ...after: readonly Buffer[]): Buffer {
  const { version, issuer, thisUpdate, nextUpdate, entries, extensions, ...rest } = { ...parts, ...more }
  const revoked = entries.length === 0 ? [] : [seq(...entries)]
  const wrapped = extensions.length === 0 ? [] : [der(0xa0, seq(...extensions))]
  const signed = seq(
    ...[...version, rest.algorithm, issuer, thisUpdate, ...nextUpdate, ...revoked, ...wrapped, ...rest.after],
  )
  return Buffer.concat([seq(signed, algorithm, der(3, Buffer.from([0, 1, 2]))), ...after])
}

const entry = (serial: string, ...more: readonly Buffer[]): Buffer =>
  seq(integer(serial), utc('261121000000Z'), ...more)

describe('a list of revoked certificates', () => {
  test('made by OpenSSL is read, and verified by its authority only', async () => {
    const list = await readList(Buffer.from(opensslList))
    assert.deepEqual([...list.revoked], ['a01'])
    assert.equal(new Date(list.thisUpdate * 1000).toISOString(), '2026-11-22T09:00:06.000Z')
    assert.equal(new Date(list.nextUpdate * 1000).toISOString(), '2026-12-22T09:00:06.000Z')
    const anchor = new X509Certificate(opensslAuthority)
    assert.equal(await isSignedBy(list, anchor), true)
    const changed = Buffer.from(list.signed)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    assert.equal(await isSignedBy({ ...list, signed: changed }, anchor), false)
    assert.equal(await isSignedBy({ ...list, signature: list.signature.subarray(1) }, anchor), false)
    assert.equal(await isSignedBy({ ...list, issuer: seq() }, anchor), false)
    assert.equal(await isSignedBy({ ...list, algorithm }, anchor), false)
    const sha1 = Buffer.from('300d06092a864886f70d0101050500', 'hex')
    assert.equal(await isSignedBy({ ...list, algorithm: sha1 }, anchor), false)
  })

  test('is the same in DER and in PEM', async () => {
    const [, body = ''] = opensslList.split(/-----[A-Z0-9 ]+-----/)
    const [pem, plain] = await Promise.all(
      [Buffer.from(opensslList), Buffer.from(body, 'base64')].map(readList),
    )
    assert.deepEqual(pem, plain)
  })

  test('names serial numbers as certificates print theirs', async () => {
    const serials = ['01', '00ff', '0a01', '0000', '7f00000000000000000000000000000000000001']
    const { revoked } = await readList(listOf({ entries: serials.map(serial => entry(serial)) }))
    assert.deepEqual([...revoked], ['1', 'ff', 'a01', '0', '7f00000000000000000000000000000000000001'])
  })

  test('of many entries is read whole, and others have their turn', async () => {
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const entries = Array.from({ length: 1400 }, (_, index) =>
      entry((index + 1).toString(16).padStart(4, '0')),
    )
    const { revoked } = await readList(listOf({ entries }))
    isOver = true
    assert.equal(revoked.size, 1400)
    assert(turns >= 2, `${turns} turns`)
  })

  const good: readonly [string, Partial<typeof parts>][] = [
    ['without entries', {}],
    ['with an extension that is not critical', { extensions: [extension(partition)] }],
    ['with one that says so', { extensions: [extension(partition, no)] }],
    ['with a reason', { entries: [entry('01', seq(extension(reason)))] }],
    ['that ends after 2049', { nextUpdate: [generalized('20500101000000Z')] }],
  ]
  for (const [name, more] of good)
    test(`${name} is read`, async () => {
      assert.equal((await readList(listOf(more))).revoked.size, more.entries?.length ?? 0)
    })

  const bad: readonly [string, Buffer, RegExp][] = [
    [
      'with a critical extension, as a part has',
      listOf({ extensions: [extension(partition, yes)] }),
      /critical/,
    ],
    [
      'with an entry that has one, as an indirect list has',
      listOf({ entries: [entry('01', seq(extension('551d1d', yes)))] }),
      /critical/,
    ],
    ['of version 1, which says no end', listOf({ version: [], nextUpdate: [] }), /./],
    ['that says no end', listOf({ nextUpdate: [], entries: [entry('01')] }), /no time/],
    ['of version 3', listOf({ version: [integer('02')] }), /not of version 2/],
    [
      'that is signed by another algorithm than it says',
      listOf({ algorithm: otherAlgorithm }),
      /two algorithms/,
    ],
    ['with something after its end', listOf({}, Buffer.from([0])), /more than/],
    ['with something inside that is not of it', listOf({ after: [integer('01')] }), /more than/],
    ['of a day that no month has', listOf({ thisUpdate: utc('260230000000Z') }), /no time/],
    ['of an hour elsewhere', listOf({ thisUpdate: utc('2602280000+0100') }), /no time/],
    ['from before there were such lists', listOf({ thisUpdate: utc('690101000000Z') }), /no time/],
    ['with a serial number of 33 bytes', listOf({ entries: [entry('01'.repeat(33))] }), /too long/],
    ['that is cut off', listOf({}).subarray(0, -1), /./],
    ['with a length in a longer form', Buffer.from('308102' + '0500', 'hex'), /length/],
    ['with an indefinite length', Buffer.from('3080' + '0000', 'hex'), /length/],
    ['that is empty', Buffer.alloc(0), /PEM/],
    ['that is a certificate', Buffer.from(opensslAuthority), /PEM/],
    ['twice in one file', Buffer.from(`${opensslList}\n${opensslList}`), /PEM/],
  ]
  for (const [name, bytes, says] of bad)
    test(`${name} is no list`, async () => {
      await assert.rejects(readList(bytes), thrown => thrown instanceof DerError && says.test(thrown.message))
    })

  test('whatever bytes come, it is a list or an error that says where', async () => {
    const [, body = ''] = opensslList.split(/-----[A-Z0-9 ]+-----/)
    const list = Buffer.from(body, 'base64')
    const spoiled = fc
      .array(fc.tuple(fc.nat(list.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map(changes => {
        const bytes = Buffer.from(list)
        for (const [at, byte] of changes) bytes[at] = byte
        return bytes
      })
    const random = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from([0x30, ...bytes]))
    await fc.assert(
      fc.asyncProperty(fc.oneof(spoiled, random), async bytes => {
        await readList(bytes).catch(thrown => assert(thrown instanceof DerError, String(thrown)))
      }),
      { numRuns: 2000 },
    )
  })
})
