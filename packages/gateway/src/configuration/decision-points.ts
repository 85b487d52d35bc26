import { compilePolicySet, createPdp, prepareEntities } from '@holdfast/policy'
import {
  type DecisionPoint,
  type Fetch,
  type IssuerDecisionOptions,
  issuerDecisionPoint,
  type RemoteOptions,
  remoteDecisionPoint,
  remoteOpa,
} from '@holdfast/resource-server'
import { defined } from './defined.ts'
import { fetchTrusting } from './options-of.ts'
import type { GatewayFile } from './schema.ts'

type PointFile = NonNullable<GatewayFile['decisionPoints']>[number]
type Read = (path: string) => string

/** Where the gateway's own client stands, and how it is reached. */
export type OwnIssuer = Pick<IssuerDecisionOptions, 'issuer' | 'authentication' | 'fetch'>

/** The decision points of a file, opened. @throws TypeError that names the one which cannot be used */
export function decisionPointsOf(
  files: readonly PointFile[],
  own: OwnIssuer,
  read: Read,
  fetch?: Fetch,
): ReadonlyMap<string, DecisionPoint> {
  const points = new Map<string, DecisionPoint>()
  for (const file of files) {
    if (points.has(file.name)) throw new TypeError(`decision point \`${file.name}\` stands twice`)
    points.set(file.name, pointOf(file, own, read, fetch))
  }
  return points
}

function pointOf(file: PointFile, own: OwnIssuer, read: Read, fetch: Fetch | undefined): DecisionPoint {
  const { name, issuer, authzen, opa, policies } = file
  if (issuer !== undefined) return issuerDecisionPoint({ ...own, ...defined(issuer) })
  if (authzen !== undefined) return remoteDecisionPoint(remoteOf(authzen, read, fetch))
  if (opa !== undefined) return remoteOpa(remoteOf(opa, read, fetch))
  if (policies === undefined) throw new TypeError(`decision point \`${name}\` says nothing`)
  return embedded(name, policies, read)
}

function remoteOf(
  { caFile, tokenFile, ...options }: NonNullable<PointFile['authzen']>,
  read: Read,
  fetch: Fetch | undefined,
): RemoteOptions {
  const trusting = caFile === undefined ? fetch : fetchTrusting(read(caFile))
  return {
    ...(defined(options) as Pick<RemoteOptions, 'url'>),
    // Read each time: who renews the file need not start the gateway anew.
    ...(tokenFile !== undefined && {
      headers: () => ({ authorization: `Bearer ${read(tokenFile).trim()}` }),
    }),
    ...(trusting && { fetch: trusting }),
  }
}

/** Policies and entities as they were when the gateway started. */
function embedded(
  name: string,
  { schemaFile, policyFiles, entitiesFile, givenTypes }: NonNullable<PointFile['policies']>,
  read: Read,
): DecisionPoint {
  const wrong = (problems: readonly { readonly place: string; readonly message: string }[]): TypeError =>
    new TypeError(
      `decision point \`${name}\`: ${problems.map(({ place, message }) => `${place}: ${message}`).join('; ')}`,
    )
  const set = compilePolicySet({
    schema: { name: schemaFile, text: read(schemaFile) },
    policies: Object.fromEntries(policyFiles.map(path => [path, read(path)])),
  })
  if (!set.ok) throw wrong(set.problems)
  const entities = prepareEntities(
    set.value,
    entitiesFile === undefined ? [] : JSON.parse(read(entitiesFile)),
  )
  if (!entities.ok) throw wrong(entities.problems)
  const deciding = { set: set.value, entities: entities.value, givenTypes }
  return createPdp({ deciding: () => deciding })
}
