import { setTimeout as pause } from 'node:timers/promises'
import type { ListedKey } from '@holdfast/server/control/admin-api.ts'
import type { DrillIssuer, DrillNode, System } from '../system.ts'

export const alg = 'ES256'

/** Beyond this nobody waits for a key to sign. */
const patienceMs = 120_000
const lookMs = 250

/** By the admin API, as `holdfast keys list` does. */
export async function keysOf({ admin }: DrillNode, issuer: DrillIssuer): Promise<readonly ListedKey[]> {
  const answer = await admin.listKeys(issuer.name)
  if (!answer.ok) throw new Error(JSON.stringify(answer.problem))
  return answer.value.keys.filter(key => key.alg === alg)
}

/** @returns the key that signs with that node, or undefined */
export async function activeKey(node: DrillNode, issuer: DrillIssuer): Promise<ListedKey | undefined> {
  return (await keysOf(node, issuer)).find(({ state }) => state === 'active')
}

/** @returns milliseconds; @throws Error when it does not happen */
export async function until(
  what: string,
  is: () => Promise<boolean>,
  { withinMs = patienceMs, everyMs = lookMs }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<number> {
  const startMs = performance.now()
  while (!(await is())) {
    if (performance.now() - startMs > withinMs) throw new Error(`after ${withinMs} ms not yet: ${what}`)
    await pause(everyMs)
  }
  return Math.round(performance.now() - startMs)
}

/**
 * As `holdfast keys rotate`. The node that is asked may hear a moment later than another that the rotation before is over.
 * @returns the announced key
 */
export async function announce({ admin }: DrillNode, issuer: DrillIssuer): Promise<string> {
  let announced: string | undefined
  await until(`the rotation before is over at ${issuer.name}`, async () => {
    const answer = await admin.rotateKeys({ issuer: issuer.name, alg })
    if (!answer.ok) throw new Error(JSON.stringify(answer.problem))
    announced = answer.value.rotated[0]?.kid
    return announced !== undefined
  })
  return announced ?? ''
}

/** Announces a key and waits until it signs with the node that announced it. @returns how long that took */
export async function rotateOnce(node: DrillNode, issuer: DrillIssuer): Promise<number> {
  const next = await announce(node, issuer)
  return await until(`\`${next}\` signs at ${issuer.name}`, async () => {
    const found = (await keysOf(node, issuer)).find(({ kid }) => kid === next)
    if (found?.withdrawnAt !== undefined || found?.revokedAt !== undefined)
      throw new Error(`\`${next}\` of ${issuer.name} is ${found.state} though nothing was wrong with it`)
    return found?.state === 'active'
  })
}

/** One rotation after the other at every issuer, as many as are wanted together. @returns how long each took */
export async function rotateAll(
  { nodes }: System,
  issuers: readonly DrillIssuer[],
  count: number,
  onDone: (done: number) => void,
): Promise<readonly number[]> {
  const took: number[] = []
  let begun = 0
  await Promise.all(
    issuers.map(async (issuer, index) => {
      for (let turn = index; begun < count; turn++) {
        begun++
        took.push(await rotateOnce(nodes[turn % 2] ?? nodes[0], issuer))
        onDone(took.length)
      }
    }),
  )
  return took
}
