import { type AddCommand, configOption, json, outputOption, reportProblem, withAdmin } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { timeOf } from '../terminal.ts'

const hour = 3600
const day = 24 * hour
const overlapHoursMax = 30 * 24
const lifetimeDaysMax = 3650

interface RotateOptions {
  readonly config?: string
  readonly output: string
  readonly issuer?: string
  readonly overlapHours: string
  readonly lifetimeDays?: string
}

interface RevokeOptions {
  readonly config?: string
  readonly issuer?: string
  readonly secret?: string
}

const issuerOption = ['--issuer <name>', 'name or URL, when several issuers have the client'] as const

/** `holdfast clients secret …`: under the clients command. */
export const addClientSecret: AddCommand = (clients, desk) => {
  const secrets = clients.command('secret').description('secrets of clients that the profile lets have one')
  secrets
    .command('rotate <clientId>')
    .description('make a new secret and show it once; the one in use works until the overlap ends')
    .option('--overlap-hours <hours>', `at most ${overlapHoursMax}; 0 ends the old secret at once`, '24')
    .option('--lifetime-days <days>', `at most ${lifetimeDaysMax} (default: the secret never expires)`)
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action(async (clientId: string, options: RotateOptions) => {
      const { overlapHours, lifetimeDays, issuer, output } = options
      const overlap = wholeNumber(overlapHours, 0, overlapHoursMax)
      const lifetime = lifetimeDays === undefined ? undefined : wholeNumber(lifetimeDays, 1, lifetimeDaysMax)
      if (overlap === undefined || (lifetimeDays !== undefined && lifetime === undefined)) {
        desk.terminal.err('`--overlap-hours` and `--lifetime-days` are whole numbers within their bounds')
        return desk.leave(exitCodes.usage)
      }
      await withAdmin(desk, options.config, async ({ api }) => {
        const answer = await api.rotateSecret({
          clientId,
          ...(issuer !== undefined && { issuer }),
          overlapSeconds: overlap * hour,
          ...(lifetime !== undefined && { lifetimeSeconds: lifetime * day }),
        })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { secret, secretId, expiresAt, previousUntil } = answer.value
        if (output === 'json') out(json(answer.value))
        else {
          out(`secret    ${secret}`)
          out(`id        ${secretId}`)
          out(`expires   ${expiresAt === 0 ? 'never' : timeOf(expiresAt)}`)
          if (previousUntil !== undefined) out(`the secret before it works until ${timeOf(previousUntil)}`)
          out('This is the only time it is shown.')
        }
        return exitCodes.done
      })
    })
  secrets
    .command('revoke <clientId>')
    .description('take one secret back, or all of them; they are refused from then on')
    .option('--secret <id>', 'only this one')
    .option(...issuerOption)
    .option(...configOption)
    .action(async (clientId: string, { config, issuer, secret }: RevokeOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.revokeSecret({
          clientId,
          ...(issuer !== undefined && { issuer }),
          ...(secret !== undefined && { secretId: secret }),
        })
        if (!answer.ok) return reportProblem(desk, answer)
        for (const id of answer.value.revoked) desk.terminal.out(`revoked ${id}`)
        return exitCodes.done
      })
    })
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = Number(text)
  return /^\d+$/.test(text) && value >= least && value <= most ? value : undefined
}
