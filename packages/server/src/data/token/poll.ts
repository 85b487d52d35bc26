import { accept, type HandleHash, type Outcome, type Refusal } from '@holdfast/protocol'
import type { PollInput } from '@holdfast/protocol/specs/rfc8628-device/poll-input.ts'
import type { Ports } from '../../ports.ts'
import type { Client, GrantTypeName, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { GrantRecord } from '../../store/records.ts'
import type { FoundBackchannelRequest, FoundDeviceCode } from '../../store/store.ts'
import type { GuardKind, Write } from '../../store/writes.ts'
import type { AuditContext } from '../audit-of.ts'
import { type AskedElsewhere, askedAgain } from '../authorize/asked-elsewhere.ts'
import { isLasting } from '../authorize/lasting.ts'
import { idTokenClaimsOf } from '../claims/release.ts'
import { endOf } from '../end-of.ts'
import { hashOfHandle } from '../handle.ts'
import { grantedDetails } from '../mint/details.ts'
import type { Entitlement } from '../mint/order.ts'
import {
  type Decided,
  type Grant,
  type GrantFacts,
  type GrantRefusal,
  grantOf,
  loadGrant,
  type Pending,
  standingOf,
  type TokenRequest,
} from './grant.ts'
import { bindingOfPoll, pollBindingOf } from './poll-binding.ts'

/** What a client waits with while its user answers elsewhere. */
type Asked = FoundDeviceCode | FoundBackchannelRequest

interface Facts<Kind extends Asked> extends GrantFacts {
  readonly asked: Kind | undefined
}

/** What is polled for, and what the store keeps of a poll. */
interface Polled {
  readonly hash: HandleHash
  readonly at: TokenRequest['now']
  readonly binding: string | undefined
}

/** A grant type whose client asks again and again (RFC 8628 section 3.4, OpenID Connect CIBA section 10.1). */
export interface PolledGrant<Kind extends Asked> {
  readonly grantType: GrantTypeName
  /** Its one-time value, in the form and as a kind of handle. */
  readonly parameter: 'device_code' | 'auth_req_id'
  readonly missing: Refusal
  readonly find: (hash: HandleHash, ports: Ports) => Promise<Kind | undefined>
  readonly judge: (input: PollInput) => Refusal | undefined
  /** By the policy of now: the client may have lost what it asked for (I23). */
  readonly judgeAgain: (asked: AskedElsewhere, client: Client, issuer: IssuerSnapshot) => Outcome<unknown>
  readonly contextOf: (asked: Kind, grant: GrantRecord | undefined, client: Client) => AuditContext
  /** What a client that did not wait must wait more from now on, in seconds. */
  readonly slowDownSeconds: number
  readonly keepPoll: (polled: Polled & { readonly intervalSeconds: number }) => Write
  readonly spend: (polled: Polled) => Write & { readonly kind: GuardKind }
  readonly replayed: Refusal
  readonly grantEnded: Refusal
  /** What only this grant type says of its tokens. */
  readonly also?: (value: string) => Partial<Entitlement>
}

export function polledGrant<Kind extends Asked>(slot: PolledGrant<Kind>): Grant {
  return grantOf<string, Facts<Kind>>({
    grantType: slot.grantType,
    parse: ({ form }) => {
      const value = form.get(slot.parameter)
      return value === undefined ? slot.missing : accept(value)
    },
    load: async (value, { exchange }, ports) => {
      const asked = await slot.find(hashOfHandle(slot.parameter, exchange.issuer.url, value), ports)
      return { asked, ...(await loadGrant(asked?.grantId, ports)) }
    },
    judge: (value, facts, request) => judgePoll(slot, value, facts, request),
  })
}

function judgePoll<Kind extends Asked>(
  slot: PolledGrant<Kind>,
  value: string,
  facts: Facts<Kind>,
  request: TokenRequest,
): Decided {
  const { now: at, client, sender, exchange } = request
  const { asked, grant } = facts
  const binding = pollBindingOf(sender, client, asked?.binding)
  const context = asked === undefined ? {} : slot.contextOf(asked, grant, client)
  const refusal = slot.judge(inputOf(facts, client.clientId, binding, at))
  if (asked !== undefined && (refusal?.error === 'authorization_pending' || refusal?.error === 'slow_down')) {
    const more = refusal.error === 'slow_down' ? slot.slowDownSeconds : 0
    const intervalSeconds = asked.intervalSeconds + more
    const writes = [slot.keepPoll({ hash: asked.hash, at, intervalSeconds, binding })]
    return { ok: false, refusal, context, writes }
  }
  if (refusal !== undefined) return { ok: false, refusal, context }
  if (asked === undefined || grant === undefined) throw new TypeError('rule table')
  const still = slot.judgeAgain(askedAgain(asked), client, exchange.issuer)
  if (!still.ok) return { ok: false, refusal: still, context }
  const spend = slot.spend({ hash: asked.hash, at, binding })
  return {
    ok: true,
    value: {
      entitlement: {
        ...entitlementOf(slot.grantType, asked, { grant, user: facts.user }, request),
        ...slot.also?.(value),
      },
      writes: [spend, { kind: 'require-live-grant', id: grant.id, at }],
      pending: pendingOf(slot, asked, inputOf(facts, client.clientId, binding, at)),
      conflict: (guard): GrantRefusal => ({
        refusal: guard === spend.kind ? slot.replayed : slot.grantEnded,
        context,
      }),
    },
  }
}

/** As if the user had not answered: the same rules say whether the client asked too soon. */
function pendingOf<Kind extends Asked>(slot: PolledGrant<Kind>, asked: Kind, input: PollInput): Pending {
  const unanswered = { ...input, asked: input.asked && { ...input.asked, isApproved: false } }
  const refusal = slot.judge(unanswered)
  const slowDown = refusal?.error === 'slow_down' ? refusal : undefined
  const intervalSeconds = asked.intervalSeconds + (slowDown === undefined ? 0 : slot.slowDownSeconds)
  const { now: at, binding } = input
  return { writes: [slot.keepPoll({ hash: asked.hash, at, intervalSeconds, binding })], slowDown }
}

function inputOf(
  facts: Facts<Asked>,
  clientId: string,
  binding: string | undefined,
  now: PollInput['now'],
): PollInput {
  const { asked } = facts
  return {
    now,
    clientId,
    binding,
    asked: asked && {
      ...asked,
      expiresAt: endOf(asked),
      isSpent: asked.spentAt !== undefined,
      isApproved: asked.grantId !== undefined,
      isDenied: asked.deniedAt !== undefined,
    },
    grant: standingOf(facts, now),
  }
}

function entitlementOf(
  grantType: GrantTypeName,
  { binding }: Asked,
  { grant, user }: GrantFacts & { readonly grant: GrantRecord },
  { client, form, exchange }: TokenRequest,
): Entitlement {
  const { scopes, resources } = grant
  return {
    grantType,
    subject: grant.subject,
    grantId: grant.id,
    scopes,
    allowedScopes: scopes,
    requestedResources: form.all('resource'),
    allowedResources: resources,
    authorizationDetails: grantedDetails(grant),
    authTime: grant.authTime,
    acr: grant.acr,
    amr: grant.amr,
    sid: grant.sid,
    nonce: undefined,
    userClaims: idTokenClaimsOf(grant, user, client, exchange.issuer),
    txn: grant.txn,
    grantExpiresAt: grant.expiresAt,
    ...(grant.risk && { risk: grant.risk }),
    ...(grant.managed && { managedGrantId: grant.managed.id }),
    inputBinding: bindingOfPoll(binding),
    refreshToken: isLasting(client, scopes) ? { scopes, resources, expiresAt: undefined } : undefined,
  }
}
