import { type AddCommand, configOption, json, outputOption, reportProblem, withAdmin } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, timeOf } from '../terminal.ts'

interface ListOptions {
  readonly config?: string
  readonly output: string
  readonly issuer?: string
}

interface RotateOptions extends ListOptions {
  readonly alg?: string
}

const issuerOption = ['--issuer <name>', 'name or URL (default: every issuer)'] as const

/** `holdfast keys …`: the signing keys of the running server. */
export const addKeys: AddCommand = (program, desk) => {
  const keys = program.command('keys').description('signing keys: list, rotate, take back')
  keys
    .command('list', { isDefault: true })
    .description('every signing key and where it stands in its life')
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ config, issuer, output }: ListOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.listKeys(issuer)
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        if (output === 'json') out(json(answer.value.keys))
        else
          for (const line of columns([
            ['KID', 'ALG', 'STATE', 'SIGNS FROM', 'GONE FROM', 'ISSUER'],
            ...answer.value.keys.map(key => [
              ...[key.kid, key.alg, key.state, timeOf(key.activeAt)],
              ...[timeOf(key.revokedAt ?? key.removedAt), key.issuer],
            ]),
          ]))
            out(line)
        return exitCodes.done
      })
    })
  keys
    .command('rotate')
    .description('announce new keys; each signs once every verifier can have it')
    .option('--alg <alg>', 'only this algorithm')
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ config, issuer, alg, output }: RotateOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.rotateKeys({ issuer, alg })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { rotated, skipped, reference } = answer.value
        if (output === 'json') out(json(answer.value))
        else {
          for (const { kid, alg: made, activeAt, previousKid, previousRemovedAt } of rotated)
            out(
              `${made}: ${kid} signs from ${timeOf(activeAt)}; ${previousKid} is published until ${timeOf(previousRemovedAt)}`,
            )
          for (const { alg: busy, issuer: where } of skipped)
            out(`${busy}: a rotation is under way at ${where}; see \`holdfast keys list\``)
          out(`reference ${reference}`)
        }
        return rotated.length === 0 ? exitCodes.no : exitCodes.done
      })
    })
  keys
    .command('revoke <kid>')
    .description('take a compromised key back at once; a new one takes its place')
    .option(...configOption)
    .option(...outputOption)
    .action(async (kid: string, { config, output }: ListOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.revokeKey({ kid })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { replacementKid, reference } = answer.value
        if (output === 'json') out(json(answer.value))
        else {
          out(`revoked ${kid}`)
          out(`${replacementKid} is in its place`)
          out(`reference ${reference}`)
        }
        return exitCodes.done
      })
    })
}
