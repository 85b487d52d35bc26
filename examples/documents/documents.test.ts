import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type DocumentFile, snapshotOfFiles } from '@holdfast/server/control/documents.ts'
import { textOfProblem } from '@holdfast/server/control/problem.ts'
import type { IssuerBinding } from '@holdfast/server/snapshot/compile.ts'

const files: readonly DocumentFile[] = readdirSync(import.meta.dirname)
  .filter(name => name.endsWith('.yaml'))
  .map(path => ({ path, text: readFileSync(`${import.meta.dirname}/${path}`, 'utf8') }))

const binding: IssuerBinding = {
  name: 'main',
  url: 'https://localhost:8443',
  mtlsUrl: 'https://localhost:8444',
  environment: 'development',
  // Any text: only its being there is looked at when documents are compiled.
  clientTrustAnchors: ['the development authority'],
}
const floor = (name: string): DocumentFile => ({
  path: 'issuer.yaml',
  text: `{ apiVersion: holdfast/v1, kind: Issuer, metadata: { name: main }, spec: { floor: ${name} } }`,
})

test('the example documents compile on the floor of the development issuer', () => {
  const snapshot = snapshotOfFiles([...files, floor('oidc-baseline')], [binding])
  assert.ok(snapshot.ok, snapshot.ok ? '' : snapshot.problems.map(textOfProblem).join('\n'))
  const issuer = snapshot.value.issuers.get(binding.url)
  const shop = issuer?.clients.get('shop-web')
  assert.ok(issuer && shop)
  const transfers = issuer.effectiveProfile(shop, {
    audiences: ['https://transfers.example'],
    scopes: [],
    details: [],
  })
  assert.equal(transfers.ok && transfers.value.accessTokenLifetimeSeconds, 60)
})

test('on the FAPI 2.0 floor only the public client and the one of FAPI 1.0 are refused', () => {
  const snapshot = snapshotOfFiles([...files, floor('fapi2-security')], [binding])
  assert.ok(!snapshot.ok)
  const refused = new Set(snapshot.problems.map(({ document }) => document))
  assert.deepEqual([...refused].toSorted(), ['Client/bank-portal', 'Client/shop-browser'])
})
