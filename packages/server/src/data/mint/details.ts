import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import { misfitOfDetail } from '@holdfast/protocol/specs/rfc9396-rar/misfit.ts'
import { detailsAt, grantedDetailsRules } from '@holdfast/protocol/specs/rfc9396-rar/rules.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { judgeRequestedDetails } from '../authorize/details.ts'

/** Authorization details a grant found its client entitled to. */
export interface GrantedDetails {
  readonly allowed: readonly AuthorizationDetail[]
  /** What a token request without `authorization_details` means. */
  readonly unlessAsked: readonly AuthorizationDetail[]
}

/** Everything the subject allowed, unless the token request names less. */
export function grantedDetails({
  authorizationDetails = [],
}: {
  readonly authorizationDetails?: readonly AuthorizationDetail[]
}): GrantedDetails {
  return { allowed: authorizationDetails, unlessAsked: authorizationDetails }
}

/** What a token request asks of the details that were granted. */
export interface AskedDetails {
  readonly details: readonly AuthorizationDetail[]
  /** Whether the request named them: then none may be left out. */
  readonly isNamed: boolean
  readonly allowed: readonly AuthorizationDetail[]
}

/**
 * Judge the `authorization_details` of a token request (RFC 9396 section 6). What was granted once and is no longer
 * sound by the types and the client of now falls away, as a scope does that the client lost.
 */
export function judgeAskedDetails(
  text: string | undefined,
  granted: GrantedDetails | undefined,
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<AskedDetails> {
  const isSound = (detail: AuthorizationDetail): boolean => isStillSound(detail, client, issuer)
  const allowed = granted?.allowed.filter(isSound) ?? []
  if (text === undefined)
    return accept({ details: granted?.unlessAsked.filter(isSound) ?? [], isNamed: false, allowed })
  const asked = judgeRequestedDetails(text, client, issuer)
  return asked.ok ? accept({ details: asked.value, isNamed: true, allowed }) : asked
}

/** What of it a token for `audience` carries; the subject's allowance is the bound for whatever came before. */
export function judgeDetailsAt(
  { details, isNamed, allowed }: AskedDetails,
  audience: string,
  { detailTypes: types }: IssuerSnapshot,
): Outcome<readonly AuthorizationDetail[]> {
  const carried = isNamed ? details : detailsAt(details, types, audience)
  const refusal = firstRefusal(grantedDetailsRules, { details: carried, granted: allowed, types, audience })
  return refusal ?? accept(carried)
}

/** Whether a token could carry it now. */
export function isStillSound(
  detail: AuthorizationDetail,
  { authorizationDetailsTypes, resources }: Client,
  { detailTypes }: IssuerSnapshot,
): boolean {
  const type = detailTypes.get(detail.type)
  return (
    type !== undefined &&
    authorizationDetailsTypes.includes(type.name) &&
    resources.includes(type.audience) &&
    misfitOfDetail(detail, type) === undefined
  )
}
