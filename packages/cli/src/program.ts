import { Command, CommanderError } from 'commander'
import { commands } from './commands/index.ts'
import type { Composition } from './composition.ts'
import { exitCodes } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

const exitCodeHelp = `
Exit codes:
  0  done, and all is well
  1  the answer is no: invalid documents, a broken chain, a failed check, nothing found
  2  wrong options or configuration; nothing was tried
  3  could not: no store, no server, a disk, a network`

/**
 * Runs one command line.
 * @param args without the name of the program
 * @returns exit code
 */
export async function runCommandLine(
  args: readonly string[],
  composition: Composition,
  terminal: Terminal,
): Promise<number> {
  let exitCode: number = exitCodes.done
  const leave = (code: number): void => {
    exitCode = code
  }
  const program = new Command('holdfast')
    .description('Tokens that only work in the right hands.')
    .version(composition.version)
    .option('--admin-profile <file>', 'administer over HTTPS, as this file says; or `HOLDFAST_ADMIN_PROFILE`')
    .showSuggestionAfterError()
    .addHelpText('after', exitCodeHelp)
    .configureOutput({
      writeOut: text => terminal.out(text.trimEnd()),
      writeErr: text => terminal.err(text.trimEnd()),
    })
    .exitOverride()
  const profile = (): string | undefined => {
    const named =
      program.opts<{ readonly adminProfile?: string }>().adminProfile ??
      composition.env.HOLDFAST_ADMIN_PROFILE
    return named === '' ? undefined : named
  }
  for (const add of commands) add(program, { composition, terminal, leave, profile })
  for (const command of allOf(program)) command.exitOverride().copyInheritedSettings(program)
  try {
    await program.parseAsync(withNamesLast(args), { from: 'user' })
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown
    exitCode = thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage
  }
  return exitCode
}

function allOf(program: Command): readonly Command[] {
  return program.commands.flatMap(command => [command, ...allOf(command)])
}

/** A thumbprint (RFC 7638) or a reference id, which begin with a dash once in 64 times; no option looks like one. */
const dashedName = /^-(?=[A-Za-z0-9_]|-.*[A-Z0-9_])(?:[A-Za-z0-9_-]{21}|[A-Za-z0-9_-]{42})$/

const isOption = (arg = ''): boolean => arg.startsWith('--') && !dashedName.test(arg)

/** Names that begin with a dash are no options: they go behind all of those. The value of an option stays with it. */
function withNamesLast(args: readonly string[]): string[] {
  if (args.includes('--')) return [...args]
  const isName = (arg: string, index: number): boolean => dashedName.test(arg) && !isOption(args[index - 1])
  const names = args.filter(isName)
  return names.length === 0
    ? [...args]
    : [...args.filter((arg, index) => !isName(arg, index)), '--', ...names]
}
