import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { exitCodes, type GatewayCommandOptions, type Terminal } from '@holdfast/cli'
import {
  type GatewayFile,
  gatewayFileSchema,
  gatewayOptionsOf,
  openAuditFile,
  openGateway,
} from '@holdfast/gateway'
import { openApis } from '@holdfast/gateway/apis.ts'
import { judgeOptions } from '@holdfast/gateway/judge-options.ts'
import { readBootstrapFile } from '@holdfast/server/control/bootstrap/read-file.ts'
import { type Checked, textOfProblem, wrong } from '@holdfast/server/control/problem.ts'
import { checkShape } from '@holdfast/server/control/shape.ts'
import { openLog } from '@holdfast/server/observe/log.ts'
import { signalled } from './signalled.ts'

export interface ServeGatewayInput extends GatewayCommandOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
}

/** Runs a gateway until a signal, then drains. @returns exit code */
export async function serveGateway(input: ServeGatewayInput): Promise<number> {
  const { config, check, cwd, terminal } = input
  const path = resolve(cwd, config)
  const file = readGatewayFile(path, input)
  if (!file.ok) {
    for (const problem of file.problems) terminal.err(textOfProblem(problem))
    return exitCodes.usage
  }
  const base = dirname(path)
  const log = openLog({ level: input.log ?? 'info', destination: process.stderr })
  const stopped = check ? undefined : signalled(terminal)
  try {
    if (stopped === undefined) return await checkOnly(file.value, { base, terminal })
    const audit = await openAuditFile(resolve(base, file.value.auditFile), cause =>
      log.error('gateway.audit-failed', { cause }),
    )
    const gateway = await openGateway(gatewayOptionsOf(file.value, { base, audit: audit.sink, log }))
    await gateway.load()
    const { port, checkPort } = gateway
    log.info('gateway.ready', { externalUrl: file.value.externalUrl, port, checkPort })
    const signal = await stopped
    terminal.err(`${signal}: finishing what is under way`)
    await gateway.close()
    await audit.close()
    return exitCodes.done
  } catch (thrown) {
    terminal.err(`the gateway did not start: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    return exitCodes.broken
  }
}

function readGatewayFile(path: string, { env }: ServeGatewayInput): Checked<GatewayFile> {
  if (!existsSync(path)) return wrong({ document: path, field: '', message: 'there is no such file' })
  const read = readBootstrapFile(path, env)
  return read.ok ? checkShape<GatewayFile>(path, '', gatewayFileSchema, read.value.value) : read
}

/** Everything but listening: files, keys, routes. The keys go into the configuration of the APIs. */
async function checkOnly(
  file: GatewayFile,
  { base, terminal }: { readonly base: string; readonly terminal: Terminal },
): Promise<number> {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const options = gatewayOptionsOf(file, { base, audit: () => undefined, log: silent })
  judgeOptions(options)
  const apis = openApis(options)
  await apis.close()
  terminal.err(`${options.apis.length} APIs, ${options.routes.length} routes: nothing is wrong`)
  terminal.out(JSON.stringify({ keys: [options.evidenceKey.publicJwk] }, null, 2))
  return exitCodes.done
}
