import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below what operating systems give to outgoing connections, which would take a port before its process starts. */
const lowest = 15_000
const highest = 32_000
const triesMax = 10_000

/** Ports that were free a moment ago, all different. @throws Error when there are not enough */
export async function freePorts(count: number): Promise<readonly number[]> {
  const taken = new Map<number, Server>()
  for (let round = 0; round < triesMax && taken.size < count; round++) {
    const port = randomInt(lowest, highest)
    if (taken.has(port)) continue
    const server = createServer()
    server.listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
      taken.set(port, server)
    } catch {
      // Somebody else has it.
    }
  }
  for (const server of taken.values()) server.close()
  if (taken.size < count) throw new Error(`there are no ${count} free ports from ${lowest} to ${highest}`)
  return [...taken.keys()]
}
