import { Option } from 'commander'
import type { AddCommand } from '../command.ts'
import type { GatewayCommandOptions } from '../composition.ts'

export const addGateway: AddCommand = (program, { composition, leave }) => {
  program
    .command('gateway')
    .description('start a gateway in front of your APIs: every check at the edge, phantom tokens onward')
    .option('-c, --config <file>', 'what stands in front of what', 'gateway.yaml')
    .option('--check', 'only read it, say what is wrong, and print the keys the APIs must trust')
    .addOption(new Option('--log <level>', 'what is logged').choices(['info', 'warn', 'error', 'silent']))
    .action(async ({ config, check = false, log }: Partial<GatewayCommandOptions> & { config: string }) =>
      leave(await composition.gateway({ config, check, log })),
    )
}
