import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { originOf } from './demo-caller.ts'
import { listedClients } from './demo-chain.ts'
import { freePorts, launcher, type Workshop } from './product.ts'

export interface GatewayFileOptions {
  readonly name?: string
  /** Where clients call it; its own port unless said. */
  readonly externalUrl?: string
  /** Where the API is; the demo API unless said. */
  readonly upstream?: string
  /** Further lines of the file. */
  readonly more?: readonly string[]
}

export interface WrittenGateway {
  readonly file: string
  readonly port: number
  readonly management: number
  readonly auditFile: string
}

/** Writes the configuration of a gateway before the demo API. */
export async function writeGatewayFile(
  workshop: Workshop,
  { name = 'gateway', externalUrl, upstream, more = [] }: GatewayFileOptions = {},
): Promise<WrittenGateway> {
  const { folder, ports } = workshop
  const [port = 0, management = 0] = await freePorts(2)
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(join(folder, `${name}.evidence.json`), JSON.stringify(privateKey.export({ format: 'jwk' })))
  const client = listedClients(workshop).find(({ clientId }) => clientId === 'demo-gateway')
  const yaml = [
    `externalUrl: ${externalUrl ?? originOf(port)}`,
    `listener: { port: ${port} }`,
    `management: { port: ${management} }`,
    'tls: { certificateFile: .holdfast/tls/server.pem, privateKeyFile: .holdfast/tls/server.key }',
    `issuer: { url: ${originOf(ports.public)}, caFile: .holdfast/tls/ca.pem }`,
    `client: { clientId: demo-gateway, privateKeyFile: ${client?.keyFile ?? ''} }`,
    `evidenceKeyFile: ${name}.evidence.json`,
    `auditFile: ${name}-audit.jsonl`,
    'apis:',
    '  - name: demo-bank',
    `    audience: ${originOf(ports.demoApi)}`,
    '    upstream:',
    `      url: ${upstream ?? originOf(ports.demoApi)}`,
    '      caFile: .holdfast/tls/ca.pem',
    '      certificateFile: .holdfast/tls/clients/demo-gateway.pem',
    '      privateKeyFile: .holdfast/tls/clients/demo-gateway.key',
    'routes:',
    '  - { api: demo-bank, methods: [GET], path: /accounts, scopes: [accounts:read] }',
    ...more,
  ]
  const file = `${name}.yaml`
  writeFileSync(join(folder, file), `${yaml.join('\n')}\n`)
  return { file, port, management, auditFile: join(folder, `${name}-audit.jsonl`) }
}

export interface RunningGateway extends WrittenGateway {
  readonly running: ChildProcess
}

/** `holdfast gateway` in a process of its own, ready. */
export async function startGateway(
  workshop: Workshop,
  options: GatewayFileOptions = {},
): Promise<RunningGateway> {
  const written = await writeGatewayFile(workshop, options)
  const { HOLDFAST_RELAUNCHED: _relaunched, ...env } = process.env
  const running = spawn(process.execPath, [launcher, 'gateway', '-c', written.file], {
    cwd: workshop.folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  running.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  for (let round = 0; round < 600 && !text.includes('gateway.ready') && running.exitCode === null; round++)
    await pause(50)
  if (!text.includes('gateway.ready')) running.kill('SIGKILL')
  assert.match(text, /gateway\.ready/)
  return { ...written, running }
}
