import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { openWorkshop, type Started, type Workshop } from '../packages/holdfast/src/testing/product.ts'
import { dispatcherFor } from '../test/product/dispatchers.ts'
import { UserAgent } from '../test/product/user-agent.ts'

/** An example as a reader starts it, in the folder of a running server. For the tests beside the examples. */
export interface Program {
  readonly child: ChildProcess
  /** What it printed so far. */
  readonly text: () => string
  /** Its exit code and signal. */
  readonly ended: Promise<readonly unknown[]>
  /** What `pattern` matches, as soon as it stands in the output; the first group if there is one. */
  readonly says: (pattern: RegExp) => Promise<string>
}

/** Starts one program in the folder of a server that the caller runs. */
export function runProgram(
  { folder, ports }: Workshop,
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      ISSUER: `https://localhost:${ports.public}`,
      API: `https://localhost:${ports.demoApi}`,
      NODE_EXTRA_CA_CERTS: join(folder, '.holdfast/tls/ca.pem'),
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  const says = async (pattern: RegExp): Promise<string> => {
    for (let round = 0; round < 400 && child.exitCode === null; round++) {
      const found = pattern.exec(text)
      if (found !== null) return found[1] ?? found[0]
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    throw new Error(`the program did not say ${pattern}:\n${text}`)
  }
  return { child, text: () => text, ended: once(child, 'close'), says }
}

/** A server that runs while the tests of a file do, and what a reader does with it. */
export interface RunningWorkshop {
  /** @throws TypeError before the first test */
  readonly open: () => Workshop
  readonly program: (command: readonly string[], env?: Readonly<Record<string, string>>) => Program
  /** `holdfast apply -f`, which must succeed. */
  readonly apply: (file: string) => Promise<void>
  /** Runs `register.ts` of an example, and applies what it wrote. */
  readonly registered: (example: string, file: string) => Promise<void>
  /** What a `holdfast` command that must succeed printed. */
  readonly said: (command: readonly string[]) => Promise<string>
}

/**
 * Starts the server before the tests of the file that calls it, and removes all of it after them.
 * @param prepare what else must be done before the first test
 */
export function runningWorkshop(
  prepare: (running: RunningWorkshop) => Promise<void> = async () => {},
): RunningWorkshop {
  let workshop: Workshop | undefined
  let started: Started | undefined
  const open = (): Workshop => {
    if (workshop === undefined) throw new TypeError('the server runs only while tests do')
    return workshop
  }
  const said = async (command: readonly string[]): Promise<string> => {
    const { exitCode, out, err } = await open().run(command)
    assert.equal(exitCode, 0, err)
    return out
  }
  const apply = async (file: string): Promise<void> => {
    await said(['apply', '-f', file])
  }
  const running: RunningWorkshop = {
    open,
    said,
    apply,
    program: (command, env) => runProgram(open(), command, env),
    registered: async (example, file) => {
      const registering = running.program([join(example, 'register.ts')])
      assert.deepEqual(await registering.ended, [0, null], registering.text())
      await apply(file)
    },
  }
  before(async () => {
    workshop = await openWorkshop()
    started = await workshop.start()
    await prepare(running)
  })
  after(async () => {
    await started?.stop('SIGKILL')
    workshop?.remove()
  })
  return running
}

/** The demo user in a browser that trusts the development authority. */
export async function withDemoUser<T>(
  { folder }: Workshop,
  use: (agent: UserAgent, person: { username: string; password: string }) => Promise<T>,
): Promise<T> {
  const dispatcher = dispatcherFor({ caPem: readFileSync(join(folder, '.holdfast/tls/ca.pem'), 'utf8') })
  try {
    return await use(new UserAgent(dispatcher), { username: 'alice', password: 'correct-horse-battery' })
  } finally {
    await dispatcher.destroy()
  }
}

/** Signs the demo user in at the address a program printed, and sends the browser back to the program. */
export async function signInAt(workshop: Workshop, url: string): Promise<void> {
  const callback = await withDemoUser(workshop, (agent, person) =>
    agent.walk(new URL(url), 'http://127.0.0.1:', { ...person, consent: 'allow' }),
  )
  const answer = await fetch(callback)
  if (!answer.ok) throw new Error(`the program answered its callback with ${answer.status}`)
}
