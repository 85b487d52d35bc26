import { openTerminal, runCommandLine } from '@holdfast/cli'
import { composition } from './composition.ts'

/** The process: one command line, then its exit code. Open servers keep `serve` from getting here. */
const terminal = openTerminal(process.stdout, process.stderr, process.env)
process.exitCode = await runCommandLine(
  process.argv.slice(2),
  composition({ cwd: process.cwd(), env: process.env, terminal }),
  terminal,
)
