import { accept, type EpochSeconds, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { sectorDocumentRules } from '@holdfast/protocol/specs/oidc-registration/rules.ts'
import type { RegistrationPolicy } from '@holdfast/protocol/specs/rfc7591-registration/policy.ts'
import {
  mergeStated,
  type RegistrationRequest,
  type StatedMetadata,
} from '@holdfast/protocol/specs/rfc7591-registration/request.ts'
import { policyRules } from '@holdfast/protocol/specs/rfc7591-registration/rules.ts'
import { Fault, type Ports } from '../../ports.ts'
import type { IssuerSnapshot, RegisteredClient } from '../../snapshot/snapshot.ts'
import { type Certified, judgeStatement, rememberedStatement } from './statement.ts'

/** What a client is to be: what it said, with what its software statement says laid over it. */
export interface Intended {
  readonly stated: StatedMetadata
  readonly softwareStatement: string | undefined
}

/**
 * The same questions for a registration and for every update of it.
 * @param before the client as it is; undefined at its registration
 */
export function judgeIntended(
  request: RegistrationRequest,
  before: RegisteredClient | undefined,
  policy: RegistrationPolicy,
  issuer: IssuerSnapshot,
  now: EpochSeconds,
): Outcome<Intended> {
  const certified = judgeCertified(request.softwareStatement, before?.softwareStatement, issuer, now)
  if (!certified.ok) return certified
  const stated = certified.value ? mergeStated(request.stated, certified.value.stated) : request.stated
  const softwareStatement = request.softwareStatement ?? before?.softwareStatement
  const refusal = firstRefusal(policyRules, {
    stated,
    policy,
    hasSoftwareStatement: softwareStatement !== undefined,
  })
  return refusal ?? accept({ stated, softwareStatement })
}

/** A statement once registered goes on to count: leaving it out of an update takes nothing of it back. */
function judgeCertified(
  presented: string | undefined,
  registered: string | undefined,
  issuer: IssuerSnapshot,
  now: EpochSeconds,
): Outcome<Certified | undefined> {
  const before = registered === undefined ? undefined : rememberedStatement(registered)
  if (before?.ok === false) return before
  if (presented === undefined || presented === registered) return before ?? accept(undefined)
  const judged = judgeStatement(presented, issuer, now)
  if (!judged.ok || before === undefined) return judged
  const { iss, softwareId } = before.value
  return judged.value.iss === iss && judged.value.softwareId === softwareId
    ? judged
    : refuse(
        'statement.other-software',
        ['RFC7592-5-escalation'],
        'unapproved_software_statement',
        'the statement is of another issuer or about other software than the one registered',
      )
}

const sectorLimits = { bytesMax: 128 * 1024, timeoutMs: 3000 } as const

/** Fetches what stands behind `sector_identifier_uri`, by the guarded way, and judges it. */
export async function judgeSector({ metadata }: StatedMetadata, ports: Ports): Promise<Outcome<undefined>> {
  const { sector_identifier_uri: uri, redirect_uris: redirectUris = [] } = metadata
  if (uri === undefined || metadata.subject_type !== 'pairwise') return accept(undefined)
  let document: unknown
  try {
    document = await ports.outbound.getJson(uri, sectorLimits)
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    return refuse(
      'registration.sector-fetch',
      ['OIDCR-5-contains'],
      'invalid_client_metadata',
      'the sector document could not be fetched',
      { field: 'sector_identifier_uri', fault: thrown.code },
    )
  }
  return firstRefusal(sectorDocumentRules, { document, redirectUris }) ?? accept(undefined)
}
