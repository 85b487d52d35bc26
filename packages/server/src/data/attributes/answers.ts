import type { Attributes } from '@holdfast/policy'
import { accept, type Outcome, refuse } from '@holdfast/protocol'
import type { FoundAttributes, Ports } from '../../ports.ts'
import type { AttributeSource, IssuerSnapshot } from '../../snapshot/snapshot.ts'

/** What one source said; undefined: it is asked about nobody it could know. */
export interface Answer {
  readonly source: AttributeSource
  readonly found: FoundAttributes | undefined
}

/** Whom sources are asked about. */
export interface AskedAbout {
  /** Undefined: a client that acts for itself is no user, whatever its name. */
  readonly subject: string | undefined
  readonly clientId: string
}

/** Sources whose attributes a decision or a token needs, all at once; each has its own deadline. */
export async function answersOf(
  { subject, clientId }: AskedAbout,
  sources: readonly AttributeSource[],
  issuer: IssuerSnapshot,
  { attributeSources, store }: Pick<Ports, 'attributeSources' | 'store'>,
): Promise<readonly Answer[]> {
  const isNamed = subject !== undefined && sources.some(({ keyedBy }) => keyedBy === 'username')
  const user = isNamed ? await store.findUserBySubject(issuer.url, subject) : undefined
  const keys = { subject, username: user?.username, client: clientId }
  return await Promise.all(
    sources.map(async source => {
      const key = keys[source.keyedBy]
      const found = key === undefined ? undefined : await attributeSources.find(issuer.url, source, key)
      return { source, found }
    }),
  )
}

/** What answers come to. */
export interface Told {
  /** For the token. */
  readonly claims: Attributes
  /** Of sources for policies; undefined where none of them was asked. */
  readonly forPolicies: Attributes | undefined
  /** Sources that failed and may be left out. */
  readonly omitted: readonly string[]
}

/**
 * What of the answers may be told, and to whom; a source that failed denies, unless it may be left out.
 * @param listed names that the token may tell
 */
export function judgeAnswers(answers: readonly Answer[], listed: readonly string[]): Outcome<Told> {
  const claims: Record<string, Attributes[string]> = {}
  const forPolicies: Record<string, Attributes[string]> = {}
  const omitted: string[] = []
  for (const { source, found } of answers) {
    if (found === undefined) continue
    if (!found.ok) {
      if (source.onFailure === 'deny') return unavailable(source, found.message)
      omitted.push(source.name)
      continue
    }
    const attributes = found.attributes ?? {}
    for (const [name, { isRequired }] of source.attributes) {
      const isListed = listed.includes(name)
      const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined
      if (value === undefined) {
        if (isRequired && (isListed || source.isForPolicies)) return missing(source, name)
        continue
      }
      if (isListed) claims[name] = value
      if (source.isForPolicies) forPolicies[name] = value
    }
  }
  const isForPolicies = answers.some(({ source, found }) => source.isForPolicies && found !== undefined)
  return accept({ claims, forPolicies: isForPolicies ? forPolicies : undefined, omitted })
}

const failureLengthMax = 200

function unavailable({ name }: AttributeSource, message: string) {
  return refuse(
    'attributes.unavailable',
    [],
    'temporarily_unavailable',
    'what is known of the user or the client could not be learnt',
    { source: name, failed: message.slice(0, failureLengthMax) },
  )
}

function missing({ name }: AttributeSource, attribute: string) {
  return refuse(
    'attributes.missing',
    [],
    'access_denied',
    'something that a token needs is not known of the user or the client',
    { source: name, attribute },
  )
}
