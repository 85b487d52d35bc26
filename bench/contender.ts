import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { documentOf } from '../test/product/clients.ts'
import { forkNode, prepareProduct, stopNode } from '../test/product/start.ts'
import type { ClientKeys } from './client-kit.ts'
import type { RawCosts } from './raw-signatures.ts'

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
  readonly child: ChildProcess
  readonly close: () => Promise<void>
}

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

const clientId = 'bench'
const redirectUri = 'https://client.example/callback'

/** CPU microseconds the process has used so far, user and system, from the operating system's account of it. */
export async function cpuMicroseconds(child: ChildProcess): Promise<number> {
  const { cpu } = await asked<{ cpu: { user: number; system: number } }>(child, 'cpu')
  return cpu.user + cpu.system
}

/** The process's next message, after a question. */
export async function asked<Answer>(child: ChildProcess, question: string | object): Promise<Answer> {
  const answered = once(child, 'message')
  child.send(question)
  const [answer] = (await answered) as [Answer]
  return answer
}

/** Our server as an operator runs it: durable commits, audit on. @param more scope of its client, documents beside it */
export async function startHoldfast(
  keys: ClientKeys,
  more: { readonly scope?: string; readonly documents?: readonly string[] } = {},
): Promise<Contender & { readonly tls: TlsFiles }> {
  const metadata = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [keys.jwk] },
    dpop_bound_access_tokens: true,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: more.scope ?? 'openid accounts offline_access',
    id_token_signed_response_alg: 'ES256',
  }
  // Pushes come faster than any people could complete them: the peer has no such bound either.
  const rights = { resources: ['accounts'], introspects: ['accounts'], outstandingRequestsMax: 10_000_000 }
  const { config, product, remove } = await prepareProduct('sqlite', {
    documents: [documentOf('Client', clientId, { ...rights, metadata }), ...(more.documents ?? [])],
  })
  const child = await forkNode(config)
  return {
    name: 'holdfast, durable',
    issuer: config.issuer,
    clientId,
    redirectUri,
    audience: product.audience,
    paths: { token: '/token', par: '/par', introspect: '/introspect', authorize: '/authorize' },
    child,
    tls: { certFile: join(config.folder, 'tls/server.pem'), keyFile: join(config.folder, 'tls/server.key') },
    close: async () => {
      await stopNode(child)
      await remove()
    },
  }
}

/** `oidc-provider` with everything in memory. */
export async function startPeer(options: TlsFiles & { port: number; clientJwk: object }): Promise<Contender> {
  const { child } = await forkScript('./peer-oidc-provider.ts', { ...options, redirectUri })
  return {
    name: 'oidc-provider, in memory',
    issuer: `https://localhost:${options.port}`,
    clientId,
    redirectUri,
    audience: undefined,
    paths: { token: '/token', par: '/request', introspect: '/token/introspection', authorize: '/auth' },
    child,
    close: () => stopScript(child),
  }
}

/** The floor: a bare HTTPS server that judges nothing, and raw signatures on request. */
export interface Floor extends Contender {
  readonly raw: () => Promise<RawCosts>
}

export async function startFloor(options: TlsFiles & { port: number }): Promise<Floor> {
  const { child } = await forkScript('./floor-process.ts', options)
  return {
    name: 'bare https',
    issuer: `https://localhost:${options.port}`,
    clientId,
    redirectUri,
    audience: undefined,
    paths: { token: '/token', par: '/par', introspect: '/introspect', authorize: '/authorize' },
    child,
    raw: async () => (await asked<{ raw: RawCosts }>(child, 'raw')).raw,
    close: () => stopScript(child),
  }
}

/** @param path of a script beside this one, which says what its clients need once it listens */
export async function forkScript<Ready>(
  path: string,
  options: object,
): Promise<{ readonly child: ChildProcess; readonly ready: Ready }> {
  const child = fork(fileURLToPath(new URL(path, import.meta.url)), [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [ready] = (await once(child, 'message')) as [Ready]
  return { child, ready }
}

export async function stopScript(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.send('stop')
  await ended
}
