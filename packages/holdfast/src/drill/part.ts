import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Question, readyId } from './child.ts'

export type PartKind = 'node' | 'api' | 'gateway'

/** A process of the system that is drilled. */
export interface Part {
  readonly name: string
  readonly ask: (question: string, about?: string) => Promise<unknown>
  /** @throws Error when it ended before it was told to */
  readonly stop: () => Promise<void>
}

const readyMs = 60_000
const stopMs = 20_000

/** Starts one, and waits until it serves. @throws Error with the end of what it wrote */
export async function startPart(
  folder: string,
  name: string,
  kind: PartKind,
  config: unknown,
): Promise<Part> {
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  const logFile = join(folder, `${name}.log`)
  const output = openSync(logFile, 'a', 0o600)
  const module = fileURLToPath(new URL(`./${kind}-process.ts`, import.meta.url))
  const child = fork(module, [file], { cwd: folder, stdio: ['ignore', output, output, 'ipc'] })
  closeSync(output)
  const died = (): Error =>
    new Error(`${name} ended by itself:\n${readFileSync(logFile, 'utf8').slice(-2000)}`)
  const ended = once(child, 'exit')
  const answers = new Map<number, (answer: unknown) => void>()
  child.on('message', message => {
    const { id, answer } = message as { readonly id: number; readonly answer: unknown }
    answers.get(id)?.(answer)
    answers.delete(id)
  })
  const isReady = new Promise<void>(resolve => answers.set(readyId, () => resolve()))
  const timer = setTimeout(() => child.kill('SIGKILL'), readyMs)
  await Promise.race([isReady, ended.then(() => Promise.reject(died()))]).finally(() => clearTimeout(timer))
  let asked = readyId
  return {
    name,
    ask: (question, about = '') => {
      const id = ++asked
      const answered = new Promise<unknown>(resolve => answers.set(id, resolve))
      child.send({ id, question, about } satisfies Question)
      return Promise.race([answered, ended.then(() => Promise.reject(died()))])
    },
    stop: () => stop(child, ended, died),
  }
}

async function stop(child: ChildProcess, ended: Promise<unknown>, died: () => Error): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) throw died()
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
  child.kill('SIGTERM')
  await ended
  clearTimeout(timer)
}

export type CpuSeconds = Readonly<Record<string, number>>

/** What each process used of the processor since its start. */
export async function cpuSecondsOf(parts: readonly Part[]): Promise<CpuSeconds> {
  const used = await Promise.all(
    parts.map(async part => {
      const { user, system } = (await part.ask('cpu')) as NodeJS.CpuUsage
      return [part.name, Math.round((user + system) / 1e5) / 10] as const
    }),
  )
  const own = process.cpuUsage()
  return Object.fromEntries([...used, ['drill', Math.round((own.user + own.system) / 1e5) / 10]])
}
