import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import { unknownName } from '../control/suggestion.ts'
import { isSecretMethod } from './compile-secrets.ts'
import type { Client } from './snapshot.ts'

type Administrator = DocumentOf<'Administrator'>

/** One name for each person, no client that anybody else could be, and nobody limited to what all of them stand on. */
export function administratorProblems(
  issuerName: string,
  administrators: readonly Administrator[],
  clients: ReadonlyMap<string, Client>,
  registered: ReadonlyMap<string, unknown>,
): readonly Problem[] {
  return [
    ...twice(administrators, 'user'),
    ...twice(administrators, 'client'),
    ...administrators.flatMap(administrator => unfitReach(administrator, issuerName)),
    ...administrators.flatMap(administrator => unfitClient(administrator, clients, registered)),
  ]
}

function twice(administrators: readonly Administrator[], member: 'user' | 'client'): readonly Problem[] {
  const seen = new Set<string>()
  return administrators.flatMap(({ name, spec }) => {
    const who = spec[member]
    if (who === undefined) return []
    if (!seen.has(who)) {
      seen.add(who)
      return []
    }
    const message = `\`${who}\` is named by another Administrator: one person would have two names`
    return [{ document: `Administrator/${name}`, field: `spec.${member}`, message }]
  })
}

/** Administrators, their users and their clients stand here: a limit that has this issuer in it would be none. */
function unfitReach({ name, spec: { issuers = [] } }: Administrator, issuerName: string): readonly Problem[] {
  if (!issuers.includes(issuerName)) return []
  const message = `\`${issuerName}\` is where administrators stand: nobody is limited to it`
  return [{ document: `Administrator/${name}`, field: 'spec.issuers', message }]
}

/** A secret is known to two; a client that registered itself is managed by whoever holds its token. */
function unfitClient(
  { name, spec: { client } }: Administrator,
  clients: ReadonlyMap<string, Client>,
  registered: ReadonlyMap<string, unknown>,
): readonly Problem[] {
  if (client === undefined) return []
  const document = `Administrator/${name}`
  const found = clients.get(client)
  if (found === undefined) return [unknownName(document, 'spec.client', 'client', client, clients)]
  const { tokenEndpointAuthMethod: method } = found
  const isKept = !registered.has(client) && !isSecretMethod(method) && method !== 'none'
  return isKept
    ? []
    : [
        {
          document,
          field: 'spec.client',
          message: 'must be a Client that authenticates with a key of its own',
        },
      ]
}
