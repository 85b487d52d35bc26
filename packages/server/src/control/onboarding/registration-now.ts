import { type ControlDocument, ofKind } from '../document.ts'
import type { ClientOnboardingSpec, ClientRegistration } from '../resources/client-onboarding.ts'
import { audiencesBy, findClientSpec, movedMembers, registrationOf } from './registration.ts'
import { approvedKeys } from './state.ts'

type Documents = readonly ControlDocument[]

/** What the client is registered for now; undefined when there is no such client. */
export function registrationNow(own: Documents, client: string): ClientRegistration | undefined {
  const spec = findClientSpec(own, client)
  return spec && registrationOf(spec, audiencesBy(ofKind(own, 'ResourceServer')))
}

/** In what the client is registered otherwise than the record says; keys that were rotated since are no difference. */
export function movedNow(spec: ClientOnboardingSpec, own: Documents): readonly string[] {
  const now = registrationNow(own, spec.content.client)
  if (now === undefined) return ['client']
  const keys = new Set(approvedKeys(spec).map(({ thumbprint }) => thumbprint))
  const isRotated = spec.rotations.length > 0 && now.keys.every(({ thumbprint }) => keys.has(thumbprint))
  return movedMembers(spec.content.registration, now).filter(member => member !== 'keys' || !isRotated)
}
