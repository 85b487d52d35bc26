import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The binary as a user starts it. */
export const launcher: string = fileURLToPath(new URL('../../bin/holdfast.cjs', import.meta.url))

export interface Run {
  readonly exitCode: number
  readonly out: string
  readonly err: string
}

/** A folder of its own with free ports, and the binary run in it. */
export interface Workshop {
  readonly folder: string
  readonly ports: Readonly<Record<'public' | 'mtls' | 'gateway' | 'demoApi' | 'management' | 'admin', number>>
  readonly run: (args: readonly string[], node?: string) => Promise<Run>
  readonly start: (node?: string) => Promise<Started>
  readonly remove: () => void
}

export interface Started {
  readonly child: ChildProcess
  readonly out: () => string
  readonly stop: (signal?: NodeJS.Signals) => Promise<Run>
}

const readyMs = 30_000

export async function openWorkshop(): Promise<Workshop> {
  const folder = mkdtempSync(join(tmpdir(), 'hf-'))
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = await freePorts(6)
  const ports = {
    public: first,
    mtls: second,
    gateway: fifth,
    demoApi: third,
    management: fourth,
    admin: sixth,
  }
  const listeners = Object.entries(ports).map(([name, port]) => `  ${name}: { port: ${port} }`)
  const issuer = `issuers: [{ url: 'https://localhost:${first}', environment: development }]`
  writeFileSync(join(folder, 'holdfast.yaml'), [issuer, 'listeners:', ...listeners, ''].join('\n'))
  const begin = (args: readonly string[], node = process.execPath): Begun => begun(folder, node, args)
  return {
    folder,
    ports,
    run: (args, node) => begin(args, node).ended,
    start: async node => {
      const { child, texts, ended } = begin(['serve'], node)
      await until(() => texts.out.includes('ready in') || child.exitCode !== null)
      if (child.exitCode !== null) throw new Error(`did not start: ${texts.err}`)
      const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<Run> => {
        child.kill(signal)
        return await ended
      }
      return { child, out: () => texts.out, stop }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface Begun {
  readonly child: ChildProcess
  readonly texts: { out: string; err: string }
  readonly ended: Promise<Run>
}

export function begun(folder: string, node: string, args: readonly string[]): Begun {
  const { HOLDFAST_RELAUNCHED: _relaunched, ...env } = process.env
  const child = spawn(node, [launcher, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    texts.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    texts.err += chunk.toString()
  })
  const ended = once(child, 'close').then(([code]) => ({ exitCode: Number(code), ...texts }))
  return { child, texts, ended }
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address === 'object' && address !== null) ports.push(address.port)
  }
  for (const server of servers) server.close()
  return ports
}

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + readyMs
  while (!isTrue()) {
    if (performance.now() > end) throw new Error('not ready in time')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
