import { Option } from 'commander'
import { type AddCommand, configOption } from '../command.ts'
import type { ServeOptions } from '../composition.ts'

export const addServe: AddCommand = (program, { composition, leave }) => {
  program
    .command('serve')
    .description(
      'start the authorization server; in development also its authority, demo clients and demo API',
    )
    .option(...configOption)
    .addOption(new Option('--log <level>', 'what is logged').choices(['info', 'warn', 'error', 'silent']))
    .action(async ({ config, log }: Partial<ServeOptions>) => leave(await composition.serve({ config, log })))
}
