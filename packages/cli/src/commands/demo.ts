import { Option } from 'commander'
import { type AddCommand, configOption, type Desk, json, outputOption } from '../command.ts'
import { openShow } from '../demo/show.ts'
import { readDemoKit } from '../demo-kit.ts'
import { exitCodes } from '../exit-codes.ts'

interface DemoOptions {
  readonly client: string
  readonly config?: string
  readonly output: string
}

const clientNames = ['jwt-dpop', 'jwt-mtls', 'pki-mtls', 'own-mtls']

export const addDemo: AddCommand = (program, desk) => {
  program
    .command('demo')
    .description(
      'walk the chain of a running development server with an independent client library, then steal and replay',
    )
    .addOption(
      new Option('--client <name>', 'which demo client, and so which binding')
        .choices(clientNames)
        .default('jwt-dpop'),
    )
    .option(...configOption)
    .option(...outputOption)
    .addHelpText(
      'after',
      '\nExit code 0: every step and every refusal was as expected; 1: something differed.',
    )
    .action((options: DemoOptions) => demo(desk, options))
}

async function demo(desk: Desk, { client, config, output }: DemoOptions): Promise<void> {
  const { composition, terminal, leave } = desk
  const configuration = composition.configuration(config)
  if (!configuration.ok) {
    for (const problem of configuration.problems) terminal.err(problem)
    return leave(exitCodes.usage)
  }
  const kit = readDemoKit(configuration.value.dataFolder)
  const connection = kit === undefined ? undefined : await composition.admin(config).catch(() => undefined)
  try {
    if (kit === undefined || connection?.via !== 'server') {
      terminal.err('The demo plays against a running development server, and none answers here.')
      terminal.err('Start one in another terminal, in this folder:\n\n  npm start\n\nthen come back.')
      return leave(exitCodes.broken)
    }
    // The client library is loaded by the command that needs it.
    const { play } = await import('../demo/play.ts')
    const clientId = `demo-${client}`
    const says = kit.clients.find(listed => listed.clientId === clientId)?.says ?? ''
    const show = output === 'json' ? undefined : openShow(terminal)
    show?.opening({ issuer: kit.issuer, clientId, says })
    const transcript = await play({
      ...{ kit, clientId, admin: connection.api },
      onStep: step => show?.step(step),
      onAttack: attack => show?.attack(attack),
      onProgress: line => terminal.err(line),
    })
    if (show === undefined) terminal.out(json(transcript))
    else show.closing(transcript)
    leave(transcript.differences.length === 0 ? exitCodes.done : exitCodes.no)
  } catch (thrown) {
    terminal.err(`the demo broke off: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    leave(exitCodes.no)
  } finally {
    await connection?.close()
  }
}
