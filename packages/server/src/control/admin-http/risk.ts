import { accessEvaluationScope } from '@holdfast/protocol/specs/authzen/rules.ts'
import { globalRevocationScope } from '@holdfast/protocol/specs/global-token-revocation/rules.ts'
import type { PlacedDocument } from '../../snapshot/compile.ts'
import type { UserRecord } from '../../store/records.ts'
import type { DocumentRecord, Write } from '../../store/writes.ts'
import { isAdminScope } from '../admin-scopes.ts'
import { highTier } from '../content-approvals.ts'
import { canonicalJson, type DocumentOf } from '../document.ts'
import { storedDocuments } from '../documents.ts'
import type { KindName } from '../resources/index.ts'
import { type DoorGround, isLastDoor, lastDoor } from './doors.ts'
import type { AdminDesk } from './visit.ts'

/** The documents of every issuer before and after a change: they say who has which rights. */
export type RightsGround = Pick<DoorGround, 'before' | 'after' | 'audience'>

type SpecOf<K extends KindName> = DocumentOf<K>['spec']

/** One document that is about to change; one side is missing when it is made or deleted. */
interface Changed<K extends KindName> {
  readonly name: string
  readonly issuer: string
  readonly before: SpecOf<K> | undefined
  readonly after: SpecOf<K> | undefined
  readonly ground: DoorGround
}

/** Why one person may not do this alone; undefined: one may. */
type Judge<K extends KindName> = (changed: Changed<K>) => string | undefined

const always =
  (why: string): Judge<KindName> =>
  () =>
    why

/** A kind without a line here would be everybody's: it does not compile. */
const judges: { readonly [K in KindName]: Judge<K> } = {
  Issuer: always('the floor and the levels of a whole issuer'),
  SecurityProfile: always('a profile that others stand on'),
  TrustedIssuer: always('whose word about users counts'),
  IdentityProvider: always('where users may sign in'),
  SpiffeTrustDomain: always('whose workloads are clients'),
  SoftwareStatementIssuer: always('whose statements about clients count'),
  AttributeSource: always('what tokens and policies are told'),
  DecisionPoint: always('what decides about every object'),
  Administrator: always('who administers, and what'),
  PolicySet: always('policies'),
  ScopeGrant: always('what a client is granted'),
  ClientOnboarding: always('what was approved of a client'),
  ClientSecret: always('a secret of a client'),
  PendingChange: always('what waits for a second person'),
  Scope: judgeScope,
  ResourceServer: judgeResourceServer,
  AuthorizationDetailsType: ({ name, issuer, before, after, ground }) => {
    if (before === undefined) return undefined
    const rights = { scopes: [], resources: [], types: [name], exchanges: false }
    if (isPowerful(rights, undefined, issuer, ground)) return `operations of tier ${highTier} and above`
    if (after !== undefined && after.resourceServer !== before.resourceServer) return 'whose it is'
    return before.profile === after?.profile ? undefined : 'its profile'
  },
  ApiOperations: ({ before }) =>
    before?.operations.some(({ tier }) => tier >= highTier) === true
      ? `operations of tier ${highTier} and above`
      : undefined,
  Client: judgeClient,
  RegisteredClient: ({ before, after, name, issuer, ground }) => {
    if (isOnlySuspended(before, after)) return isLastDoor(name, issuer, ground) ? lastDoor : undefined
    return before === undefined || isPowerful(rightsOf(after ?? before), name, issuer, ground)
      ? 'a client that registered itself'
      : changesPolicy(before, after)
  },
  User: ({ name, issuer, ground }) =>
    isAdministrators(name, issuer, ground) ? 'an administrator' : undefined,
}

/**
 * Why this needs a second person, a line for each document; empty: it does not.
 * @param before every document as it stands
 * @param users those that the writes may replace, as they are
 */
