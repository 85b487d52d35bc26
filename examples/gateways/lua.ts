import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

const luajit = '/usr/bin/luajit'

/** Whether scripts for gateways that run LuaJIT can be run here. */
export const hasLua: boolean = existsSync(luajit)
export const luaMissing: string | undefined = hasLua ? undefined : `there is no ${luajit}`

/** A line that begins with `?` is a question; what comes back is given to the script as one line. */
export type AnswerLine = (question: string) => Promise<string>

/** Runs a script to its end. @returns the lines it printed that were no questions */
export async function runLua(
  script: string,
  answer: AnswerLine = async () => '',
): Promise<{ readonly lines: readonly string[] }> {
  const child = spawn(luajit, ['-e', `io.stdout:setvbuf('no')\n${script}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
  let errors = ''
  child.stderr.on('data', chunk => {
    errors += String(chunk)
  })
  const ended = once(child, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('?')) child.stdin.write(`${await answer(line.slice(1))}\n`)
    else lines.push(line)
  }
  const [code] = (await ended) as [number | null]
  clearTimeout(late)
  if (code !== 0) throw new Error(`the script failed: ${errors}`)
  return { lines }
}
