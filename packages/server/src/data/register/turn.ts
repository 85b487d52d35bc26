import { type Accepted, accept, type Outcome, type Refusal, refuse } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client, IssuerSnapshot, RegisteredClient, StoredSecret } from '../../snapshot/snapshot.ts'
import type { Store } from '../../store/store.ts'
import type { GuardKind, Write } from '../../store/writes.ts'
import { announcing, factsOfNarrowed, isNarrowed } from '../mint/narrowed.ts'
import { judgeRegistration } from '../policy/register.ts'

/** How often a change starts again because another node, or an operator, came first. */
const attemptsMax = 10
/** Changes of one node that may wait for their turn. */
const waitingMax = 100

/** One change of the registered clients, decided against the newest revision. */
export interface RegistrationChange {
  readonly client: RegisteredClient
  /** Instead of those it has; undefined: they stay. */
  readonly secrets: readonly StoredSecret[] | undefined
  /** They travel with the document. */
  readonly writes: readonly Write[]
  /** Its record; where the client has less afterwards, it says so. */
  readonly audit: Extract<Write, { kind: 'append-audit' }>
}

export interface Registered {
  readonly client: RegisteredClient
  readonly compiled: Client | undefined
}

/** A refusal, with what policies recorded of it: it goes into the commit of the refusal. */
export type RefusedTurn = Refusal & { readonly records?: readonly Write[] }

interface Line {
  last: Promise<unknown>
  waiting: number
}

const lines = new WeakMap<Store, Line>()

/**
 * Decide, compile this one client, commit; once more when the revision rose in between. Changes of one node go one
 * after the other, so that they do not overtake each other for nothing; those of others show in the guard.
 * @param conflict what a guard of `writes` that failed means
 */
export async function changeInTurn(
  exchange: Exchange,
  ports: Ports,
  decide: (issuer: IssuerSnapshot) => Outcome<RegistrationChange>,
  conflict: (guard: GuardKind) => Outcome<never>,
): Promise<Accepted<Registered> | RefusedTurn> {
  const line = lines.get(ports.store) ?? { last: Promise.resolve(), waiting: 0 }
  lines.set(ports.store, line)
  if (line.waiting >= waitingMax) return busy
  line.waiting++
  const turn = line.last.then(() => change(exchange, ports, decide, conflict))
  line.last = turn.catch(() => undefined).finally(() => line.waiting--)
  return await turn
}

async function change(
  exchange: Exchange,
  ports: Ports,
  decide: (issuer: IssuerSnapshot) => Outcome<RegistrationChange>,
  conflict: (guard: GuardKind) => Outcome<never>,
): Promise<Accepted<Registered> | RefusedTurn> {
  const { url } = exchange.issuer
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const { revision, issuers } = ports.snapshot()
    const issuer = issuers.get(url)
    if (issuer === undefined) return busy
    const decided = decide(issuer)
    if (!decided.ok) return decided
    const { client, secrets, writes, audit } = decided.value
    const prepared = issuer.registrar.prepare(revision, client, secrets)
    if (!prepared.ok) return prepared
    const { client: compiled } = prepared.value
    // By the policies of this very revision: its guard fails when an operator made others active since.
    const registering = compiled && { registered: client, compiled, now: ports.clock.now() }
    const permitted = registering && (await judgeRegistration(registering, { ...exchange, issuer }, ports))
    if (permitted?.ok === false) return { ...permitted.refusal, records: permitted.writes }
    const records = permitted?.writes ?? []
    const result = await ports.store.commit([
      ...prepared.value.writes,
      ...records,
      ...writes,
      ...narrowing(issuer, compiled, audit),
    ])
    // Whoever was overtaken must see what came first; whoever was not is served before it is answered.
    if (result.committed || result.guard === 'raise-revision') await ports.refreshSnapshot()
    if (result.committed) return accept({ client, compiled })
    if (result.guard !== 'raise-revision') return conflict(result.guard)
  }
  return busy
}

/** Who remembers tokens of a client that takes less for itself is told, as when a document takes it. */
function narrowing(
  issuer: IssuerSnapshot,
  client: Client | undefined,
  { kind, record }: RegistrationChange['audit'],
): readonly Write[] {
  const isLess = client !== undefined && isNarrowed(issuer, issuer, client)
  const narrowed = isLess ? [{ issuer: issuer.url, name: client.clientId }] : []
  const facts = { ...record.facts, ...factsOfNarrowed(narrowed, issuer.url) }
  return [...announcing(narrowed), { kind, record: { ...record, facts } }]
}

const busy = refuse(
  'registration.busy',
  [],
  'temporarily_unavailable',
  'too many changes of clients at once; try again',
)
