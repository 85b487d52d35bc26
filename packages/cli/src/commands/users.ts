import type { AdminApi } from '@holdfast/server/control/admin-api.ts'
import { type AddCommand, configOption, json, outputOption, reportProblem, withAdmin } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { timeOf } from '../terminal.ts'
import { addRevoke } from './revoke.ts'

interface ListOptions {
  readonly config?: string
  readonly output: string
  readonly issuer?: string
}

const issuerOption = ['--issuer <name>', 'name or URL, when several issuers have the user'] as const

/** `holdfast users second-factor …`: what support does for a user who lost a device; and the end of all access. */
export const addUsers: AddCommand = (program, desk) => {
  const users = program.command('users').description('users of the embedded directory')
  addRevoke(users, desk, 'user', 'username')
  const factors = users
    .command('second-factor')
    .description('passkeys and authenticator apps, set up by the users themselves')
  factors
    .command('list <username>')
    .description('what the user has set up, since when, and when it was last used')
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action(async (username: string, { config, output, issuer }: ListOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.secondFactors({ username, ...(issuer !== undefined && { issuer }) })
        if (!answer.ok) return reportProblem(desk, answer)
        const { secondFactors } = answer.value
        if (output === 'json') desk.terminal.out(json(answer.value))
        else if (secondFactors.length === 0) desk.terminal.out('nothing besides the password')
        else for (const one of secondFactors) desk.terminal.out(lineOf(one))
        return exitCodes.done
      })
    })
  factors
    .command('reset <username>')
    .description('take all of them away and sign the user out everywhere; then the password alone signs in')
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action(async (username: string, { config, output, issuer }: ListOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.resetSecondFactors({ username, ...(issuer !== undefined && { issuer }) })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { removed, sessions, reference } = answer.value
        if (output === 'json') out(json(answer.value))
        else {
          for (const one of removed) out(`removed ${lineOf(one)}`)
          out(`${sessions === 1 ? '1 session' : `${sessions} sessions`} ended`)
          out(`reference ${reference}`)
        }
        return exitCodes.done
      })
    })
}

type SecondFactor = Extract<
  Awaited<ReturnType<AdminApi['secondFactors']>>,
  { ok: true }
>['value']['secondFactors'][number]

function lineOf({ kind, name, createdAt, usedAt }: SecondFactor): string {
  const used = usedAt === undefined ? 'not used yet' : `last used ${timeOf(usedAt)}`
  return `${kind.padEnd(8)} ${name}  added ${timeOf(createdAt)}, ${used}`
}
