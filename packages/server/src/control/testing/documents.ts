import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { type DocumentFile, snapshotOfFiles } from '../documents.ts'
import { textOfProblem } from '../problem.ts'

/** For tests: one issuer, and documents as an operator would write them. */
export const binding: IssuerBinding = {
  name: 'main',
  url: 'https://localhost:8443',
  mtlsUrl: 'https://localhost:8444',
  environment: 'development',
  clientTrustAnchors: [],
}

export const jwk = JSON.stringify(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
)

export function fileOf(...documents: readonly string[]): DocumentFile {
  return { path: 'test.yaml', text: documents.join('\n---\n') }
}

export function documentOf(kind: string, name: string, spec: string): string {
  return `apiVersion: holdfast/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}`
}

export const shopMetadata = `{redirect_uris: ['https://shop.example/cb'], dpop_bound_access_tokens: true, scope: openid accounts, jwks: {keys: [${jwk}]}}`
export const shop = documentOf('Client', 'shop', `{resources: [bank], metadata: ${shopMetadata}}`)
export const bank = documentOf(
  'ResourceServer',
  'bank',
  '{audience: https://api.example, scopes: [accounts]}',
)
export const accounts = documentOf('Scope', 'accounts', '{title: See accounts, description: Read all.}')
export const alice = documentOf('User', 'alice', '{password: correct horse battery, claims: {name: Alice}}')

/** The issuer these documents make; they must be right. */
export function compiledIssuer(...documents: readonly string[]): IssuerSnapshot {
  const snapshot = snapshotOfFiles([fileOf(...documents)], [binding])
  assert.ok(snapshot.ok, snapshot.ok ? '' : snapshot.problems.map(textOfProblem).join('\n'))
  const issuer = snapshot.value.issuers.get(binding.url)
  assert.ok(issuer)
  return issuer
}

/** What is wrong with them. */
export function problemsOf(...documents: readonly string[]): readonly string[] {
  const snapshot = snapshotOfFiles([fileOf(...documents)], [binding])
  return snapshot.ok ? [] : snapshot.problems.map(textOfProblem)
}
