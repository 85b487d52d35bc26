import type { SecurityProfile } from '@holdfast/protocol'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest, BackchannelRequestRecord } from '../../store/records.ts'
import { neededMaxAgeSeconds } from '../authorize/freshness.ts'
import type { Asked } from '../interaction/named-grant.ts'
import { requestOfOurs } from '../interaction/ourselves.ts'
import { paths } from '../paths.ts'

/** Who answers signed in at most this long ago: whoever finds an open browser allows nothing. */
const loginAgeSeconds = 300

/** What the page that lists the requests asks of its user's authentication. */
export function requestToLook({ url }: IssuerSnapshot): AuthorizationRequest {
  return requestOfOurs(url + paths.ciba, { maxAgeSeconds: loginAgeSeconds })
}

/**
 * What it takes to allow one of them: also what its client asked for by `acr_values`, and what its scopes, its API and
 * their profiles ask for, like at the authorization endpoint. The client itself never comes here, so the answer stays
 * on our own page.
 */
export function requestToAllow(
  { acrValues = [] }: Pick<BackchannelRequestRecord, 'acrValues'>,
  { scopes, resources }: Pick<Asked, 'scopes' | 'resources'>,
  profile: SecurityProfile,
  { url }: IssuerSnapshot,
): AuthorizationRequest {
  const maxAgeSeconds = neededMaxAgeSeconds(loginAgeSeconds, profile)
  return requestOfOurs(url + paths.ciba, { scopes, resources, acrValues, maxAgeSeconds })
}
