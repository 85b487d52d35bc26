import { generateKeyPairSync } from 'node:crypto'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import type { DocumentFile } from '../documents.ts'

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
