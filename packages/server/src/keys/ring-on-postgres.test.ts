import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock } from '../clock.ts'
import { openEntropy } from '../entropy.ts'
import { openPostgresStore } from '../store/drivers/postgres.ts'
import {
  dropSchema,
  newSchema,
  postgresAbsence,
  testConnectionString,
} from '../store/drivers/postgres-for-tests.ts'
import { softwareCustody } from './custody/software.ts'
import { openRing } from './ring.ts'

const skip = await postgresAbsence()
const issuer = { url: 'https://as.example', algs: ['ES256', 'PS256', 'EdDSA', 'ML-DSA-87'] } as const

it('four nodes that start on one new database agree on every key and secret', { skip }, async () => {
  const schema = newSchema()
  const entropy = openEntropy()
  const custody = softwareCustody(Buffer.alloc(32, 1), entropy)
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const open = (node: string) =>
    openPostgresStore({ connectionString: testConnectionString, schema, clock: systemClock, node })
  const stores = [await open('n0'), ...(await Promise.all(['n1', 'n2', 'n3'].map(open)))]
  try {
    const rings = await Promise.all(
      stores.map(store => openRing({ store, custody, clock: systemClock, entropy, log, issuers: [issuer] })),
    )
    await Promise.all(rings.map(ring => ring.whenComplete))
    await Promise.all(rings.map(ring => ring.refresh()))
    assert.equal(new Set(rings.map(ring => ring.published(issuer.url).etag)).size, 1)
    assert.equal(new Set(rings.map(ring => ring.secret(issuer.url, 'csrf').export().toString('hex'))).size, 1)
    assert.deepEqual(rings[0]?.algs(issuer.url), ['ES256', 'PS256', 'EdDSA', 'ML-DSA-87'])
  } finally {
    await Promise.all(stores.map(store => store.close()))
    await dropSchema(schema)
  }
})
