import type { Attributes } from '@holdfast/policy'
import { accept, type Outcome, refuse } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { FoundAttributes, Ports } from '../../ports.ts'
import type { AttributeSource, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { MintOrder } from '../mint/order.ts'

/** Bytes of all attributes of one token: it is carried in a header. */
const claimsBytesMax = 4096

/** What one source said for an order; undefined: the order is about nobody it could know. */
export interface Answer {
  readonly source: AttributeSource
  readonly found: FoundAttributes | undefined
}

/**
 * The order with what sources tell: claims for its token, attributes for the policies. Asked anew for every token.
 * @returns a promise only where there is a source to ask
 */
export function orderWithAttributes(
  order: MintOrder,
  { issuer }: Exchange,
  ports: Pick<Ports, 'attributeSources' | 'store'>,
): Outcome<MintOrder> | Promise<Outcome<MintOrder>> {
  const sources = sourcesFor(order.audience, issuer)
  if (sources.length === 0) return accept(order)
  return answersOf(order, sources, issuer, ports).then(answers => judgeAttributes(order, answers, issuer))
}

const none: readonly AttributeSource[] = []
const byAudience = new WeakMap<IssuerSnapshot, Map<string, readonly AttributeSource[]>>()

/** Sources that policies want, or that tell something this API lists. */
function sourcesFor(audience: string, issuer: IssuerSnapshot): readonly AttributeSource[] {
  const { attributeSources } = issuer
  if (attributeSources.size === 0) return none
  const known = byAudience.get(issuer) ?? new Map<string, readonly AttributeSource[]>()
  byAudience.set(issuer, known)
  const before = known.get(audience)
  if (before !== undefined) return before
  const listed = listedAt(audience, issuer)
  const sources = [...attributeSources.values()].filter(
    ({ isForPolicies, attributes }) => isForPolicies || listed.some(name => attributes.has(name)),
  )
  known.set(audience, sources)
  return sources
}

function listedAt(audience: string, { resourceServers }: IssuerSnapshot): readonly string[] {
  return resourceServers.get(audience)?.attributes ?? []
}

async function answersOf(
  order: MintOrder,
  sources: readonly AttributeSource[],
  issuer: IssuerSnapshot,
  { attributeSources, store }: Pick<Ports, 'attributeSources' | 'store'>,
): Promise<readonly Answer[]> {
  // A client that acts for itself is no user, whatever its name.
  const subject = order.grantId === undefined ? undefined : order.subject
  const isNamed = subject !== undefined && sources.some(({ keyedBy }) => keyedBy === 'username')
  const user = isNamed ? await store.findUserBySubject(issuer.url, subject) : undefined
  const keys = { subject, username: user?.username, client: order.client.clientId }
  return await Promise.all(
    sources.map(async source => {
      const key = keys[source.keyedBy]
      const found = key === undefined ? undefined : await attributeSources.find(issuer.url, source, key)
      return { source, found }
    }),
  )
}

/** What of the answers the order may have; a source that failed denies, unless it may be left out. */
export function judgeAttributes(
  order: MintOrder,
  answers: readonly Answer[],
  issuer: IssuerSnapshot,
): Outcome<MintOrder> {
  const listed = listedAt(order.audience, issuer)
  const claims: Record<string, Attributes[string]> = {}
  const policyAttributes: Record<string, Attributes[string]> = {}
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
      if (source.isForPolicies) policyAttributes[name] = value
    }
  }
  if (Buffer.byteLength(JSON.stringify(claims)) > claimsBytesMax) return tooLarge(order)
  const isForPolicies = answers.some(({ source, found }) => source.isForPolicies && found !== undefined)
  return accept({
    ...order,
    ...(Object.keys(claims).length > 0 && { attributeClaims: claims }),
    ...(isForPolicies && { policyAttributes }),
    ...(omitted.length > 0 && { omittedSources: omitted }),
  })
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

function tooLarge({ audience }: MintOrder) {
  return refuse(
    'attributes.too-large',
    [],
    'access_denied',
    `the attributes are larger than ${claimsBytesMax} bytes`,
    { audience },
  )
}

/** Those of a token that its API lists now: one that lists less than it did learns less. */
export function attributesAt(
  claims: Attributes | undefined,
  audiences: readonly string[],
  issuer: IssuerSnapshot,
): Attributes {
  if (claims === undefined) return {}
  const listed = audiences.flatMap(audience => listedAt(audience, issuer))
  return Object.fromEntries(Object.entries(claims).filter(([name]) => listed.includes(name)))
}
