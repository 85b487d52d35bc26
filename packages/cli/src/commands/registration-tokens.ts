import {
  type AddCommand,
  configOption,
  issuerOption,
  json,
  outputOption,
  reportProblem,
  type ServerOptions,
  withAdmin,
} from '../command.ts'
import { everyPage } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, timeOf } from '../terminal.ts'
import { listOf, wholeNumber } from '../values.ts'

const hour = 3600
const usesMax = 10_000
const hoursMax = 365 * 24

interface CreateOptions extends ServerOptions {
  readonly uses: string
  readonly expires: string
  readonly profile: string
  readonly scopes: string
  readonly grantTypes: string
  readonly resources: string
  readonly detailTypes: string
  readonly redirectHosts: string
  readonly requestUriHosts: string
  readonly requireStatement?: boolean
  readonly note: string
}

/** `holdfast registration-tokens …`: who may register clients, how many, and as what. */
export const addRegistrationTokens: AddCommand = (program, desk) => {
  const tokens = program
    .command('registration-tokens')
    .description('initial access tokens: let others register clients, within a policy')
  tokens
    .command('create')
    .description('make a token and show it once')
    .option('--uses <count>', `clients it may register, at most ${usesMax}`, '1')
    .option('--expires <hours>', `hours until it ends, at most ${hoursMax}`, '24')
    .option('--profile <name>', 'security profile of every client registered with it', 'fapi2-security')
    .option('--scopes <names>', 'scopes such a client may have, separated by commas', '')
    .option('--grant-types <names>', 'grant types it may have', 'authorization_code,refresh_token')
    .option('--resources <names>', 'resource servers it may ask tokens for', '')
    .option('--detail-types <names>', 'types of authorization details it may ask for', '')
    .option('--request-uri-hosts <hosts>', 'hosts of its `request_uris`: app.example,app.example:8443', '')
    .option(
      '--redirect-hosts <hosts>',
      'where users may be sent: app.example,app.example:8443,127.0.0.1,com.example.app:',
      '',
    )
    .option('--require-statement', 'a software statement must come along')
    .option('--note <text>', 'what it is for', '')
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action(async (options: CreateOptions) => {
      const uses = wholeNumber(options.uses, usesMax)
      const hours = wholeNumber(options.expires, hoursMax)
      if (uses === undefined || hours === undefined) {
        desk.terminal.err('`--uses` and `--expires` are whole numbers within their bounds')
        return desk.leave(exitCodes.usage)
      }
      await withAdmin(desk, options.config, async ({ api }) => {
        const { issuer, profile, note, requireStatement = false } = options
        const detailTypes = listOf(options.detailTypes)
        const requestUriHosts = listOf(options.requestUriHosts)
        const answer = await api.createRegistrationToken({
          ...(issuer !== undefined && { issuer }),
          ...{ uses, lifetimeSeconds: hours * hour, note },
          policy: {
            profile,
            scopes: listOf(options.scopes),
            grantTypes: listOf(options.grantTypes),
            resources: listOf(options.resources),
            ...(detailTypes.length > 0 && { authorizationDetailsTypes: detailTypes }),
            redirectHosts: listOf(options.redirectHosts),
            ...(requestUriHosts.length > 0 && { requestUriHosts }),
            softwareStatement: requireStatement ? 'required' : 'optional',
          },
        })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { token, id, expiresAt } = answer.value
        if (options.output === 'json') out(json(answer.value))
        else {
          out(`token     ${token}`)
          out(`id        ${id}`)
          out(`clients   ${answer.value.uses}`)
          out(`expires   ${timeOf(expiresAt)}`)
          out('This is the only time it is shown.')
        }
        return exitCodes.done
      })
    })
  tokens
    .command('list')
    .description('every token that has not expired, with what it allows; never its value')
    .option('--issuer <name>', 'only of this issuer')
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ config, output, issuer }: { config?: string; output: string; issuer?: string }) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await everyPage(api.registrationTokens, ({ tokens }) => tokens, issuer)
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        if (output === 'json') out(json(answer.value))
        else {
          const rows = answer.value.map(token => [
            token.id,
            `${token.usesLeft} of ${token.uses}`,
            token.revokedAt === undefined ? timeOf(token.expiresAt) : 'revoked',
            token.policy.profile,
            token.note,
          ])
          for (const line of columns([['TOKEN', 'LEFT', 'UNTIL', 'PROFILE', 'NOTE'], ...rows])) out(line)
        }
        return exitCodes.done
      })
    })
  tokens
    .command('revoke <id>')
    .description('take a token back; clients registered with it stay')
    .option(...configOption)
    .action(async (id: string, { config }: { config?: string }) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.revokeRegistrationToken({ id })
        if (!answer.ok) return reportProblem(desk, answer)
        desk.terminal.out(`revoked ${answer.value.id}`)
        return exitCodes.done
      })
    })
}
