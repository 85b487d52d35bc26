import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { testConnectionString } from './postgres-for-tests.ts'

/** A wire that can fall silent: connections are taken and nothing is heard on them any more, as in a partition. */
export interface Wire {
  readonly connectionString: string
  /** Decides for each piece of data on its way to the server whether its connection falls silent there. */
  isSilencedBy: (data: Buffer) => boolean
  /** Whether what is heard on the way back falls silent from this piece on: the server did it, and nobody learns. */
  isAnswerSilenced: () => boolean
  /** Ends what hangs, as a router does that comes back. */
  readonly cut: () => void
  readonly close: () => void
}

/** Nothing falls silent. */
export const heard = (): boolean => false

export async function openWire(): Promise<Wire> {
  const target = new URL(testConnectionString)
  const [port, host] = [Number(target.port || 5432), target.hostname]
  const sockets = new Set<Socket>()
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  const server = createServer(near => {
    const far = connect(port, host)
    let isSilent = false
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', data => {
      isSilent ||= wire.isSilencedBy(data)
      if (!isSilent) far.write(data)
    })
    far.on('data', data => {
      isSilent ||= wire.isAnswerSilenced()
      if (!isSilent) near.write(data)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert(address !== null && typeof address === 'object')
  target.hostname = '127.0.0.1'
  target.port = String(address.port)
  const wire: Wire = {
    connectionString: target.href,
    isSilencedBy: heard,
    isAnswerSilenced: heard,
    cut,
    close: () => {
      server.close()
      cut()
    },
  }
  return wire
}
