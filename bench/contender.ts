import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A server under measurement, in a process of its own. */
export interface Contender {
  readonly name: string
  readonly issuer: string
  readonly clientId: string
  readonly redirectUri: string
  readonly audience: string | undefined
  readonly paths: {
    readonly token: string
    readonly par: string
    readonly introspect: string
    readonly authorize: string
  }
  /** Who may introspect, and its key id. */
  readonly introspectorId: string
  readonly child: ChildProcess
  readonly close: () => Promise<void>
}

/** CPU microseconds the process has used so far, from the operating system's account of it. */
export async function cpuMicroseconds(child: ChildProcess): Promise<number> {
  const answered = once(child, 'message')
  child.send('cpu')
  const [message] = (await answered) as [{ cpu: { user: number; system: number } }]
  return message.cpu.user + message.cpu.system
}

export async function startPeer(options: {
  port: number
  certFile: string
  keyFile: string
  clientJwk: object
}): Promise<Contender> {
  const redirectUri = 'https://client.example/callback'
  const script = fileURLToPath(new URL('./peer-oidc-provider.ts', import.meta.url))
  const child = fork(script, [JSON.stringify({ ...options, redirectUri })], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  await once(child, 'message')
  return {
    name: 'oidc-provider, in memory',
    issuer: `https://localhost:${options.port}`,
    clientId: 'bench',
    redirectUri,
    audience: undefined,
    paths: { token: '/token', par: '/request', introspect: '/token/introspection', authorize: '/auth' },
    introspectorId: 'bench',
    child,
    close: async () => {
      const ended = once(child, 'exit')
      child.send('stop')
      await ended
    },
  }
}
