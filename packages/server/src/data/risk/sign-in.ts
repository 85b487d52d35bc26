import type { EpochSeconds, MethodTimes } from '@holdfast/protocol'
import { canonicalAddress } from '@holdfast/protocol/wire/address.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { InteractionRecord, UserRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { readsRisk } from './counters.ts'
import type { SignInFacts } from './facts.ts'
import { countryItem, deviceItem, networkItem, riskCounters } from './recognition.ts'
import { rememberSignIn } from './remember.ts'
import { type Judged, judgeSignals } from './score.ts'
import { signInSignals } from './signals/index.ts'

/** Sightings that are looked at; more of one user are never kept. */
const seenMax = 128

/** How a user in a browser looks, and what to remember should they allow something. */
export interface AssessedSignIn {
  readonly judged: Judged
  readonly remember: () => { readonly writes: readonly Write[]; readonly cookie: Reply['headers'][number] }
}

/** Undefined where no policy wants to know. */
export async function assessSignIn(
  exchange: Exchange,
  ports: Ports,
  { subject, username }: Pick<UserRecord, 'subject' | 'username'>,
  interaction: Pick<InteractionRecord, 'proven' | 'issuedAt'>,
  now: EpochSeconds,
): Promise<AssessedSignIn | undefined> {
  const { issuer } = exchange
  if (!readsRisk(issuer)) return undefined
  const facts = await loadSignIn(exchange, ports, { subject, username }, now)
  const isConfirmed = isProvenTwice(interaction)
  return {
    judged: judgeSignals(signInSignals, facts, issuer.risk),
    remember: () => rememberSignIn({ exchange, ports, subject, username, facts, isConfirmed }),
  }
}

/** A second factor or a passkey, in this interaction and so from this browser, not in the session it brought. */
function isProvenTwice({ proven = {}, issuedAt }: Pick<InteractionRecord, 'proven' | 'issuedAt'>): boolean {
  const strong: readonly (keyof MethodTimes)[] = ['otp', 'passkey']
  return strong.some(method => (proven[method] ?? 0) >= issuedAt)
}

async function loadSignIn(
  exchange: Exchange,
  ports: Ports,
  { subject, username }: Pick<UserRecord, 'subject' | 'username'>,
  now: EpochSeconds,
): Promise<SignInFacts> {
  const { store, geography } = ports
  const counters = riskCounters(exchange, ports)
  const count = async (key: ReturnType<typeof counters.signIns>): Promise<number> =>
    (await store.findFailures(key, now))?.count ?? 0
  const [seen, signIns, failures, networkFailures] = await Promise.all([
    store.listSightings(exchange.issuer.url, subject, now, seenMax),
    count(counters.signIns(subject)),
    count(counters.failures(username)),
    counters.networkFailures && count(counters.networkFailures),
  ])
  const address = canonicalAddress(exchange.remoteAddress)
  const code = geography.countryOf(address)
  return {
    ...{ now, seen, signIns, failures, networkFailures },
    device: deviceItem(exchange, ports, subject),
    network: networkItem(exchange, ports, subject),
    place: geography.placeOf(address),
    country: code === undefined ? undefined : { code, item: countryItem(exchange, ports, subject, code) },
  }
}
