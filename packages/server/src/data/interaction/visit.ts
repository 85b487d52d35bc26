import {
  accept,
  type EpochSeconds,
  type Outcome,
  type Refusal,
  refuse,
  type SecurityProfile,
} from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest, InteractionRecord } from '../../store/records.ts'
import type { Found } from '../../store/store.ts'
import { askedAgain } from '../authorize/asked-elsewhere.ts'
import { judgeStill } from '../authorize/request.ts'
import { judgeDeviceRequest } from '../device/request.ts'
import { endOf } from '../end-of.ts'
import { hashOfHandle } from '../handle.ts'
import { alreadyAnswered, type ErrorPageOptions } from '../pages/error.ts'
import { type AuthenticationState, authenticationState } from './authentication.ts'
import { cookieHash } from './cookies.ts'
import { withNamedGrant } from './named-grant.ts'
import type { Opening } from './opening.ts'
import { ourselves } from './ourselves.ts'
import { type LiveSession, loadSession } from './session.ts'

/** A request of the right browser to a live interaction, with the policy that applies at this moment. */
export interface Visit {
  readonly exchange: Exchange
  /** As it stands in the URL. */
  readonly id: string
  readonly interaction: InteractionRecord
  readonly client: Client
  readonly profile: SecurityProfile
  /** The session this interaction goes on with, when the browser still holds it. */
  readonly session: LiveSession | undefined
  /** Whatever session the browser holds, e.g. one that a fresh login replaces. */
  readonly browserSession: LiveSession | undefined
  /** What must still happen before the request may go on. */
  readonly authentication: AuthenticationState
  readonly now: EpochSeconds
  /** Set while the interaction is not in the store: for the commit of what is answered at once, or for `putDown`. */
  readonly opening?: Opening
}

export async function loadVisit(exchange: Exchange, ports: Ports): Promise<Outcome<Visit>> {
  const now = ports.clock.now()
  const id = exchange.params.id ?? ''
  const found = await ports.store.findInteraction(hashOfHandle('interaction', exchange.issuer.url, id))
  const interaction = judgeInteraction(found, cookieHash(exchange, 'browser'), exchange.issuer.url, now)
  if (!interaction.ok) return interaction

  const { request, sessionHash } = interaction.value
  const still = judgeWho(interaction.value, exchange)
  if (!still.ok) return still
  const browserSession = await loadSession(exchange, ports, now)
  const session = browserSession?.record.hash === sessionHash ? browserSession : undefined
  const { client } = still.value
  const demanding = await withNamedGrant(request, client, exchange.issuer, ports)
  return accept({
    exchange,
    id,
    interaction: interaction.value,
    ...still.value,
    session,
    browserSession,
    authentication: authenticationState(demanding, exchange.issuer, session, interaction.value, now),
    now,
  })
}

/** Whether who waits for the answer may still have it: a client, a device, or a page of ours. */
function judgeWho(
  { request, pushedHash, device, account, approvals }: InteractionRecord,
  exchange: Exchange,
): Outcome<Pick<Visit, 'client' | 'profile'>> {
  const { issuer } = exchange
  if (account !== undefined) return accept({ client: ourselves(exchange, 'account'), profile: issuer.floor })
  if (approvals) return accept({ client: ourselves(exchange, 'approvals'), profile: issuer.floor })
  return device === undefined
    ? judgeStill(request, issuer, pushedHash !== undefined)
    : judgeDeviceStill(request, issuer)
}

function judgeDeviceStill(
  request: AuthorizationRequest,
  issuer: Exchange['issuer'],
): Outcome<Pick<Visit, 'client' | 'profile'>> {
  const client = issuer.clients.get(request.clientId)
  if (client?.status !== 'active')
    return refuse(
      'device.client-gone',
      ['RFC8628-3.4'],
      'unauthorized_client',
      'the client is gone or suspended',
    )
  const judged = judgeDeviceRequest(askedAgain(request), client, issuer)
  return judged.ok ? accept({ client, profile: judged.value.profile }) : judged
}

/** What helps the user of a request that `loadVisit` refuses: of another browser's interaction nothing. */
export function helpFor({ ruleId }: Refusal): ErrorPageOptions {
  if (ruleId === 'interaction.cookie') return { kind: 'cookies' }
  return ruleId === 'interaction.finished' ? alreadyAnswered : {}
}

/** Only the browser that started it, only once, only in time (I12). */
function judgeInteraction(
  found: Found<InteractionRecord> | undefined,
  browserHash: string | undefined,
  issuer: string,
  now: EpochSeconds,
): Outcome<InteractionRecord> {
  const no = (ruleId: string, reason: string): Refusal => refuse(ruleId, [], 'invalid_request', reason)
  // First, so that it says nothing of the interaction.
  if (browserHash === undefined) return no('interaction.cookie', 'the browser brought no cookie of ours')
  if (found === undefined || found.issuer !== issuer) return no('interaction.known', 'no such interaction')
  if (found.browserHash !== browserHash)
    return no('interaction.browser', 'the interaction was started in another browser')
  if (found.spentAt !== undefined) return no('interaction.finished', 'the interaction is already finished')
  if (now >= endOf(found)) return no('interaction.expired', 'the interaction has expired')
  return accept(found)
}
