import { accept, meet, type Outcome, type SecurityProfile } from '@holdfast/protocol'
import type { AskedFor, Client, IssuerSnapshot } from './snapshot.ts'

/** Profiles are few and so are their combinations; beyond this many we compute again. */
const rememberedMax = 10_000

type Tiered = Pick<IssuerSnapshot, 'resourceServers' | 'scopes' | 'detailTypes'>

/** The profiles that everything asked for carries, each once, in no order. */
export function askedProfiles(
  { resourceServers, scopes, detailTypes }: Tiered,
  asked: AskedFor,
): readonly SecurityProfile[] {
  const found = new Set<SecurityProfile>()
  const add = (profile: SecurityProfile | undefined): void => {
    if (profile !== undefined) found.add(profile)
  }
  for (const audience of asked.audiences) add(resourceServers.get(audience)?.profile)
  for (const scope of asked.scopes) add(scopes.get(scope)?.profile)
  for (const { type } of asked.details) add(detailTypes.get(type)?.profile)
  return [...found]
}

/**
 * `meet` of a client's profile and those of everything it asks for, worked out once per combination of profiles:
 * a snapshot has many scopes and few tiers.
 */
export function effectiveProfiles(tiered: Tiered): IssuerSnapshot['effectiveProfile'] {
  const remembered = new Map<SecurityProfile, Map<string, Outcome<SecurityProfile>>>()
  const alone = new WeakMap<SecurityProfile, Outcome<SecurityProfile>>()
  let count = 0
  return (client: Client, asked: AskedFor): Outcome<SecurityProfile> => {
    const stricter = askedProfiles(tiered, asked)
    if (stricter.length === 0) {
      const own = alone.get(client.profile) ?? accept(client.profile)
      alone.set(client.profile, own)
      return own
    }
    const own = remembered.get(client.profile) ?? new Map<string, Outcome<SecurityProfile>>()
    // Names tell the profiles of one issuer apart; none holds a space.
    const names = stricter.map(({ name }) => name)
    const key = names.length === 1 ? (names[0] ?? '') : names.toSorted().join(' ')
    const known = own.get(key)
    if (known !== undefined) return known
    const met = meet([client.profile, ...stricter])
    if (count < rememberedMax) {
      count++
      remembered.set(client.profile, own.set(key, met))
    }
    return met
  }
}
