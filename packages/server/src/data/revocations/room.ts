import { firstRefusal } from '@holdfast/protocol'
import { eventStreamMediaType } from '@holdfast/protocol/revocation-event.ts'
import { introspectionCallerRules } from '@holdfast/protocol/specs/rfc7662-introspection/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { auditAccepted } from '../audit-of.ts'
import { refusedAuthenticated, refusedReplay, replayRefusal } from '../client-auth/answer.ts'
import { authenticateClient } from '../client-auth/authenticate.ts'
import { parseBackChannelForm } from '../client-auth/back-channel-form.ts'
import { refusedOauth } from '../refused.ts'
import type { Room } from '../room.ts'
import { feedBusy, hasPlace, startFeed } from './feed.ts'

const refused = 'revocations.refused'

/**
 * The revocation feed: what ended, in order, from `Last-Event-ID` on, for as long as both sides want. For those who
 * may introspect, with the authentication they introspect with (docs/decisions/0038).
 */
export const revocationsRoom: Room = async (exchange, ports) => {
  // Before the request is loaded with anything: staleness is counted from here.
  const openedMs = ports.clock.monotonicMs()
  const form = parseBackChannelForm(exchange)
  if (!form.ok) return refusedOauth(exchange, ports, refused, form)

  const authenticated = await authenticateClient(exchange, form.value, ports)
  if (!authenticated.ok) return refusedOauth(exchange, ports, refused, authenticated)
  const { client, evidence, writes: spent } = authenticated.value
  const refusal = firstRefusal(introspectionCallerRules, { introspects: client.introspects })
  if (refusal !== undefined) {
    const reply = await refusedAuthenticated(exchange, ports, refused, refusal, authenticated.value)
    return reply.status === 400 ? { ...reply, status: 403 } : reply
  }

  if (!hasPlace(ports.store, client.clientId)) {
    const reply = await refusedAuthenticated(exchange, ports, refused, feedBusy, authenticated.value)
    return { ...reply, status: 503 }
  }

  const start = startOf(exchange, ports)
  const context = { clientId: client.clientId }
  const facts = { ...evidence, after: start.after, resync: start.isResync }
  const writes = [...spent, auditAccepted(exchange, ports.clock.now(), 'revocations.read', context, facts)]
  const committed = await ports.store.commit(writes)
  if (!committed.committed) {
    const replay = replayRefusal(writes, committed)
    if (replay === undefined) throw new TypeError(`no guard \`${committed.guard}\` stands in this list`)
    return refusedReplay(exchange, ports, refused, replay, { context, extraHeaders: undefined })
  }
  const reader = { issuerUrl: exchange.issuer.url, clientId: client.clientId, openedMs, ...start }
  return {
    status: 200,
    headers: [
      ['content-type', eventStreamMediaType],
      ['cache-control', 'no-store'],
      ['x-accel-buffering', 'no'],
    ],
    body: '',
    stream: sink => startFeed(reader, sink, ports),
  }
}

/**
 * Where a reader goes on. What it names from before a restore, or what nobody ever sent, is no place: it gets all
 * that still matters, and is told to forget what it knows.
 */
function startOf(exchange: Exchange, ports: Ports): { readonly after: number; readonly isResync: boolean } {
  const [last] = exchange.headers('last-event-id')
  if (last === undefined) return { after: 0, isResync: false }
  const [, epoch, sequence] = /^(\d{1,12})\.(\d{1,15})$/.exec(last) ?? []
  return epoch === String(ports.store.epoch())
    ? { after: Number(sequence), isResync: false }
    : { after: 0, isResync: true }
}
