import { type AddCommand, configOption, json, outputOption, reportProblem, withAdmin } from '../command.ts'
import { everyDocument } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'

export const addExport: AddCommand = (program, desk) => {
  program
    .command('export')
    .description(
      'write every document of the current revision; users stay in the directory and are not exported',
    )
    .option('-k, --kind <kind>', 'only this kind')
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ kind, config, output }: { kind?: string; config?: string; output: string }) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await everyDocument(api)
        if (!answer.ok) return reportProblem(desk, answer)
        const documents = answer.value.documents.filter(entry => kind === undefined || entry.kind === kind)
        // JSON is YAML: the text form can be applied as it is, one document after the other.
        if (output === 'json') desk.terminal.out(json(documents.map(({ document }) => document)))
        else for (const { document } of documents) desk.terminal.out(`---\n${json(document)}`)
        return exitCodes.done
      })
    })
}
