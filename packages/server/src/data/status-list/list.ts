import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { constants, deflate } from 'node:zlib'
import { type EpochSeconds, epochSeconds, firstRefusal, type JwsAlg } from '@holdfast/protocol'
import { activeTokenRules } from '@holdfast/protocol/specs/rfc7662-introspection/rules.ts'
import {
  invalidBits,
  statusListAgeSecondsMax,
  statusListEntries,
  statusListLifetimeSeconds,
  statusListTtlSeconds,
} from '@holdfast/protocol/specs/token-status-list/status-list.ts'
import type { Ports } from '../../ports.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { SaidRights } from '../../store/records.ts'
import type { StatusStanding } from '../../store/store.ts'
import { isOwn, lostRights } from '../mint/lost-rights.ts'

/** A status list token, ready to be sent. */
export interface PreparedList {
  readonly body: Buffer
  readonly etag: string
  readonly madeAt: EpochSeconds
}

/** Entries of a list that are read and judged together: other requests wait for no more of them. */
const entriesPerTurnMax = 256
/** Lists kept ready at one time; the one made longest ago goes first. */
const preparedMax = 256
const deflated = promisify(deflate)

type Prepared = Map<string, PreparedList | Promise<PreparedList | undefined>>

const perProcess = new WeakMap<Ports['store'], Prepared>()

/**
 * The list as it stood at most `statusListAgeSecondsMax` ago; who asks meanwhile waits for the one that is being made.
 * @param uri of the list @returns undefined when there is no such list, or its tokens have long expired
 * @throws Fault when store or keys are unavailable: nothing older is served
 */
export async function preparedList(
  issuer: IssuerSnapshot,
  list: string,
  uri: string,
  ports: Ports,
): Promise<PreparedList | undefined> {
  const prepared: Prepared = perProcess.get(ports.store) ?? new Map()
  perProcess.set(ports.store, prepared)
  const known = prepared.get(uri)
  if (known instanceof Promise) return await known
  if (known !== undefined && isFresh(known, ports.clock.now())) return known
  const making = makeList(issuer, list, uri, ports)
  prepared.set(uri, making)
  const keep = (made: PreparedList | undefined): void => {
    prepared.delete(uri)
    if (made === undefined) return
    prepared.set(uri, made)
    if (prepared.size > preparedMax)
      for (const oldest of prepared.keys()) {
        prepared.delete(oldest)
        break
      }
  }
  making.then(keep, () => keep(undefined))
  return await making
}

/** A clock that stepped back says nothing about an age: the list is made again. */
function isFresh({ madeAt }: PreparedList, now: EpochSeconds): boolean {
  return now >= madeAt && now < madeAt + statusListAgeSecondsMax
}

async function makeList(
  issuer: IssuerSnapshot,
  list: string,
  uri: string,
  ports: Ports,
): Promise<PreparedList | undefined> {
  // Before the store is asked: what ends while it answers is in the next list, and this one is not called younger.
  const now = ports.clock.now()
  const ended: number[] = []
  let alg: JwsAlg | undefined
  for await (const entries of pagesOf(issuer.url, list, now, ports)) {
    alg ??= entries[0]?.alg
    const lost = judgedOnce(issuer)
    for (const entry of entries) if (hasEnded(entry, issuer, now, lost)) ended.push(entry.index)
  }
  if (alg === undefined) return undefined
  const lst = await deflated(invalidBits(ended), { level: constants.Z_BEST_COMPRESSION })
  const claims = {
    iss: issuer.url,
    sub: uri,
    iat: now,
    exp: now + statusListLifetimeSeconds,
    ttl: statusListTtlSeconds,
    status_list: { bits: 1, lst: lst.toString('base64url') },
  }
  const jwt = await ports.keys.sign(issuer.url, alg, 'statuslist+jwt', claims)
  const body = Buffer.from(jwt)
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 32)}"`
  return { body, etag, madeAt: now }
}

/**
 * What ended is in the list that was begun after it, so a page may be younger than the one before. Requests go first: no
 * turn of the event loop reads or judges more than one page.
 */
async function* pagesOf(
  issuer: string,
  list: string,
  now: EpochSeconds,
  { store }: Ports,
): AsyncGenerator<readonly StatusStanding[]> {
  let after: number | undefined
  for (let read = 0; read < statusListEntries; read += entriesPerTurnMax) {
    const entries = await store.listStatuses(issuer, list, now, after, entriesPerTurnMax)
    yield entries
    if (entries.length < entriesPerTurnMax) return
    after = entries.at(-1)?.index
    await setImmediate()
  }
}

type Lost = (entry: StatusStanding, said: SaidRights, client: Client | undefined) => readonly string[]

/** Judges once what many tokens of a page say for one client, in its own name or a user's. Nothing is kept for longer. */
function judgedOnce(issuer: IssuerSnapshot): Lost {
  const judged = new Map<SaidRights, Map<string, readonly string[]>>()
  return ({ clientId, subject, grant }, said, client) => {
    const whose = { clientId, subject, grantId: grant?.id }
    const key = `${clientId}\n${isOwn(whose)}`
    const known = judged.get(said) ?? new Map<string, readonly string[]>()
    const lost = known.get(key) ?? lostRights({ ...said, ...whose }, client, issuer)
    judged.set(said, known.set(key, lost))
    return lost
  }
}

/** By the rules of introspection: one law for what an access token hangs on. Its own expiry is not a matter of the list. */
function hasEnded(entry: StatusStanding, issuer: IssuerSnapshot, now: EpochSeconds, lost: Lost): boolean {
  const { clientId, subject, expiresAt, isTokenRevoked, said, grant } = entry
  const client = issuer.clients.get(clientId)
  // As `loadToken` has it: whose grant it is, or who got the token for itself.
  const owner = issuer.clients.get(grant === undefined ? subject : (grant.clientId ?? clientId))
  const refusal = firstRefusal(activeTokenRules, {
    now,
    token: {
      expiresAt: epochSeconds(Math.max(expiresAt, now + 1)),
      isRevoked: isTokenRevoked || said === undefined,
    },
    isClientActive: client?.status === 'active' && owner?.status === 'active',
    lost: said === undefined ? [] : lost(entry, said, client),
    grant,
  })
  return refusal !== undefined
}
