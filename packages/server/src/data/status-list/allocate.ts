import assert from 'node:assert/strict'
import { type EpochSeconds, type JwsAlg, secondsAfter } from '@holdfast/protocol'
import { statusListEntries } from '@holdfast/protocol/specs/token-status-list/status-list.ts'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { sortableTime } from '../handle.ts'
import { paths } from '../paths.ts'

/** A place in a list that no other token has. */
export interface StatusPlace {
  readonly list: string
  readonly index: number
  readonly uri: string
}

/** Tokens of one list: few enough that a random index is nearly always free, and that a list is quickly made. */
export const tokensPerListMax = 16_384
/** Seconds after which a node begins a new list, so that lists end with their tokens. */
export const listFillSeconds = 600
/** With at most an eighth of the places taken, so many draws never all meet a taken one. */
const drawsMax = 100

const listId = /^[-\w]{28}$/

/** What stands in the URI of a list, unless it cannot be one of ours. */
export function listIdOf(text: string | undefined): string | undefined {
  return text !== undefined && listId.test(text) ? text : undefined
}

/** The list that a node gives places of. Nobody else does: so no two nodes can give the same place. */
interface OpenList {
  readonly id: string
  readonly fillUntil: EpochSeconds
  readonly taken: Set<number>
}

const perProcess = new WeakMap<Ports['store'], Map<string, OpenList>>()

/**
 * A random place: what one token's index is tells nothing about another's (section 13.2). A list is begun by its node
 * under a random name, and forgotten when the process ends; the next one begins its own.
 * @param alg of the token; its list is signed with the same, so that whoever verifies one can verify the other
 */
export function takeStatusPlace(issuer: IssuerSnapshot, alg: JwsAlg, ports: Ports): StatusPlace {
  const now = ports.clock.now()
  const lists = perProcess.get(ports.store) ?? new Map<string, OpenList>()
  perProcess.set(ports.store, lists)
  const key = `${issuer.url}\n${alg}`
  const known = lists.get(key)
  const isOpen = known !== undefined && now < known.fillUntil && known.taken.size < tokensPerListMax
  const list = isOpen ? known : newList(ports, now)
  if (!isOpen) lists.set(key, list)
  const index = freeIndex(list, ports)
  list.taken.add(index)
  return { list: list.id, index, uri: issuer.url + paths.statusList.replace(':id', list.id) }
}

function newList({ entropy }: Ports, now: EpochSeconds): OpenList {
  const id = sortableTime(now) + entropy.bytes(16).toString('base64url')
  assert(listId.test(id))
  return { id, fillUntil: secondsAfter(now, listFillSeconds), taken: new Set() }
}

function freeIndex({ taken }: OpenList, { entropy }: Ports): number {
  for (let draw = 0; draw < drawsMax; draw++) {
    // The number of entries is a power of two: every index is as likely as every other.
    const index = entropy.bytes(16).readUInt32BE(0) % statusListEntries
    if (!taken.has(index)) return index
  }
  throw new RangeError('no free place in a status list that is nearly empty')
}
