import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, getPriority, setPriority } from 'node:os'

/**
 * As `nice` counts. At 19 a thread has what the others leave; where all share one core it has a tenth of it, so that a
 * flood of tokens does not keep people out.
 */
const behind = availableParallelism() > 1 ? 19 : 10
const threads = '/proc/self/task'

/**
 * The threads on which the runtime hashes passwords stand behind the one that answers requests, where the operating
 * system can tell them apart: Linux. The runtime makes them with its first work for them, so this comes after that.
 * @returns how many there are
 */
export function putHashingBehind(): number {
  let found = 0
  const priority = hashingPriority()
  try {
    for (const id of readdirSync(threads)) {
      if (readFileSync(`${threads}/${id}/comm`, 'utf8') !== 'libuv-worker\n') continue
      setPriority(Number(id), priority)
      found++
    }
  } catch {
    // Another system, or one that hides its threads: they compete as before.
  }
  return found
}

/** Never before the process itself, which may have been started behind others. */
export function hashingPriority(): number {
  return Math.max(getPriority(), behind)
}
