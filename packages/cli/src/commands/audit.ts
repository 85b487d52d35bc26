import { type AddCommand, configOption, json, outputOption, reportProblem, withAdmin } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const addAudit: AddCommand = (program, desk) => {
  const audit = program.command('audit').description('look at the evidence')
  audit
    .command('verify')
    .description('walk every hash chain from its first record to its last; exit code 1 when one is broken')
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ config, output }: { config?: string; output: string }) => {
      await withAdmin(desk, config, async ({ api, via }) => {
        const answer = await api.verifyAudit()
        if (!answer.ok) return reportProblem(desk, answer)
        const { chains } = answer.value
        if (output === 'json') desk.terminal.out(json(answer.value))
        else {
          for (const { chain, records, intact, brokenAt, reason } of chains)
            desk.terminal.out(
              intact
                ? `chain ${chain}: ${records} records, intact`
                : desk.terminal.strong(`chain ${chain}: BROKEN at record ${brokenAt}: ${reason}`),
            )
          desk.terminal.out(desk.terminal.faint(`read through the ${via}`))
        }
        return chains.every(({ intact }) => intact) ? exitCodes.done : exitCodes.no
      })
    })
}