export function risksOf(
  before: readonly DocumentRecord[],
  writes: readonly Write[],
  at: ReturnType<typeof groundOf>,
  users: Iterable<UserRecord | undefined> = [],
): readonly string[] {
  const places = placesOf(writes)
  const untouched = before.filter(record => !places.has(keyOf(record)))
  const put = writes.flatMap(write => (write.kind === 'put-document' ? [write.document] : []))
  const ground = { before: parsed(before), after: parsed([...untouched, ...put]), ...at }
  const find = (documents: readonly PlacedDocument[], record: Omit<DocumentRecord, 'body'>) =>
    documents.find(
      ({ issuerUrl, document }) =>
        issuerUrl === record.issuer && document.kind === record.documentKind && document.name === record.name,
    )?.document.spec
  const risks = [...places.values()].flatMap(place => {
    const { documentKind, name, issuer } = place
    const judge = judges[documentKind as KindName] as Judge<KindName>
    const [from, to] = [find(ground.before, place), find(ground.after, place)]
    const why = judge({ name, issuer, before: from, after: to, ground })
    return why === undefined ? [] : [`${documentKind}/${name}: ${why}`]
  })
  return [...risks, ...userRisks(writes, ground, [...users])]
}

/** Where and when something is done. */
export function groundOf({ audience, issuerUrl, options }: AdminDesk): Omit<DoorGround, 'before' | 'after'> {
  const { clock, issuers } = options.ports
  return { audience, home: issuers.find(({ url }) => url === issuerUrl), now: clock.now() }
}

/** Whether somebody who is this user decides for others. */
export function decidesForOthers({ groups = [] }: Pick<UserRecord, 'groups'>): boolean {
  return groups.length > 0
}

function userRisks(
  writes: readonly Write[],
  ground: DoorGround,
  users: readonly (UserRecord | undefined)[],
): readonly string[] {
  return writes.flatMap(write => {
    if (write.kind === 'delete-user') return [`User/${write.subject}: is deleted`]
    if (write.kind !== 'put-user') return []
    const { username: name, issuer, subject } = write.record
    const old = users.find(user => user?.subject === subject)
    if (decidesForOthers(write.record) || (old !== undefined && decidesForOthers(old)))
      return [`User/${name}: approves for a group`]
    const why = judges.User({ name, issuer, before: undefined, after: undefined, ground })
    return why === undefined ? [] : [`User/${name}: ${why}`]
  })
}

/** Every document that a list of writes touches, by key. */
export function placesOf(writes: readonly Write[]): ReadonlyMap<string, Omit<DocumentRecord, 'body'>> {
  return new Map(
    writes.flatMap(write => {
      if (write.kind === 'put-document') return [[keyOf(write.document), write.document] as const]
      if (write.kind !== 'delete-document') return []
      const { documentKind, name, issuer } = write
      return [[keyOf(write), { documentKind, name, issuer }] as const]
    }),
  )
}

export function keyOf({ documentKind, name, issuer }: Omit<DocumentRecord, 'body'>): string {
  return `${documentKind}/${name} ${issuer}`
}

/** Whether secrets, keys and tokens of this client are as good as rights over others. */
export function isPowerfulClient(
  name: string,
  issuer: string | undefined,
  documents: readonly PlacedDocument[],
  audience: string,
): boolean {
  const ground = { before: documents, after: documents, audience }
  return documents.some(({ issuerUrl, document }) => {
    if (document.name !== name || (issuer !== undefined && issuer !== issuerUrl)) return false
    if (document.kind !== 'Client' && document.kind !== 'RegisteredClient') return false
    return isPowerful(rightsOf(document.spec), name, issuerUrl, ground)
  })
}

/** Whether an Administrator document names this user. */
export function isAdministrators(username: string, issuer: string, { before, after }: RightsGround): boolean {
  return [...before, ...after].some(
    ({ issuerUrl, document }) =>
      issuerUrl === issuer && document.kind === 'Administrator' && document.spec.user === username,
  )
}

/** What a client, or the policy a client registered under, may ask for. */
export interface ClientRights {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly types: readonly string[]
  /** Whether it may turn tokens of others into its own. */
  readonly exchanges: boolean
}

/** Whether rights like these are more than one person gives. */
export function arePowerful(rights: ClientRights, issuer: string, ground: RightsGround): boolean {
  return isPowerful(rights, undefined, issuer, ground)
}

const powerfulScopes: ReadonlySet<string> = new Set([accessEvaluationScope, globalRevocationScope])

