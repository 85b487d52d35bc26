import type { SecurityProfile } from '@holdfast/protocol'
import { allMetadataRefusals } from '@holdfast/protocol/specs/rfc7591-client-metadata/judge.ts'
import type { Problem } from '../control/problem.ts'
import type { ClientSpec } from '../control/resources/client.ts'
import type { MeetOf } from './compile-client.ts'

/** Something a client may ask for, and the profile that asking for it brings into play. */
export interface TieredThing {
  /** Path of the field of the client that names it. */
  readonly field: string
  /** For people, e.g. ``scope `payments` ``. */
  readonly what: string
  readonly profile: SecurityProfile
}

interface TierContext {
  readonly floor: SecurityProfile
  readonly own: SecurityProfile
  readonly meetOf: MeetOf
  readonly environment: 'development' | 'production'
}

/**
 * What a client registered for and could never get, because its own profile or its metadata cannot meet the tier:
 * each with what to change. Things of which each alone would do are not found here.
 */
export function unreachableTiers(
  document: string,
  { metadata, profile: ownName }: ClientSpec,
  things: readonly TieredThing[],
  { floor, own, meetOf, environment }: TierContext,
): readonly Problem[] {
  const before = meetOf([floor, own])
  if (!before.ok) return []
  const known = new Set(
    allMetadataRefusals({ metadata, profile: before.value, environment }).map(({ ruleId }) => ruleId),
  )
  return things.flatMap(({ field, what, profile }) => {
    const met = meetOf([floor, own, profile])
    const because = (fix: string): string =>
      `${what} has the tier \`${profile.name}\`: ${fix}, or take ${what} from the client`
    if (!met.ok) {
      const message = `${met.reason} when it meets \`${ownName}\`; ${because('change `spec.profile`')}`
      return [{ document, field, message, ruleId: met.ruleId }]
    }
    return allMetadataRefusals({ metadata, profile: met.value, environment })
      .filter(({ ruleId }) => !known.has(ruleId))
      .map(({ reason, ruleId, clauses, error, facts }) => ({
        document,
        field: `spec.metadata.${facts?.field}`,
        message: `${reason}; ${because('change this')}`,
        ruleId,
        clauses,
        error,
      }))
  })
}
