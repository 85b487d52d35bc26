import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AdminConnection,
  adminOverHttps,
  adminOverSocket,
  type Composition,
  type ConfigurationAnswer,
  exitCodes,
  isServerThere,
  readAdminProfile,
  type Terminal,
} from '@holdfast/cli'
import { adminDocuments } from '@holdfast/server/control/admin-http/template.ts'
import { adminSocketPath } from '@holdfast/server/control/admin-socket-path.ts'
import { type Bootstrap, loadBootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { textOfProblem } from '@holdfast/server/control/problem.ts'
import { certificatesAhead } from './certificates-ahead.ts'
import { usedListeners } from './used-listeners.ts'

export interface Surroundings {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
}

/** What the commands need, put together from the server and its control plane. */
export function composition({ cwd, env, terminal }: Surroundings): Composition {
  const read = (file: string | undefined) => loadBootstrap({ cwd, env, file })
  const loaded = (file: string | undefined): Bootstrap => {
    const bootstrap = read(file)
    if (!bootstrap.ok) throw new Error(bootstrap.problems.map(textOfProblem).join('\n'))
    return bootstrap.value
  }
  return {
    version: versionOf('../package.json'),
    serve: async ({ config, log }) => {
      const bootstrap = read(config)
      if (!bootstrap.ok) {
        for (const problem of bootstrap.problems) terminal.err(textOfProblem(problem))
        return exitCodes.usage
      }
      const certificates = certificatesAhead(bootstrap.value)
      // The server is only loaded by the command that needs it: the others answer at once.
      const { serve } = await import('./serve.ts')
      await certificates
      return await serve({ bootstrap: bootstrap.value, cwd, terminal, log })
    },
    gateway: async options => {
      const { serveGateway } = await import('./serve-gateway.ts')
      return await serveGateway({ ...options, cwd, env, terminal })
    },
    drill: async plan => {
      const { drill } = await import('./drill/drill.ts')
      return await drill(plan)
    },
    configuration: file => configurationOf(read(file)),
    admin: async (file, profile) =>
      profile === undefined ? connect(loaded(file), cwd) : adminOverHttps(readAdminProfile(profile, cwd)),
    env,
    adminDocuments: file => {
      const { admin } = loaded(file)
      return admin && adminDocuments(admin.url)
    },
  }
}

function configurationOf(bootstrap: ReturnType<typeof loadBootstrap>): ConfigurationAnswer {
  if (!bootstrap.ok) return { ok: false, problems: bootstrap.problems.map(textOfProblem) }
  const { environment, dataFolder, issuers, tls, settings } = bootstrap.value
  const caFile = tls === undefined ? join(dataFolder, 'tls', 'ca.pem') : undefined
  return {
    ok: true,
    value: {
      environment,
      dataFolder,
      issuers,
      listeners: usedListeners(bootstrap.value),
      caFile,
      settings,
    },
  }
}

/** The running server when there is one; otherwise its store, opened here and closed afterwards. */
async function connect(bootstrap: Bootstrap, cwd: string): Promise<AdminConnection> {
  const socketPath = adminSocketPath(bootstrap.dataFolder, cwd)
  if (await isServerThere(socketPath))
    return { api: adminOverSocket(socketPath), via: 'server', close: async () => {} }
  const [{ openGround }, { adminOver }, { openLog }, { openOutbound }] = await Promise.all([
    import('./ground.ts'),
    import('@holdfast/server/control/admin.ts'),
    import('@holdfast/server/observe/log.ts'),
    import('@holdfast/server/outbound/client.ts'),
  ])
  const ground = await openGround(bootstrap, openLog({ level: 'warn', destination: process.stderr }))
  const startedAt = ground.control.clock.now()
  const outbound = openOutbound()
  const none = { snapshot: undefined, keys: undefined, onApplied: async () => {} }
  const api = adminOver({ ports: ground.control, ...none, outbound, startedAt })
  const close = async (): Promise<void> => {
    await outbound.close()
    await ground.close()
  }
  return { api, via: 'store', close }
}

function versionOf(manifest: string): string {
  return (JSON.parse(readFileSync(new URL(manifest, import.meta.url), 'utf8')) as { version: string }).version
}
