import type { Attributes } from '@holdfast/policy'
import { accept, type Outcome, refuse } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { AttributeSource, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { MintOrder } from '../mint/order.ts'
import { type Answer, answersOf, judgeAnswers } from './answers.ts'

/** Bytes of all attributes of one token: it is carried in a header. */
const claimsBytesMax = 4096

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
  const { client, grantId, subject } = order
  const about = { subject: grantId === undefined ? undefined : subject, clientId: client.clientId }
  return answersOf(about, sources, issuer, ports).then(answers => judgeAttributes(order, answers, issuer))
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

/** What of the answers the order may have; a source that failed denies, unless it may be left out. */
export function judgeAttributes(
  order: MintOrder,
  answers: readonly Answer[],
  issuer: IssuerSnapshot,
): Outcome<MintOrder> {
  const told = judgeAnswers(answers, listedAt(order.audience, issuer))
  if (!told.ok) return told
  const { claims, forPolicies, omitted } = told.value
  if (Buffer.byteLength(JSON.stringify(claims)) > claimsBytesMax) return tooLarge(order)
  return accept({
    ...order,
    ...(Object.keys(claims).length > 0 && { attributeClaims: claims }),
    ...(forPolicies !== undefined && { policyAttributes: forPolicies }),
    ...(omitted.length > 0 && { omittedSources: omitted }),
  })
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
