import type { EpochSeconds } from '@holdfast/protocol'
import type { ControlDocument } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import type { ClientSecretSpec } from '../control/resources/client-secret.ts'
import type { ClientSecret } from './snapshot.ts'

/** Methods that need a secret. */
export function isSecretMethod(method: string): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post' || signsWithSecret(method)
}

/** Whether the secret is not presented but signs: what is kept of it must be readable, and is sealed. */
export function signsWithSecret(method: string): boolean {
  return method === 'client_secret_jwt'
}

/** Secrets without their client are refused: a new client of the same name must not inherit them. */
export function secretsByClient(
  documents: readonly ControlDocument[],
  problems: Problem[],
): ReadonlyMap<string, ClientSecretSpec> {
  const isClient = (kind: string): boolean => kind === 'Client' || kind === 'RegisteredClient'
  const clients = new Set(documents.filter(({ kind }) => isClient(kind)).map(({ name }) => name))
  const found = new Map<string, ClientSecretSpec>()
  for (const document of documents) {
    if (document.kind !== 'ClientSecret') continue
    const { name, spec } = document
    found.set(name, spec)
    if (clients.has(name)) continue
    const message = `there is no such client; take its secrets back with \`holdfast clients secret revoke ${name}\``
    problems.push({ document: `ClientSecret/${name}`, field: 'metadata.name', message })
  }
  return found
}

export function compileSecrets(spec: ClientSecretSpec | undefined): readonly ClientSecret[] {
  return (spec?.secrets ?? []).map(({ id, mac: text, sealed, expiresAt }) => {
    const [, salt = '', mac = ''] = text.split(':')
    return {
      id,
      salt: Buffer.from(salt, 'base64url'),
      mac: Buffer.from(mac, 'base64url'),
      ...(sealed !== undefined && { sealed: Buffer.from(sealed, 'base64url') }),
      expiresAt: expiresAt as EpochSeconds | undefined,
    }
  })
}
