import type { Attributes, AuthorizeQuestion, StatedRisk } from '@holdfast/policy'
import type { EpochSeconds, Refusal } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client, GrantTypeName, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { Write } from '../../store/writes.ts'
import { attributesForAuthorize } from '../attributes/for-authorize.ts'
import { type ApprovalPorts, askWithApprovals, type MissingApproval } from './approval.ts'
import { recordsOf } from './ask.ts'
import { askedAccess, askingClient, type Wanted } from './parties.ts'
import { acrsFor, refusalOf, refusalOfApproval } from './refusals.ts'

export interface AuthorizeInput {
  readonly client: Client
  readonly grantType: GrantTypeName
  readonly txn: string
  readonly wanted: Wanted
  readonly user: {
    readonly subject: string
    readonly sid: string | undefined
    readonly acr: string | undefined
    readonly amr: readonly string[]
    readonly authTime: EpochSeconds | undefined
  }
  readonly now: EpochSeconds
  /** Undefined: no policy wants to know. */
  readonly risk: StatedRisk | undefined
}

/** With what sources told, if any was asked. */
interface Informed extends AuthorizeInput {
  readonly attributes: Attributes | undefined
}

/**
 * Whether a client may act for a user; the record goes into the commit of what was decided. A refusal that is
 * `temporarily_unavailable` decides nothing: the same request may be tried again.
 */
export type Authorized =
  | {
      readonly ok: true
      readonly writes: readonly Write[]
      /** Approvals that are used up by it: for the commit of what they buy, and no other. */
      readonly uses: readonly Write[]
      /** How long the user need not be asked the same again; undefined or 0: they are. */
      readonly rememberSeconds: number | undefined
    }
  | {
      readonly ok: false
      readonly refusal: Refusal
      readonly writes: readonly Write[]
      /** `acr` values, any of which would do; undefined when no authentication would help. */
      readonly stepUp: readonly string[] | undefined
      /** Others have to approve first; undefined when that is not what is missing. */
      readonly approval: MissingApproval | undefined
    }

/** Moment 1: may this client act for this user at all? Sources are asked first, where policies read what they tell. */
export async function judgeAuthorize(
  input: AuthorizeInput,
  exchange: Exchange,
  ports: ApprovalPorts & Pick<Ports, 'attributeSources'>,
): Promise<Authorized> {
  const { client, user } = input
  const about = { subject: user.subject, clientId: client.clientId }
  const attributes = await attributesForAuthorize(about, exchange.issuer, ports)
  if (!attributes.ok)
    return { ok: false, refusal: attributes, writes: [], stepUp: undefined, approval: undefined }
  return await judgeInformed({ ...input, attributes: attributes.value }, exchange, ports)
}

/** The same for who has asked the sources already. */
export async function judgeInformed(
  input: Informed,
  exchange: Exchange,
  ports: ApprovalPorts,
): Promise<Authorized> {
  const { issuer } = exchange
  const { txn, user, wanted, now } = input
  const { subject, acr } = user
  const about = { wanted, subject, txn, acr, now }
  const { answered, missing, uses } = await askWithApprovals(
    questionOf(input, issuer),
    about,
    exchange,
    ports,
  )
  const refusal = refusalOf(answered, user.acr, issuer.authenticationLevels)
  const writes = recordsOf(answered, refusal === undefined, { txn, subject: user.subject }, exchange)
  if (refusal === undefined) {
    const { rememberConsentSeconds: rememberSeconds } = answered.decision.obligations
    return { ok: true, writes, uses, rememberSeconds }
  }
  if (refusal.ruleId === 'policy.approval' && missing !== undefined) {
    const told = refusalOfApproval(refusal, missing)
    return { ok: false, refusal: told, writes, stepUp: undefined, approval: missing }
  }
  const stepUp =
    refusal.ruleId === 'policy.step-up' ? acrsFor(answered, user.acr, issuer.authenticationLevels) : undefined
  return { ok: false, refusal, writes, stepUp, approval: undefined }
}

function questionOf(
  { client, grantType, wanted, user, now, risk, attributes }: Informed,
  issuer: IssuerSnapshot,
): AuthorizeQuestion {
  const { authTime, ...stated } = user
  const authAgeSeconds = authTime === undefined ? undefined : Math.max(0, now - authTime)
  return {
    moment: 'authorize',
    client: askingClient(client, issuer),
    asked: askedAccess(wanted, issuer, now),
    grantType,
    user: { ...stated, authAgeSeconds },
    risk,
    ...(attributes !== undefined && { attributes }),
  }
}
