import { setTimeout as pause } from 'node:timers/promises'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import type { KeyTimes } from '@holdfast/server/keys/life.ts'
import { type Caller, Unexpected } from '../caller.ts'
import type { DrillIssuer, DrillNode, System } from '../system.ts'
import { activeKey, announce, keysOf, rotateOnce, until } from './rotate.ts'
import { openStaleVerifier } from './stale-verifier.ts'

/** What can go wrong with a key, each at an issuer of its own. */

export interface StaleReport {
  /** How long the key that was announced did not sign although everybody else had it. */
  readonly waitedMs: number
  /** What `holdfast keys list` says. */
  readonly because: readonly string[]
  /** What the audit says. */
  readonly audited: unknown
  /** From the moment the verifier refreshes again until the key signs. */
  readonly promotedAfterMs: number
}

export interface BrokenReport {
  /** From the moment the key breaks until the one before it signs on both nodes. */
  readonly rolledBackMs: number
  readonly audited: unknown
}

export interface RemovalReport {
  readonly cut: readonly string[]
  /** From the acknowledgement to the last answer that let a token of the key in, and to the first that did not. */
  readonly places: Readonly<Record<string, { readonly letInMs: number; readonly refusedMs: number }>>
  /** From the acknowledgement until every place with a network lets in new tokens of both nodes. */
  readonly replacedMs: number
}

const tokenBytesMax = 16_384
/** Longer than any station of a promotion takes, so that nothing but the stale verifier can be what it waits for. */
const waitMs = 8000

export async function withStaleVerifier(
  system: System,
  issuer: DrillIssuer,
  { announceSeconds }: KeyTimes,
): Promise<StaleReport> {
  const [node] = system.nodes
  const stale = await openStaleVerifier(system, issuer)
  try {
    await until('the verifier is heard', async () => await isHeard(node, issuer))
    stale.freeze()
    const next = await announce(node, issuer)
    const waitsFor = async (): Promise<readonly string[]> =>
      (await keysOf(node, issuer)).find(({ kid }) => kid === next)?.waitsFor ?? []
    await until('it waits for one verifier', async () => (await waitsFor()).length === 1)
    const startMs = performance.now()
    await pause(announceSeconds * 1000 + waitMs)
    const because = await waitsFor()
    const stillAnnounced = (await keysOf(node, issuer)).find(({ kid }) => kid === next)?.state
    if (stillAnnounced !== 'announced') throw new Error(`the key is ${stillAnnounced} and was to wait`)
    const waitedMs = Math.round(performance.now() - startMs)
    const audited = await auditedFacts(node, `promotion-${next}`, 'key.waits')
    stale.thaw()
    const promotedAfterMs = await until('it signs', async () => (await activeKey(node, issuer))?.kid === next)
    return { waitedMs, because, audited, promotedAfterMs }
  } finally {
    stale.close()
  }
}

async function isHeard({ admin }: DrillNode, issuer: DrillIssuer): Promise<boolean> {
  const answer = await admin.listKeys(issuer.name)
  return answer.ok && answer.value.verifiers.some(({ clientId }) => clientId === 'stale')
}

export async function withBrokenKey(
  { nodes }: System,
  caller: Caller,
  issuer: DrillIssuer,
): Promise<BrokenReport> {
  const [node] = nodes
  const before = (await activeKey(node, issuer))?.kid
  await rotateOnce(node, issuer)
  const broken = (await activeKey(node, issuer))?.kid ?? ''
  const signsWith = async (wanted: string | undefined): Promise<boolean> => {
    const signing = await Promise.all(nodes.map(one => kidOfNewToken(one, issuer, caller)))
    return signing.every(kid => kid === wanted)
  }
  await until('both nodes sign with it', () => signsWith(broken))
  await Promise.all(nodes.map(({ part }) => part.ask('break', broken)))
  const rolledBackMs = await until('the key before it signs', () => signsWith(before))
  return { rolledBackMs, audited: await auditedFacts(node, `roll-back-${broken}`, 'key.rolled-back') }
}

/** @param cut names of places whose whole network is dead meanwhile */
export async function withRemoval(
  system: System,
  caller: Caller,
  issuer: DrillIssuer,
  cut: readonly string[],
): Promise<RemovalReport> {
  const { nodes, places } = system
  const token = await caller.newToken(issuer, nodes[0], 'ledger')
  const kid = kidOf(token)
  const isLetIn = async (place: (typeof places)[number], value: string): Promise<boolean> =>
    (await caller.call(place, issuer, 'ledger', value)) === 200
  for (const place of places) await until(`${place.name} lets it in`, () => isLetIn(place, token))
  const deaf = places.filter(({ name }) => cut.includes(name))
  for (const { feedWire, restWire } of deaf) for (const wire of [feedWire, restWire]) wire.cut()
  try {
    const answer = await nodes[0].admin.revokeKey({ kid })
    if (!answer.ok) throw new Error(JSON.stringify(answer.problem))
    const startMs = performance.now()
    const refusing = Promise.all(
      places.map(async place => {
        let letInMs = 0
        const isRefused = async (): Promise<boolean> => {
          if (!(await isLetIn(place, token))) return true
          letInMs = Math.round(performance.now() - startMs)
          return false
        }
        const refusedMs = await until(`${place.name} refuses it`, isRefused, soon)
        return [place.name, { letInMs, refusedMs }] as const
      }),
    )
    const hearing = places.filter(({ name }) => !cut.includes(name))
    const replacing = Promise.all(
      hearing.flatMap(place =>
        nodes.map(async node => {
          const isFreshLetIn = async (): Promise<boolean> =>
            await isLetIn(place, await caller.newToken(issuer, node, 'ledger'))
          return await until(`${place.name} lets in a new token of ${node.name}`, isFreshLetIn, soon)
        }),
      ),
    )
    const [refused, replaced] = await Promise.all([refusing, replacing])
    return { cut, places: Object.fromEntries(refused), replacedMs: Math.max(...replaced) }
  } finally {
    for (const { feedWire, restWire } of deaf) for (const wire of [feedWire, restWire]) wire.mend()
  }
}

const soon = { withinMs: 30_000, everyMs: 10 }

function kidOf(token: string): string {
  const jws = parseCompactJws(token, tokenBytesMax)
  if (!jws.ok) throw new Error('the token is no JWT')
  return String(jws.value.header.kid)
}

/** Undefined when there was none: a key that signs wrongly may end a request in 503. */
async function kidOfNewToken(
  node: DrillNode,
  issuer: DrillIssuer,
  caller: Caller,
): Promise<string | undefined> {
  const token = await caller.newToken(issuer, node, 'ledger').catch((thrown: unknown) => {
    if (thrown instanceof Unexpected && thrown.status === 503) return undefined
    throw thrown
  })
  return token === undefined ? undefined : kidOf(token)
}

async function auditedFacts({ admin }: DrillNode, reference: string, event: string): Promise<unknown> {
  const answer = await admin.audit(reference)
  if (!answer.ok) throw new Error(JSON.stringify(answer.problem))
  const found = answer.value.records.find(record => record.event === event)
  if (found === undefined) throw new Error(`the audit has no \`${event}\` for ${reference}`)
  return found.facts
}
