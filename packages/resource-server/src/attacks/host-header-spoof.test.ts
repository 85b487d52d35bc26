import { test } from 'node:test'
import { accepted, call, dpopHeaders, refused, testBed } from '../test-bed.ts'

/** The thief owns `evil.example`, got a proof made for it, and makes the API believe that this is its name (I18). */
const spoofs: Readonly<Record<string, string>>[] = [
  { host: 'evil.example' },
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
  { forwarded: 'host=evil.example;proto=https' },
  {
    'x-original-host': 'evil.example',
    'x-host': 'evil.example',
    'x-original-url': 'https://evil.example/payments/7',
  },
]

for (const spoof of spoofs)
  test(`${Object.keys(spoof).join(', ')} does not change what a proof is judged against`, async () => {
    const bed = testBed()
    const stolen = dpopHeaders(bed, bed.boundToken(), { url: 'https://evil.example/payments/7' })
    refused(await call(bed, { headers: { ...stolen, ...spoof } }), 401, 'dpop.htu')
    accepted(await call(bed, { headers: { ...dpopHeaders(bed, bed.boundToken()), ...spoof } }))
  })

test('X-Forwarded-Proto does not stand for TLS', async () => {
  const bed = testBed()
  const headers = { ...dpopHeaders(bed, bed.boundToken()), 'x-forwarded-proto': 'https' }
  refused(await call(bed, { headers, isSecure: false }), 400, 'bearer.tls')
})

test('a host in the request target is refused', async () => {
  const bed = testBed()
  const headers = dpopHeaders(bed, bed.boundToken(), { url: 'https://evil.example/payments/7' })
  refused(await call(bed, { headers, target: 'https://evil.example/payments/7' }), 400, 'request.target')
  refused(await call(bed, { headers, target: '//evil.example/payments/7' }), 401, 'dpop.htu')
})
