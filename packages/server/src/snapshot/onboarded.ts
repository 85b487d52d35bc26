import type { EpochSeconds } from '@holdfast/protocol'
import { canonicalJson } from '../control/document.ts'
import { approvedList, changedMembers, thumbprintOfJwk } from '../control/onboarding/registration.ts'
import type { ApprovedKey } from '../control/onboarding/state.ts'
import type { ClientRegistration } from '../control/resources/client-onboarding.ts'
import type { Client, OnboardingEnding, Withheld } from './snapshot.ts'

/** What people approved of one client. */
export interface OnboardedAs {
  /** Of a record that is suspended, retired or ended. */
  readonly withheld: Withheld | undefined
  readonly registration: ClientRegistration
  /** Who answers for the client in law. */
  readonly legalName: string
  readonly keys: readonly ApprovedKey[]
  /** From this second on it is not served; time is not judged here. */
  readonly endsAt: EpochSeconds
}

export interface Onboarding {
  /** Whether a client without a record is served. */
  readonly isRequired: boolean
  /** Clients that were active by a record at least once, by name: they are held to it also where none is required. */
  readonly records: ReadonlyMap<string, OnboardedAs>
}

const missing: Withheld = { kind: 'none', reason: 'has no active onboarding' }
const ended: Withheld = { kind: 'ended', reason: 'has an onboarding that ended' }

/**
 * What is left of a client: what it registered and people approved. Lists shrink to what both have; a client that is
 * something else than approved is not served at all.
 * @param registered worked out only for clients with a record
 */
export function onboardedClient(
  client: Client,
  registered: () => ClientRegistration,
  { isRequired, records }: Onboarding,
): Client {
  const record = records.get(client.clientId)
  if (record === undefined) return isRequired ? withheldClient(client, missing) : client
  const { registration, withheld, legalName } = record
  if (withheld !== undefined) return withheldClient(client, withheld)
  const changed = changedMembers(registration, registered())
  if (changed.length > 0) {
    const reason = `is registered otherwise than approved: ${changed.join(', ')}`
    return withheldClient(client, { kind: 'changed', reason })
  }
  return {
    ...withApprovedKeys(narrowed(client, registration), record),
    legalName,
    servedUntil: record.endsAt,
  }
}

/** The same client when time has gone by: nothing but time can have taken something from it. */
export function onboardedLater(client: Client, { records }: Onboarding): Client {
  const record = records.get(client.clientId)
  if (record === undefined || client.withheld !== undefined) return client
  return record.withheld === undefined
    ? withApprovedKeys(client, record)
    : withheldClient(client, record.withheld)
}

/** Records as they are at this second. */
export function onboardingAt({ isRequired, records }: Onboarding, now: EpochSeconds): Onboarding {
  return {
    isRequired,
    records: new Map(
      [...records].map(([clientId, record]) => [
        clientId,
        {
          ...record,
          withheld: record.withheld ?? (record.endsAt <= now ? ended : undefined),
          keys: record.keys.filter(({ until }) => until === undefined || until > now),
        },
      ]),
    ),
  }
}

export function onboardingEndings({ records }: Onboarding): readonly OnboardingEnding[] {
  return [...records].flatMap(([clientId, { withheld, endsAt, keys }]) => {
    if (withheld !== undefined) return []
    const keysEnd = keys.flatMap(({ until }) => until ?? []) as EpochSeconds[]
    return [endsAt, ...keysEnd].map(at => ({ clientId, at }))
  })
}

/** Suspended is what every endpoint already refuses: none can forget to ask. */
function withheldClient({ legalName: _ended, ...client }: Client, withheld: Withheld): Client {
  return { ...client, status: 'suspended', withheld }
}

function narrowed(client: Client, registration: ClientRegistration): Client {
  const { metadata: _metadata, ...own } = registration
  const within = <T>(list: readonly T[], approved: readonly string[], textOf: (one: T) => string = String) =>
    list.filter(one => approved.includes(textOf(one)))
  const details = own.ownAuthorizationDetails.map(canonicalJson)
  return {
    ...client,
    redirectUris: within(client.redirectUris, approvedList(registration, 'redirect_uris')),
    postLogoutRedirectUris: within(
      client.postLogoutRedirectUris,
      approvedList(registration, 'post_logout_redirect_uris'),
    ),
    requestUris: within(client.requestUris, approvedList(registration, 'request_uris')),
    grantTypes: within(client.grantTypes, approvedList(registration, 'grant_types')),
    responseTypes: within(client.responseTypes, approvedList(registration, 'response_types')),
    scopes: within(client.scopes, approvedList(registration, 'scope')),
    authorizationDetailsTypes: within(
      client.authorizationDetailsTypes,
      approvedList(registration, 'authorization_details_types'),
    ),
    ownAuthorizationDetails: within(client.ownAuthorizationDetails, details, canonicalJson),
    resources: within(client.resources, own.audiences),
    introspects: within(client.introspects, own.introspects),
    exchanges: {
      tokensOf: within(client.exchanges.tokensOf, own.exchangesTokensOf),
      tokensFor: within(client.exchanges.tokensFor, own.exchangesTokensFor),
    },
    attesters: within(client.attesters, own.attesters, ({ name }) => name),
    allowedOrigins: within(client.allowedOrigins, own.allowedOrigins),
  }
}

function withApprovedKeys(client: Client, record: OnboardedAs): Client {
  return client.jwks === undefined ? client : { ...client, jwks: approvedJwks(client.jwks, record) }
}

/** Keys of a client that are approved. */
export function approvedJwks<K extends Readonly<Record<string, unknown>>>(
  { keys: own }: { readonly keys: readonly K[] },
  { keys }: Pick<OnboardedAs, 'keys'>,
): { readonly keys: readonly K[] } {
  const approved = new Set(keys.map(({ thumbprint }) => thumbprint))
  return { keys: own.filter(jwk => approved.has(thumbprintOfJwk(jwk))) }
}
