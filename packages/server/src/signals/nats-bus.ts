import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import type { Log } from '../ports.ts'
import type { Bus, Signal } from './bus.ts'

export interface NatsBusOptions {
  /** `tls://host:port`; `nats://` on loopback only. */
  readonly servers: readonly string[]
  /** First part of the subjects: one for each installation that shares the servers. */
  readonly subject: string
  /** Text of a credentials file. */
  readonly credentials?: string
  /** PEM of the authority that signed the servers' certificates. */
  readonly caPem?: string
  readonly log: Log
}

const signals: readonly Signal[] = ['revision', 'revocation']
const retryMs = 1000
/**
 * What is heard within so long of what was heard before is heard once, at its end: whoever may publish, or a node gone
 * wild, makes every reader of the feed ask the store again with each message.
 */
const coalescedMs = 50

/** Core NATS: at most once, which is all a signal needs. Servers that are away are tried for ever, behind every request. */
export function openNatsBus({ servers, subject, credentials, caPem, log }: NatsBusOptions): Bus {
  const listeners = new Map<Signal, Set<() => void>>(signals.map(signal => [signal, new Set()]))
  const resting = new Map<Signal, { readonly timer: NodeJS.Timeout; isToldAgain: boolean }>()
  const tellAll = (signal: Signal): void => {
    if (isClosed) return
    const rest = resting.get(signal)
    if (rest !== undefined) {
      rest.isToldAgain = true
      return
    }
    const timer = setTimeout(() => {
      const isToldAgain = resting.get(signal)?.isToldAgain
      resting.delete(signal)
      if (isToldAgain) tellAll(signal)
    }, coalescedMs)
    resting.set(signal, { timer, isToldAgain: false })
    for (const told of listeners.get(signal) ?? []) told()
  }
  let connection: NatsConnection | undefined
  let isClosed = false
  let endRest: (() => void) | undefined
  const isTls = servers.every(server => server.startsWith('tls://'))

  const watch = async (open: NatsConnection): Promise<void> => {
    for await (const { type } of open.status()) {
      if (type === 'disconnect') log.warn('bus.disconnected', {})
      // What was said meanwhile was said to nobody.
      if (type === 'reconnect') for (const signal of signals) tellAll(signal)
    }
  }
  const options = {
    servers: [...servers],
    name: 'holdfast',
    noEcho: true,
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: retryMs,
    ...(credentials !== undefined && {
      authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
    }),
    ...(isTls && { tls: caPem === undefined ? {} : { ca: caPem } }),
  }
  // The client's own waiting for a first connection cannot be ended; what comes after it, it does by itself.
  const open = async (): Promise<void> => {
    while (!isClosed) {
      try {
        const opened = await connect(options)
        if (isClosed) return await opened.close()
        connection = opened
        for (const signal of signals)
          opened.subscribe(`${subject}.${signal}`, { callback: () => tellAll(signal) })
        for (const signal of signals) tellAll(signal)
        return await watch(opened)
      } catch (cause) {
        log.warn('bus.disconnected', { cause })
        await rest()
      }
    }
  }
  const rest = (): Promise<void> =>
    new Promise(resolve => {
      const timer = setTimeout(resolve, retryMs)
      endRest = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const opening = open()

  return {
    tell: signal => {
      try {
        // A connection that is away keeps a few of these; what they say is asked for anyway.
        if (connection?.isClosed() === false) connection.publish(`${subject}.${signal}`)
      } catch (cause) {
        log.warn('bus.not-told', { signal, cause })
      }
    },
    onTold: (signal, told) => {
      listeners.get(signal)?.add(told)
      return () => listeners.get(signal)?.delete(told)
    },
    close: async () => {
      isClosed = true
      for (const { timer } of resting.values()) clearTimeout(timer)
      endRest?.()
      await connection?.close()
      await opening
    },
  }
}
