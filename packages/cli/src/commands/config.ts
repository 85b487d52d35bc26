import { type AddCommand, configOption, json, outputOption } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns } from '../terminal.ts'

export const addConfig: AddCommand = (program, desk) => {
  const { composition, terminal, leave } = desk
  program
    .command('config')
    .description('look at the bootstrap configuration')
    .command('show')
    .description('every setting in force; secrets are left out')
    .option('--origin', 'also where each was set')
    .option(...configOption)
    .option(...outputOption)
    .action(({ origin = false, config, output }: { origin?: boolean; config?: string; output: string }) => {
      const answer = composition.configuration(config)
      if (!answer.ok) {
        for (const problem of answer.problems) terminal.err(problem)
        return leave(exitCodes.usage)
      }
      const { settings } = answer.value
      if (output === 'json')
        terminal.out(json(origin ? settings : settings.map(({ name, value }) => ({ name, value }))))
      else
        for (const line of columns(
          settings.map(setting => [setting.name, setting.value, ...(origin ? [setting.origin] : [])]),
        ))
          terminal.out(line)
      leave(exitCodes.done)
    })
}
