import type { Outcome } from '@holdfast/protocol'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import { judgeDetails } from '@holdfast/protocol/specs/rfc9396-rar/rules.ts'
import type { AuthorizationDetailsType, Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'

/** `authorization_details` of a request, judged by the issuer's types and what the client registered (RFC 9396). */
export function judgeRequestedDetails(
  text: string | undefined,
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<readonly AuthorizationDetail[]> {
  return judgeDetails(text, {
    types: issuer.detailTypes,
    clientTypes: client.authorizationDetailsTypes,
    clientResources: client.resources,
  })
}

/** As a parameter again, for judging what was stored as what came. */
export function detailsParameter(details: readonly AuthorizationDetail[] | undefined): string | undefined {
  return details === undefined || details.length === 0 ? undefined : JSON.stringify(details)
}

/** Resource servers that the details belong to. */
export function audiencesOfDetails(
  details: readonly AuthorizationDetail[],
  types: ReadonlyMap<string, AuthorizationDetailsType>,
): readonly string[] {
  return [...new Set(details.flatMap(({ type }) => types.get(type)?.audience ?? []))]
}
