import { refuse } from '@holdfast/protocol'
import type { Sink } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Store } from '../../store/store.ts'
import { subjectFor } from '../mint/pairwise.ts'
import { publishedOf } from './published.ts'

/** Readers of one store in this process, and of one client: each costs a question a second. */
const readersMax = 256
const readersPerClientMax = 16
const heartbeatMs = 1000
/** Events one question returns; with the limit below it bounds what waits for a slow reader. */
const pageRows = 500
const waitingBytesMax = 256 * 1024
/** How long a reader may take to make room before it is cut. */
const patienceMs = 5000
/** Connections start anew now and then, so that two clocks that run at different speeds never drift far apart. */
const connectionMs = 600_000

export const feedBusy = refuse(
  'revocations.busy',
  [],
  'temporarily_unavailable',
  'too many readers of the revocation feed',
)

export interface Reader {
  readonly issuerUrl: string
  readonly clientId: string
  /** Monotonic time at which its request came in. */
  readonly openedMs: number
  readonly after: number
  readonly isResync: boolean
}

const readersOf = new WeakMap<Store, Map<string, number>>()

export function hasPlace(store: Store, clientId: string): boolean {
  const readers = readersOf.get(store)
  if (readers === undefined) return true
  let all = 0
  for (const count of readers.values()) all += count
  return all < readersMax && (readers.get(clientId) ?? 0) < readersPerClientMax
}

function countReader(store: Store, clientId: string, change: 1 | -1): void {
  const readers = readersOf.get(store) ?? new Map<string, number>()
  readersOf.set(store, readers)
  const count = (readers.get(clientId) ?? 0) + change
  if (count === 0) readers.delete(clientId)
  else readers.set(clientId, count)
}

/** Tells one reader, until it leaves, is too slow, may no longer know, or its time is over. */
export function startFeed(reader: Reader, sink: Sink, ports: Ports): void {
  const { clock, log, store } = ports
  let isOpen = true
  let isPulling = false
  let isToldAgain = false
  const cursor = { sequence: reader.after }

  const pull = async (): Promise<void> => {
    if (isPulling) {
      isToldAgain = true
      return
    }
    isPulling = true
    try {
      do {
        isToldAgain = false
        if (!mayKnow(reader, ports) || clock.monotonicMs() - reader.openedMs > connectionMs) {
          sink.end()
          break
        }
        await catchUp(reader, cursor, sink, ports, () => isOpen)
      } while (isToldAgain && isOpen)
    } catch (cause) {
      // Silence is what tells the reader: no heartbeat without an answer of the store.
      log.warn('revocations.unread', { clientId: reader.clientId, cause })
    } finally {
      isPulling = false
    }
  }
  const told = (): void => void pull()
  const heartbeat = setInterval(told, heartbeatMs)
  const stopListening = store.onRevocation(told)
  countReader(store, reader.clientId, 1)
  sink.onClose(() => {
    isOpen = false
    clearInterval(heartbeat)
    stopListening()
    countReader(store, reader.clientId, -1)
  })
  if (reader.isResync) sink.write('event: resync\ndata: {}\n\n')
  told()
}

/** A client that was suspended, or no longer answers for an API, is told nothing more. */
function mayKnow({ issuerUrl, clientId }: Reader, ports: Ports): boolean {
  const client = ports.snapshot().issuers.get(issuerUrl)?.clients.get(clientId)
  return client?.status === 'active' && client.introspects.length > 0
}

/**
 * Sends what ended since, then a heartbeat. It says how old the knowledge is that it stands for: the time of the
 * question, counted from the request, so that the reader can bound its own staleness without any common clock.
 */
async function catchUp(
  reader: Reader,
  cursor: { sequence: number },
  sink: Sink,
  ports: Ports,
  isOpen: () => boolean,
): Promise<void> {
  const { clock, store } = ports
  const epoch = store.epoch()
  while (isOpen()) {
    const askedMs = clock.monotonicMs()
    const rows = await store.listRevocations(cursor.sequence, pageRows)
    const introspects =
      ports.snapshot().issuers.get(reader.issuerUrl)?.clients.get(reader.clientId)?.introspects ?? []
    let sectors: readonly (string | undefined)[] | undefined
    const namesOf = (subject: string): readonly string[] => {
      sectors ??= sectorsAt(reader.issuerUrl, ports)
      return sectors.map(sector => subjectFor(ports.keys, reader.issuerUrl, sector, subject))
    }
    let text = ''
    for (const row of rows) {
      cursor.sequence = row.sequence
      const events = await publishedOf(row, { issuer: reader.issuerUrl, introspects, store, namesOf })
      for (const event of events)
        text += `id: ${epoch}.${row.sequence}\nevent: revoked\ndata: ${JSON.stringify(event)}\n\n`
    }
    const isCaughtUp = rows.length < pageRows
    if (isCaughtUp) {
      const elapsed = Math.floor(askedMs - reader.openedMs)
      text += `id: ${epoch}.${cursor.sequence}\nevent: heartbeat\ndata: {"elapsed_ms":${elapsed}}\n\n`
    }
    if (!isOpen()) return
    if (sink.write(text) > waitingBytesMax) await waitFor(sink, reader, ports)
    if (isCaughtUp) return
  }
}

/** Those whose clients know a user by a name of their own: their tokens have no other name of the user in them. */
function sectorsAt(issuerUrl: string, { snapshot }: Ports): readonly (string | undefined)[] {
  const clients = snapshot().issuers.get(issuerUrl)?.clients.values() ?? []
  return [...new Set([undefined, ...[...clients].map(({ sector }) => sector)])]
}

async function waitFor(sink: Sink, { clientId }: Reader, ports: Ports): Promise<void> {
  const timer = setTimeout(() => {
    ports.log.warn('revocations.slow-reader', { clientId })
    sink.cut()
  }, patienceMs)
  await sink.drained()
  clearTimeout(timer)
}
