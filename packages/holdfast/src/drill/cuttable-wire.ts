import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A stretch of network that can go dead, as a lost route does: nothing arrives any more, and nothing is closed. */
export interface CuttableWire {
  readonly port: number
  readonly cut: () => void
  /** What hung on it is reset; new connections go through. */
  readonly mend: () => void
  readonly close: () => void
}

/** @param target port on this machine */
export async function openCuttableWire(target: number): Promise<CuttableWire> {
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer(near => {
    const far = connect(target, '127.0.0.1')
    const ends = [near, far] as const
    for (const [one, other] of [ends, ends.toReversed()] as [Socket, Socket][]) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => undefined)
      one.on('data', data => {
        if (!isCut) other.write(data)
      })
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  const reset = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true
    },
    mend: () => {
      isCut = false
      reset()
    },
    close: () => {
      server.close()
      reset()
    },
  }
}
