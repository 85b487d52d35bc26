import { openTerminal, runCommandLine } from '@holdfast/cli'
import { composition } from './composition.ts'

// A reader that left (`holdfast … | head`) is no reason to fall over, least of all for a server.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

/** The process: one command line, then its exit code. Open servers keep `serve` from getting here. */
const terminal = openTerminal(process.stdout, process.stderr, process.env)
process.exitCode = await runCommandLine(
  process.argv.slice(2),
  composition({ cwd: process.cwd(), env: process.env, terminal }),
  terminal,
)