function isPowerful(
  { scopes, resources, types, exchanges }: ClientRights,
  name: string | undefined,
  issuer: string,
  { before, after, audience }: RightsGround,
): boolean {
  if (exchanges || scopes.some(scope => isAdminScope(scope) || powerfulScopes.has(scope))) return true
  return [...before, ...after].some(({ issuerUrl, document }) => {
    if (issuerUrl !== issuer) return false
    if (document.kind === 'Administrator') return name !== undefined && document.spec.client === name
    if (document.kind === 'ResourceServer')
      return document.spec.audience === audience && resources.includes(document.name)
    if (document.kind !== 'ApiOperations') return false
    return document.spec.operations
      .filter(({ tier }) => tier >= highTier)
      .flatMap(({ coveredBy }) => coveredBy)
      .some(
        way =>
          way.scopes.some(scope => scopes.includes(scope)) ||
          way.authorizationDetailsTypes.some(type => types.includes(type)),
      )
  })
}

function rightsOf(spec: SpecOf<'Client'> | SpecOf<'RegisteredClient'>): ClientRights {
  const { metadata } = spec
  const scopes = (metadata.scope ?? '').split(' ')
  const types = metadata.authorization_details_types ?? []
  if ('policy' in spec) {
    const { policy } = spec
    return {
      scopes: [...scopes, ...policy.scopes],
      resources: policy.resources,
      types: [...types, ...(policy.authorizationDetailsTypes ?? [])],
      exchanges: false,
    }
  }
  const { resources, introspects, exchanges, mayAct } = spec
  return {
    ...{ scopes, types },
    resources: [...resources, ...introspects],
    exchanges: exchanges.tokensOf.length + exchanges.tokensFor.length > 0 || mayAct !== undefined,
  }
}

function judgeClient({ name, issuer, before, after, ground }: Changed<'Client'>): string | undefined {
  if (isOnlySuspended(before, after)) return isLastDoor(name, issuer, ground) ? lastDoor : undefined
  const isEither = [before, after].some(
    spec => spec !== undefined && isPowerful(rightsOf(spec), name, issuer, ground),
  )
  if (isEither) return `may ask for more than tier ${highTier - 1}`
  return before !== undefined && after !== undefined && before.profile !== after.profile
    ? 'its profile'
    : undefined
}

function changesPolicy(before: SpecOf<'RegisteredClient'>, after: SpecOf<'RegisteredClient'> | undefined) {
  return after !== undefined &&
    canonicalJson({ ...before, status: '' }) === canonicalJson({ ...after, status: '' })
    ? undefined
    : 'what a client that registered itself may become'
}

/** To stop a client in a hurry takes one person; to let it go on is a change like any other. */
function isOnlySuspended(
  before: { readonly status: string } | undefined,
  after: { readonly status: string } | undefined,
): boolean {
  if (before === undefined || after?.status !== 'suspended') return false
  return canonicalJson({ ...before, status: '' }) === canonicalJson({ ...after, status: '' })
}

function judgeScope({ name, before, after }: Changed<'Scope'>): string | undefined {
  if (isAdminScope(name) || powerfulScopes.has(name)) return 'a scope with power over others'
  if (before === undefined) return undefined
  // Made anew it may say anything, and what users allowed under its name still stands.
  if (after === undefined) return 'what was allowed under its name'
  const demands = ({ acr, maxAuthenticationAgeSeconds, profile }: SpecOf<'Scope'>): string =>
    canonicalJson({ acr, maxAuthenticationAgeSeconds, profile })
  if (demands(before) !== demands(after)) return 'what it asks of users and clients'
  return after.claims.every(claim => before.claims.includes(claim)) === false
    ? 'more about users than before'
    : undefined
}

function judgeResourceServer({ before, after, ground }: Changed<'ResourceServer'>): string | undefined {
  if ([before, after].some(spec => spec?.audience === ground.audience)) return 'the admin API'
  if (before === undefined) return undefined
  if (before.governed) return 'an API whose scopes are granted by persons'
  // Another document could take the old one, and ask less for it.
  if (after !== undefined && after.audience !== before.audience) return 'for whom its tokens are'
  const demands = ({ acr, maxAuthenticationAgeSeconds, profile }: SpecOf<'ResourceServer'>): string =>
    canonicalJson({ acr, maxAuthenticationAgeSeconds, profile })
  return demands(before) === (after === undefined ? '{}' : demands(after))
    ? undefined
    : 'what it asks of users and clients'
}

/** Documents of a plan that compiled. */
export function parsed(records: readonly DocumentRecord[]): readonly PlacedDocument[] {
  const documents = storedDocuments(records)
  if (!documents.ok) throw new TypeError('what is planned was checked before')
  return documents.value
}
