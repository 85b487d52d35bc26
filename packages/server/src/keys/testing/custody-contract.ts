import assert from 'node:assert/strict'
import type { JwsAlg } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { compactVerify, importJWK } from 'jose'
import type { KeyCustody } from '../custody/key-custody.ts'
import type { SigningKey } from '../signing-key.ts'

export interface CustodyCase {
  readonly title: string
  readonly run: (custody: KeyCustody) => Promise<void>
}

async function assertSigns(key: SigningKey, alg: JwsAlg): Promise<void> {
  const text = await key.sign('JWT', { sub: 'ä' })
  const jws = parseCompactJws(text, 8192)
  assert.ok(jws.ok)
  assert.deepEqual({ ...jws.value.header }, { alg, kid: key.kid, typ: 'JWT' })
  const imported = importPublicJwk(key.publicJwk)
  assert.ok(imported.ok)
  assert.equal(imported.value.thumbprint, key.kid)
  assert.ok(verifyJws(jws.value, imported.value, [alg]))
  // Another library agrees.
  if (!alg.startsWith('ML-DSA')) await compactVerify(text, await importJWK({ ...key.publicJwk }, alg))
}

/** What every custody owes the ring. */
export const custodyContract: readonly CustodyCase[] = [
  {
    title: 'makes a key for each of its algorithms, which signs',
    run: async custody => {
      for (const alg of custody.algs) await assertSigns((await custody.make(alg)).key, alg)
    },
  },
  {
    title: 'opens what it kept, any number of times, and finds the same key',
    run: async custody => {
      const { key, kept } = await custody.make('ES256')
      for (let count = 0; count < 2; count++) {
        const opened = custody.open('ES256', Buffer.from(kept))
        assert.deepEqual(opened.publicJwk, key.publicJwk)
        await assertSigns(opened, 'ES256')
      }
    },
  },
  {
    title: 'makes another key each time',
    run: async custody => {
      const [one, two] = [await custody.make('ES256'), await custody.make('ES256')]
      assert.notEqual(one.key.kid, two.key.kid)
    },
  },
  {
    title: 'signs sixteen times at once',
    run: async custody => {
      const { key } = await custody.make('ES256')
      await Promise.all(Array.from({ length: 16 }, () => assertSigns(key, 'ES256')))
    },
  },
  {
    title: 'refuses a key that lies in another custody',
    run: async custody => {
      const kept = Buffer.from(JSON.stringify({ custody: 'elsewhere', id: '1', spki: '' }))
      assert.throws(() => custody.open('ES256', kept), { code: 'keys.custody' })
    },
  },
]

/** What a custody outside of this process owes besides. */
export const externalCustodyContract: readonly CustodyCase[] = [
  ...custodyContract,
  {
    title: 'keeps no private key in what it hands to the store',
    run: async custody => {
      const { kept } = await custody.make('ES256')
      assert.deepEqual(Object.keys(JSON.parse(kept.toString())), ['custody', 'id', 'spki'])
    },
  },
  {
    title: 'does not sign with a key that was ended',
    run: async custody => {
      const { key, kept } = await custody.make('ES256')
      await custody.destroy('ES256', kept)
      await assert.rejects(async () => await key.sign('JWT', {}), { code: 'keys.custody' })
    },
  },
  {
    title: 'makes no key of an algorithm it does not have',
    run: async custody => {
      await assert.rejects(custody.make('EdDSA'), { code: 'keys.custody' })
    },
  },
]
