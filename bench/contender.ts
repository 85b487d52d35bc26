import { type ChildProcess, fork } from 'node:child_process'
import { argon2, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { shippedPolicies } from '@holdfast/policy'
import { versionOfPolicies } from '@holdfast/server/snapshot/compile-policies.ts'
import { documentOf } from '../test/product/clients.ts'
import { forkNode, prepareProduct, stopNode, withoutFailureLimits } from '../test/product/start.ts'
import type { ClientKeys } from './client-kit.ts'
import type { RawCosts } from './raw-signatures.ts'

/** A server under measurement, in a process of its own. */
export interface Contender {
  readonly name: string
  readonly issuer: string
  readonly clientId: string
  /** A client whose users are asked once and not again while they stay signed in. */
  readonly rememberedClientId: string
  readonly redirectUri: string
  /** The API with opaque tokens, where a request has to name it. */
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
const rememberedClientId = 'bench-remembered'
/** The API whose tokens are JWTs; scope `ledger`. */
export const jwtAudience = 'https://api.example/ledger'
/** Their password is no work to verify: the flow is measured, not argon2id. */
export const people = [personOf(0), ...Array.from({ length: 63 }, (_, index) => personOf(index + 1))] as const

function personOf(index: number): { readonly username: string; readonly password: string } {
  return { username: `person-${index}`, password: 'correct horse battery' }
}

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

/** What is shipped, and one client whose users' answers stand for a day. */
const rememberingPolicies: typeof shippedPolicies = {
  ...shippedPolicies,
  'bench.cedar': `@id("bench.remember") @remember_consent("86400")
permit (principal == Client::"${rememberedClientId}", action == Action::"authorize", resource);`,
}

/** Of the least cost there is. */
async function cheapHash(password: string): Promise<string> {
  const nonce = randomBytes(16)
  const parameters = { message: password, nonce, memory: 8, passes: 1, parallelism: 1, tagLength: 32 }
  const tag = await promisify(argon2)('argon2id', parameters)
  const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=8,t=1,p=1$${unpadded(nonce)}$${unpadded(tag)}`
}

interface More {
  /** Of its client. */
  readonly scope?: string
  readonly documents?: readonly string[]
  /** `cheap` unless said: hashes cost next to nothing. */
  readonly passwords?: 'cheap' | 'shipped'
}

/** Our server as an operator runs it: durable commits, audit on. */
export async function startHoldfast(
  keys: ClientKeys,
  more: More = {},
): Promise<Contender & { readonly tls: TlsFiles }> {
  const metadata = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [keys.jwk] },
    dpop_bound_access_tokens: true,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: more.scope ?? 'openid accounts ledger offline_access',
    id_token_signed_response_alg: 'ES256',
  }
  // Pushes come faster than any people could complete them: the peer has no such bound either.
  const rights = {
    resources: ['accounts', 'ledger'],
    introspects: ['accounts'],
    outstandingRequestsMax: 10_000_000,
  }
  const content = { policies: rememberingPolicies, tests: {} }
  const { config, product, remove } = await prepareProduct('sqlite', {
    // All people come from one address here.
    limits: withoutFailureLimits,
    documents: [
      documentOf('Scope', 'ledger', { title: 'See your ledger', description: 'Read entries.' }),
      documentOf('ResourceServer', 'ledger', {
        audience: jwtAudience,
        displayName: 'Ledger',
        scopes: ['ledger'],
        accessTokenFormat: 'jwt',
      }),
      documentOf('Client', clientId, { ...rights, metadata }),
      documentOf('Client', rememberedClientId, { ...rights, metadata }),
      documentOf('PolicySet', `bench.${versionOfPolicies(content)}`, { ...content, state: 'active' }),
      ...(await Promise.all(
        people.map(async ({ username, password }) =>
          documentOf(
            'User',
            username,
            more.passwords === 'shipped' ? { password } : { passwordHash: await cheapHash(password) },
          ),
        ),
      )),
      ...(more.documents ?? []),
    ],
  })
  const child = await forkNode(config)
  return {
    name: 'holdfast, durable',
    issuer: config.issuer,
    clientId,
    rememberedClientId,
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

/** The server of another working tree of this project, to be measured beside ours. @param folder its root */
export async function startAnother(folder: string, keys: ClientKeys): Promise<Contender> {
  const script = pathToFileURL(resolve(folder, 'bench/contender.ts')).href
  const other: { readonly startHoldfast: typeof startHoldfast } = await import(script)
  return { ...(await other.startHoldfast(keys)), name: `holdfast of ${folder}` }
}

/** `oidc-provider` with everything in memory. */
export async function startPeer(options: TlsFiles & { port: number; clientJwk: object }): Promise<Contender> {
  const { child } = await forkScript('./peer-oidc-provider.ts', {
    ...options,
    redirectUri,
    clientIds: [clientId, rememberedClientId],
    jwtAudience,
  })
  return {
    name: 'oidc-provider, in memory',
    issuer: `https://localhost:${options.port}`,
    clientId,
    rememberedClientId,
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
    rememberedClientId,
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
