import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes an ES256 key for `private_key_jwt`. The private half goes into a file that only you can read; the public half
 * is what the client's document registers.
 */
export function makeKey(file: string, kid: string): Readonly<Record<string, unknown>> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const secret = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256' }
  writeFileSync(file, `${JSON.stringify(secret, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  return { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }
}

/** A document as `holdfast apply` reads it. JSON is YAML. */
export function document(kind: string, name: string, spec: unknown): string {
  return JSON.stringify({ apiVersion: 'holdfast/v1', kind, metadata: { name }, spec }, null, 2)
}
