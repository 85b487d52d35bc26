import { accept, meet, type Outcome, type SecurityProfile } from '@holdfast/protocol'
import type { Client, IssuerSnapshot, ResourceServer } from './snapshot.ts'

/** Requests name at most a handful of resources; beyond this many distinct sets we compute again. */
const rememberedMax = 10_000

/** `meet` of a client's profile and those of the resources it asks for, worked out once per combination. */
export function effectiveProfiles(
  resourceServers: ReadonlyMap<string, ResourceServer>,
): IssuerSnapshot['effectiveProfile'] {
  const remembered = new Map<SecurityProfile, Map<string, Outcome<SecurityProfile>>>()
  let count = 0
  return (client: Client, audiences: readonly string[]): Outcome<SecurityProfile> => {
    const own = remembered.get(client.profile) ?? new Map<string, Outcome<SecurityProfile>>()
    const key = audiences.length < 2 ? (audiences[0] ?? '') : audiences.toSorted().join(' ')
    const known = own.get(key)
    if (known !== undefined) return known
    const stricter = audiences.flatMap(audience => resourceServers.get(audience)?.profile ?? [])
    const met = stricter.length === 0 ? accept(client.profile) : meet([client.profile, ...stricter])
    if (count < rememberedMax) {
      count++
      remembered.set(client.profile, own.set(key, met))
    }
    return met
  }
}
