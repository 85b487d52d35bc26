import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { systemClock } from '../clock.ts'
import { openEntropy } from '../entropy.ts'
import { Fault } from '../ports.ts'
import { openSqliteStore } from '../store/drivers/sqlite.ts'
import type { Store } from '../store/store.ts'
import { softwareCustody } from './custody/software.ts'
import { openRing, type Ring, type RingIssuer } from './ring.ts'

const entropy = openEntropy()
const keyEncryptionKey = Buffer.alloc(32, 1)
const issuer: RingIssuer = {
  url: 'https://as.example',
  algs: ['ES256', 'PS256', 'EdDSA', 'Ed25519', 'ML-DSA-65'],
}
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }

const openStore = (): Promise<Store> => openSqliteStore({ path: ':memory:', clock: systemClock })

function open(
  store: Store,
  issuers: readonly RingIssuer[] = [issuer],
  key = keyEncryptionKey,
): Promise<Ring> {
  const custody = softwareCustody(key, entropy)
  return openRing({ store, custody, clock: systemClock, entropy, log, issuers })
}

type Jwks = { readonly keys: readonly Record<string, string>[] }
const jwksOf = (ring: Ring): Jwks => JSON.parse(ring.published(issuer.url).body.toString())

describe('the key ring', () => {
  it('signs with every algorithm it names, and what it publishes verifies', async () => {
    const store = await openStore()
    const ring = await open(store)
    await ring.whenComplete
    assert.deepEqual(ring.algs(issuer.url), ['ES256', 'PS256', 'EdDSA', 'Ed25519', 'ML-DSA-65'])
    for (const alg of ring.algs(issuer.url)) {
      const text = await ring.sign(issuer.url, alg, 'at+jwt', { sub: 'a' })
      const parsed = parseCompactJws(text, 8192)
      assert.ok(parsed.ok)
      const { header } = parsed.value
      assert.equal(header.alg, alg)
      assert.equal(header.typ, 'at+jwt')
      const key = importPublicJwk(jwksOf(ring).keys.find(jwk => jwk.kid === header.kid))
      assert.ok(key.ok)
      assert.equal(key.value.thumbprint, header.kid)
      assert.ok(verifyJws(parsed.value, key.value, [alg]))
    }
    await store.close()
  })

  it('makes the keys of a new floor while it runs, and each algorithm has a key of its own', async () => {
    const store = await openStore()
    let algs: RingIssuer['algs'] = ['ES256']
    const living: RingIssuer = {
      url: issuer.url,
      get algs() {
        return algs
      },
    }
    const ring = await open(store, [living])
    await ring.whenComplete
    await assert.rejects(ring.sign(issuer.url, 'ML-DSA-44', 'JWT', {}), { code: 'keys.unavailable' })
    algs = ['ES256', 'EdDSA', 'Ed25519', 'ML-DSA-44']
    await ring.keepUp()
    assert.deepEqual(ring.algs(issuer.url), ['ES256', 'EdDSA', 'Ed25519', 'ML-DSA-44'])
    await ring.keepUp()
    const { keys } = jwksOf(ring)
    assert.equal(new Set(keys.map(key => key.kid)).size, 4)
    assert.deepEqual(keys.map(key => key.alg).toSorted(), ['ES256', 'Ed25519', 'EdDSA', 'ML-DSA-44'])
    algs = ['ES256']
    await ring.refresh()
    assert.deepEqual(ring.algs(issuer.url), ['ES256'])
    await assert.rejects(ring.sign(issuer.url, 'ML-DSA-44', 'JWT', {}), { code: 'keys.unavailable' })
    await store.close()
  })

  it('has elliptic keys at once and names RSA only when it has it', async () => {
    const store = await openStore()
    const ring = await open(store)
    assert.ok(ring.algs(issuer.url).includes('ES256'))
    for (const alg of ring.algs(issuer.url)) await ring.sign(issuer.url, alg, 'JWT', {})
    await ring.whenComplete
    await store.close()
  })

  it('makes RS256 only for a floor that allows it', async () => {
    const store = await openStore()
    const ring = await open(store, [{ ...issuer, algs: ['ES256', 'RS256'] }])
    await ring.whenComplete
    assert.deepEqual(ring.algs(issuer.url), ['ES256', 'RS256'])
    await assert.rejects(ring.sign(issuer.url, 'PS256', 'JWT', {}), { code: 'keys.unavailable' })
    await store.close()
  })

  it('no longer signs with an algorithm the floor has dropped, but still publishes its key', async () => {
    const store = await openStore()
    const before = await open(store)
    await before.whenComplete
    const after = await open(store, [{ ...issuer, algs: ['ES256'] }])
    await after.whenComplete
    assert.deepEqual(after.algs(issuer.url), ['ES256'])
    assert.equal(jwksOf(after).keys.length, 5)
    await store.close()
  })

  it('is the same after a restart: keys, secrets, entity tag', async () => {
    const store = await openStore()
    const first = await open(store)
    await first.whenComplete
    const second = await open(store)
    await second.whenComplete
    assert.equal(second.published(issuer.url).etag, first.published(issuer.url).etag)
    assert.ok(second.secret(issuer.url, 'csrf').equals(first.secret(issuer.url, 'csrf')))
    await store.close()
  })

  it('a refresh that finds nothing new keeps the same document', async () => {
    const store = await openStore()
    const ring = await open(store)
    await ring.whenComplete
    const before = ring.published(issuer.url)
    await ring.refresh()
    assert.equal(ring.published(issuer.url), before)
    await store.close()
  })

  it('eight nodes that start at one moment agree on every key and secret', async () => {
    const store = await openStore()
    const rings = await Promise.all(Array.from({ length: 8 }, () => open(store)))
    await Promise.all(rings.map(ring => ring.whenComplete))
    await Promise.all(rings.map(ring => ring.refresh()))
    const etags = new Set(rings.map(ring => ring.published(issuer.url).etag))
    assert.equal(etags.size, 1)
    assert.equal(jwksOf(rings[0] as Ring).keys.length, 5)
    assert.equal(
      new Set(rings.map(ring => ring.secret(issuer.url, 'dpop-nonce').export().toString('hex'))).size,
      1,
    )
    await store.close()
  })

  it('secrets differ by purpose and issuer, have 32 bytes and are not guessable', async () => {
    const store = await openStore()
    const other = { ...issuer, url: 'https://other.example' }
    const ring = await open(store, [issuer, other])
    await ring.whenComplete
    const secrets = [
      ring.secret(issuer.url, 'csrf'),
      ring.secret(issuer.url, 'dpop-nonce'),
      ring.secret(other.url, 'csrf'),
    ]
    assert.ok(secrets.every(secret => secret.symmetricKeySize === 32))
    assert.equal(new Set(secrets.map(secret => secret.export().toString('hex'))).size, 3)
    await store.close()
  })

  it('issuers share no key', async () => {
    const store = await openStore()
    const other = { ...issuer, url: 'https://other.example' }
    const ring = await open(store, [issuer, other])
    await ring.whenComplete
    assert.notEqual(ring.published(issuer.url).etag, ring.published(other.url).etag)
    assert.throws(() => ring.published('https://unknown.example'), { code: 'keys.unavailable' })
    await store.close()
  })

  it('nothing in the store opens without the key-encryption key', async () => {
    const store = await openStore()
    await (await open(store)).whenComplete
    await assert.rejects(open(store, [issuer], Buffer.alloc(32, 2)), { code: 'keys.sealed' })
    for (const { sealed } of await store.listKeys(issuer.url)) {
      assert.ok(!sealed.includes(Buffer.from('2a8648ce3d0301', 'hex')), 'an EC key in clear')
      assert.ok(!sealed.includes(Buffer.from('2a864886f70d010101', 'hex')), 'an RSA key in clear')
    }
    await store.close()
  })

  it('every key made stands in the audit', async () => {
    const store = await openStore()
    const ring = await open(store)
    await ring.whenComplete
    const [chain = ''] = await store.listAuditChains()
    const events = (await store.readAuditChain(chain, 0, 100)).filter(
      record => record.event === 'key.created',
    )
    const kids = jwksOf(ring).keys.map(key => key.kid)
    for (const kid of kids) assert.ok(events.some(record => record.facts.id === kid))
    await store.close()
  })

  it('published members are the public half of what signs', async () => {
    const store = await openStore()
    const ring = await open(store)
    await ring.whenComplete
    const text = await ring.sign(issuer.url, 'EdDSA', 'JWT', { a: 1 })
    const [head = '', body = '', signature = ''] = text.split('.')
    const jwk = jwksOf(ring).keys.find(key => key.alg === 'EdDSA')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: jwk?.x }, format: 'jwk' })
    assert.ok(verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')))
    await store.close()
  })
})

