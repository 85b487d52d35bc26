import type { RevokeAccessRequest } from '@holdfast/server/control/admin-api.ts'
import type { Command } from 'commander'
import {
  type AddCommand,
  configOption,
  type Desk,
  json,
  outputOption,
  reportProblem,
  withAdmin,
} from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

interface RevokeOptions {
  readonly config?: string
  readonly output: string
  readonly issuer?: string
}

/** What it means that access ended; the rest of the line says whose. */
const meanings: Readonly<Record<RevokeAccessRequest['of'], string>> = {
  user: 'every token, permission and session has ended; the account may sign in again',
  client: 'every token and permission has ended; the client may ask again until it is suspended',
  grant: 'the permission and every token of it have ended',
}

/** `revoke` under users, clients and grants: all access ends at once. */
export function addRevoke(
  parent: Command,
  desk: Desk,
  of: RevokeAccessRequest['of'],
  argument: string,
): void {
  parent
    .command(`revoke <${argument}>`)
    .description(`end at once: ${meanings[of]}`)
    .option('--issuer <name>', 'name or URL, when several issuers have one of this name')
    .option(...configOption)
    .option(...outputOption)
    .action(async (name: string, { config, issuer, output }: RevokeOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.revokeAccess({ of, name, ...(issuer !== undefined && { issuer }) })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        if (output === 'json') out(json(answer.value))
        else out(`${of} ${name}: ${meanings[of]} (reference ${answer.value.reference})`)
        return exitCodes.done
      })
    })
}

/** `tenants revoke`: everything at every issuer of a tenant. */
export const addTenants: AddCommand = (program, desk) => {
  const meaning = 'every request, session, permission and token has ended; all must sign in and ask again'
  program
    .command('tenants')
    .description('end all access of a tenant')
    .command('revoke <tenant>')
    .description(`end at once, at every issuer of the tenant: ${meaning}`)
    .option('--issuer <name>', 'name or URL, to end it at this issuer of the tenant only')
    .option(...configOption)
    .option(...outputOption)
    .action(async (tenant: string, { config, issuer, output }: RevokeOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.revokeTenant({ tenant, ...(issuer !== undefined && { issuer }) })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { issuers, reference } = answer.value
        if (output === 'json') out(json(answer.value))
        else
          out(
            [`tenant ${tenant}: ${meaning} (reference ${reference})`, ...issuers.map(one => `  ${one}`)].join(
              '\n',
            ),
          )
        return exitCodes.done
      })
    })
}

export const addGrants: AddCommand = (program, desk) => {
  const grants = program.command('grants').description('end what a user allowed a client')
  addRevoke(grants, desk, 'grant', 'grantId')
}
