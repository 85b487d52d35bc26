import type { Answer } from '@holdfast/server/control/admin-api.ts'
import { type Command, InvalidArgumentError } from 'commander'
import type { AdminConnection, Composition } from './composition.ts'
import { exitCodes } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

/** What a command works with. */
export interface Desk {
  readonly composition: Composition
  readonly terminal: Terminal
  /** File of the profile that the command line, or else the environment, names. */
  readonly profile: () => string | undefined
  /** Ends the command: the process leaves with this code once everything is written. */
  readonly leave: (exitCode: number) => void
}

/** A command is one file that adds itself to the program. */
export type AddCommand = (program: Command, desk: Desk) => void

export const configOption = [
  '-c, --config <file>',
  'bootstrap configuration (default: holdfast.yaml when it is there)',
] as const
export const issuerOption = ['--issuer <name>', 'name or URL, when there are several issuers'] as const

/** What commands that speak to a server are told by `configOption`, `issuerOption` and `outputOption`. */
export interface ServerOptions {
  readonly config?: string
  readonly issuer?: string
  readonly output: string
}

/** Who does it: where one person must not be two. */
export const asOption = [
  '--as <person>',
  'who does this; stands in the audit. Over HTTPS the token says it',
] as const

export const outputOption = ['-o, --output <format>', '`text` or `json`', 'text'] as const

/** What every command has that speaks to a server about one issuer. */
export function withServerOptions(command: Command): Command {
  return command
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
}

/** Who the commands say they act for; over HTTPS nobody says it but the token. */
export function personOf(
  { terminal }: Desk,
  via: AdminConnection['via'],
  as: string | undefined,
): string | undefined {
  if (via !== 'https' && as === undefined) terminal.err('`--as <person>` says who does this')
  if (via === 'https' && as !== undefined) {
    terminal.err('over HTTPS the person is who the token says: leave `--as` out')
    return undefined
  }
  return via === 'https' ? '' : as
}

/** Runs `work` with the admin API and reports a server or store that cannot be reached. */
export async function withAdmin(
  { composition, terminal, leave, profile }: Desk,
  config: string | undefined,
  work: (connection: AdminConnection) => Promise<number>,
): Promise<void> {
  const connection = await composition.admin(config, profile()).catch((cause: unknown) => {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
    return undefined
  })
  if (connection === undefined) return leave(exitCodes.broken)
  try {
    leave(await work(connection))
  } catch (cause) {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
    leave(exitCodes.broken)
  } finally {
    await connection.close()
  }
}

/** Writes why an answer is no. @returns exit code */
export function reportProblem({ terminal }: Desk, answer: Extract<Answer<never>, { ok: false }>): number {
  const { title, detail, status, problems = [] } = answer.problem
  terminal.err(detail === undefined ? title : `${title}: ${detail}`)
  for (const { document, field, message, ruleId, clauses = [] } of problems) {
    const place = field === '' ? document : `${document} ${field}`
    const rule = ruleId === undefined ? '' : ` [${[ruleId, ...clauses].join(', ')}]`
    terminal.err(`  ${place}: ${message}${rule}`)
  }
  return status >= 500 ? exitCodes.broken : exitCodes.no
}

/** For an option that is a number. */
export function wholeIn(least: number, most: number): (text: string) => number {
  return text => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`a whole number from ${least} to ${most}`)
    return value
  }
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2)
}
