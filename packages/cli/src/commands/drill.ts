import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { type AddCommand, type Desk, json, outputOption, wholeIn } from '../command.ts'
import type { DrillPlan, RevocationDrillOptions, RotationDrillOptions } from '../composition.ts'
import { exitCodes } from '../exit-codes.ts'

interface CommonOptions {
  readonly postgres: string
  readonly load: number
  readonly evidence?: string
  readonly output: string
}

type RevocationOptions = CommonOptions &
  Pick<RevocationDrillOptions, 'count' | 'atOnce' | 'cut' | 'aimP99Ms' | 'aimMaxMs'>
type RotationOptions = CommonOptions & Pick<RotationDrillOptions, 'rotations' | 'issuers'>

/** `holdfast drill …`: a system of its own on this machine, and what must hold of it under stress. */
export const addDrill: AddCommand = (program, desk) => {
  const drill = program
    .command('drill')
    .description('start a whole system on this machine, over your PostgreSQL, and try out what must hold')
  withCommon(drill.command('revocation'))
    .description('end access again and again under load, then with the revocation feed cut')
    .option('--count <number>', 'how often access ends', wholeIn(1, 1_000_000), 1000)
    .option('--at-once <number>', 'how many at the same time', wholeIn(1, 64), 4)
    .option('--cut <number>', 'how many end in each of the two cuts; 0: no cut', wholeIn(0, 100), 20)
    .option('--aim-p99-ms <number>', 'the answer is no when one p99 is not below it', wholeIn(1, 60_000), 250)
    .option('--aim-max-ms <number>', 'the answer is no when one took as long', wholeIn(1, 60_000), 1000)
    .action((options: RevocationOptions) =>
      run(desk, options, common => ({ drill: 'revocation', ...common })),
    )
  withCommon(drill.command('rotation'))
    .description(
      'rotate signing keys under load, then what can go wrong: a stale verifier, a broken key, theft',
    )
    .option('--rotations <number>', 'of all issuers together', wholeIn(1, 1_000_000), 100)
    .option('--issuers <number>', 'whose keys rotate at the same time', wholeIn(2, 50), 8)
    .action((options: RotationOptions) => run(desk, options, common => ({ drill: 'rotation', ...common })))
}

function withCommon(command: Command): Command {
  return command
    .requiredOption('--postgres <url>', 'where the drill makes a schema of its own, and drops it at the end')
    .option('--load <number>', 'requests a second of ordinary traffic', wholeIn(0, 10_000), 20)
    .option('--evidence <file>', 'where everything that was measured is written, as JSON')
    .option(...outputOption)
}

async function run<Options extends CommonOptions>(
  desk: Desk,
  { evidence, output, ...options }: Options,
  planOf: (common: Omit<Options, 'evidence' | 'output'> & Pick<DrillPlan, 'onProgress'>) => DrillPlan,
): Promise<void> {
  const { out, err } = desk.terminal
  try {
    const report = await desk.composition.drill(planOf({ ...options, onProgress: err }))
    const text = json(report.evidence)
    if (evidence !== undefined) writeFileSync(evidence, `${text}\n`)
    for (const line of output === 'json' ? [text] : report.lines) out(line)
    for (const failure of report.failures) err(failure)
    desk.leave(report.failures.length === 0 ? exitCodes.done : exitCodes.no)
  } catch (cause) {
    desk.terminal.err(cause instanceof Error ? cause.message : String(cause))
    desk.leave(exitCodes.broken)
  }
}
