import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { type AddCommand, type Desk, json, outputOption, wholeIn } from '../command.ts'
import type { DrillPlan, RevocationDrillOptions, RotationDrillOptions } from '../composition.ts'
import { exitCodes } from '../exit-codes.ts'

interface CommonOptions {
  readonly postgres?: string
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

/** For a URL with a password, and for who runs it often. */
const postgresVariable = 'HOLDFAST_DRILL_POSTGRES'

function withCommon(command: Command): Command {
  return command
    .option(
      '--postgres <url>',
      `where the drill makes a schema of its own, and drops it at the end; without a password, or \`${postgresVariable}\``,
    )
    .option('--load <number>', 'requests a second of ordinary traffic', wholeIn(0, 10_000), 20)
    .option('--evidence <file>', 'where everything that was measured is written, as JSON')
    .option(...outputOption)
}

async function run<Options extends CommonOptions>(
  desk: Desk,
  { evidence, output, postgres: asked, ...options }: Options,
  planOf: (
    common: Omit<Options, 'evidence' | 'output' | 'postgres'> & Pick<DrillPlan, 'postgres' | 'onProgress'>,
  ) => DrillPlan,
): Promise<void> {
  const { out, err } = desk.terminal
  const postgres = postgresOf(desk, asked)
  if (postgres === undefined) return desk.leave(exitCodes.usage)
  try {
    const report = await desk.composition.drill(planOf({ ...options, postgres, onProgress: err }))
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

/** What stands in an argument, everybody on the machine can read: no command takes a password there. */
function postgresOf({ composition, terminal }: Desk, asked: string | undefined): string | undefined {
  const url = asked ?? composition.env[postgresVariable]
  if (url === undefined || url === '') {
    terminal.err(`name a PostgreSQL: \`--postgres <url>\`, or \`${postgresVariable}\` in the environment`)
    return undefined
  }
  const read = URL.parse(url)
  if (read === null || !['postgres:', 'postgresql:'].includes(read.protocol)) {
    terminal.err('the address of a PostgreSQL is a URL such as postgres://user@host:5432/database')
    return undefined
  }
  if (asked !== undefined && (read.password !== '' || read.searchParams.has('password'))) {
    terminal.err(
      'whoever is on this machine can read the arguments of a command: leave the password out of `--postgres`. ' +
        `Put the URL into \`${postgresVariable}\`, or the password into \`PGPASSWORD\` or the file that \`PGPASSFILE\` names`,
    )
    return undefined
  }
  return url
}