describe('software custody', () => {
  const custody = softwareCustody(keyEncryptionKey, entropy)
  const place = { issuer: issuer.url, id: 'a', use: 'sig', alg: 'ES256' } as const
  const clear = Buffer.from('a private key')

  it('opens what it sealed, and seals the same value differently each time', () => {
    const sealed = custody.seal(place, clear)
    assert.deepEqual(custody.open(place, sealed), clear)
    assert.notDeepEqual(custody.seal(place, clear), sealed)
    assert.ok(!sealed.includes(clear))
  })

  it('a changed byte, a cut value or another place does not open', () => {
    const sealed = custody.seal(place, clear)
    const refused = (value: Buffer, where: Parameters<typeof custody.open>[0] = place): void =>
      assert.throws(
        () => custody.open(where, value),
        (error: unknown) => (error as Fault).code === 'keys.sealed',
      )
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed)
      changed[index] = (changed[index] ?? 0) ^ 1
      refused(changed)
    }
    for (let length = 0; length < sealed.length; length++) refused(sealed.subarray(0, length))
    refused(sealed, { ...place, id: 'b' })
    refused(sealed, { ...place, issuer: 'https://other.example' })
    refused(sealed, { ...place, use: 'secret' })
    refused(sealed, { ...place, alg: 'PS256' })
    refused(sealed, { ...place, issuer: `${place.issuer}a`, id: '' })
  })

  it('a key-encryption key of 31 bytes is refused and of 32 accepted', () => {
    assert.throws(() => softwareCustody(Buffer.alloc(31), entropy), Fault)
    assert.doesNotThrow(() => softwareCustody(Buffer.alloc(32), entropy))
  })
})
